"""Which ways there are to describe a picture, and what each of them still lacks. Nothing is loaded here."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from modules.foundation.errors import RequestError, UnknownName
from modules.foundation.registry import Registry
from modules.interrogate.categories import CategoryFolder

if TYPE_CHECKING:
    from PIL import Image

    from modules.interrogate.options import InterrogateOptions

CaptionerKind = Literal["clip", "blip", "deepdanbooru", "wd14", "added"]
Describe = Callable[["Image.Image", "InterrogateOptions"], str]
"""`describe(image, options)`: the words for a picture."""

TAGS_FILE = "selected_tags.csv"
DEEPDANBOORU_URL = "https://github.com/AUTOMATIC1111/TorchDeepDanbooru/releases/download/v1/model-resnet_custom_v3.pt"
BLIP_NEEDS = (
    "put the folder blip-image-captioning-base (https://huggingface.co/Salesforce/blip-image-captioning-base: "
    "config.json, model.safetensors or pytorch_model.bin, vocab.txt), or model_base_caption_capfilt_large.pth "
    "(https://github.com/salesforce/BLIP) with vocab.txt of https://huggingface.co/bert-base-uncased beside it"
)
CLIP_NEEDS = (
    "put the folder clip-vit-large-patch14 (https://huggingface.co/openai/clip-vit-large-patch14: config.json and "
    "model.safetensors) or OpenAI's ViT-L-14.pt"
)
WD14_NAMES = (
    *("wd-v1-4-vit-tagger-v2", "wd-v1-4-convnext-tagger-v2", "wd-v1-4-convnextv2-tagger-v2"),
    *("wd-v1-4-swinv2-tagger-v2", "wd-v1-4-moat-tagger-v2", "wd-vit-tagger-v3", "wd-swinv2-tagger-v3"),
    *("wd-convnext-tagger-v3", "wd-vit-large-tagger-v3", "wd-eva02-large-tagger-v3"),
)
"""The published taggers, by the names of their repositories at https://huggingface.co/SmilingWolf."""


@dataclass(frozen=True, kw_only=True)
class CaptionerInfo:
    """A way to describe pictures. `files` are what it reads, by their part; `problem` says what it lacks."""

    name: str
    kind: CaptionerKind
    aliases: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict[str, Path])
    problem: str | None = None
    describe: Describe | None = None


@dataclass(frozen=True, kw_only=True)
class AddedCaptioner:
    """A way to describe pictures that is none of the known ones."""

    name: str
    describe: Describe


@dataclass(frozen=True, kw_only=True)
class CaptionerFolders:
    """Where the files of each kind are looked for: the first of each is named to those who lack one."""

    blip: Sequence[Path]
    clip: Sequence[Path]
    deepdanbooru: Sequence[Path]
    wd14: Sequence[Path]
    categories: Sequence[Path] = ()


class CaptionerCatalogue:
    """The ways to describe pictures, as the files in some folders allow them, read from there each time."""

    def __init__(self, folders: CaptionerFolders) -> None:
        self._folders = folders
        self.categories = CategoryFolder(folders.categories)
        self.added: Registry[AddedCaptioner] = Registry("captioner", lambda each: (each.name,))

    def all(self) -> tuple[CaptionerInfo, ...]:
        """Each of them; those that cannot be used say why."""
        added = (CaptionerInfo(name=each.name, kind="added", describe=each.describe) for each in self.added)
        return (self._clip(), self._blip(), self._deepdanbooru(), *self._wd14(), *added)

    def find(self, name: str, field: str | None = None) -> CaptionerInfo:
        """The way called `name`. Raises UnknownName, or RequestError saying which file to put where."""
        wanted = name.strip().casefold()
        infos = self.all()
        info = next((info for info in infos if wanted in (info.name.casefold(), *info.aliases)), None)
        if info is None:
            raise UnknownName("model that describes pictures", name, (each.name for each in infos), field)
        if info.problem is not None:
            raise RequestError(f"Pictures cannot be described with {info.name}. {info.problem}", field)
        return info

    def _blip(self) -> CaptionerInfo:
        files, problem = self._blip_files()
        return CaptionerInfo(name="blip", kind="blip", files=files, problem=problem)

    def _blip_files(self) -> tuple[dict[str, Path], str | None]:
        missing = f"The captioning model BLIP is missing: {BLIP_NEEDS}, into {self._folders.blip[0]}."
        for path in _model_files(self._folders.blip):
            words = next(
                (path.parent / each for each in ("vocab.txt", "tokenizer.json") if (path.parent / each).is_file()), None
            )
            if words is not None:
                return {"blip": path, "words": words}, None
            missing = (
                f"BLIP writes with the vocabulary of BERT, which is missing: put vocab.txt "
                f"(https://huggingface.co/bert-base-uncased) into {path.parent}, beside {path.name}."
            )
        return {}, missing

    def _clip(self) -> CaptionerInfo:
        files, problem = self._blip_files()
        clip = self.clip_file
        if clip is not None:
            files["clip"] = clip
        elif problem is None:
            problem = None if not self.categories.names() else self.clip_problem
        return CaptionerInfo(name="clip", kind="clip", files=files, problem=problem)

    @property
    def clip_file(self) -> Path | None:
        """The weights of CLIP; None where there are none."""
        return next(_model_files(self._folders.clip), None)

    @property
    def clip_lack(self) -> str:
        """Which file of CLIP to put where."""
        return f"CLIP is missing: {CLIP_NEEDS} into {self._folders.clip[0]}."

    @property
    def clip_problem(self) -> str:
        """What to say to those who lack CLIP for ranked words."""
        return f"{self.clip_lack.rstrip('.')}, or take the model blip, which writes a caption without ranked words."

    def _deepdanbooru(self) -> CaptionerInfo:
        found = (
            path for folder in self._folders.deepdanbooru for path in _files(folder, (".pt", ".pth", ".safetensors"))
        )
        path = next(found, None)
        problem = None
        if path is None:
            folder = self._folders.deepdanbooru[0]
            problem = f"Its weights are missing: put model-resnet_custom_v3.pt ({DEEPDANBOORU_URL}) into {folder}."
        return CaptionerInfo(
            name="deepdanbooru",
            kind="deepdanbooru",
            aliases=("deepbooru",),
            files={} if path is None else {"deepdanbooru": path},
            problem=problem,
        )

    def _wd14(self) -> Iterator[CaptionerInfo]:
        seen: set[str] = set()
        for folder in self._tagger_folders():
            name = wd14_name(folder.name)
            if name not in seen:
                seen.add(name)
                yield _tagger(name, folder)
        for repository in WD14_NAMES:
            if (name := wd14_name(repository)) not in seen:
                where = self._folders.wd14[0] / repository
                problem = (
                    f"Its files are missing: put model.onnx (or model.safetensors with config.json) and {TAGS_FILE} of "
                    f"https://huggingface.co/SmilingWolf/{repository} into {where}."
                )
                yield CaptionerInfo(name=name, kind="wd14", aliases=(repository,), problem=problem)

    def _tagger_folders(self) -> Iterator[Path]:
        for folder in self._folders.wd14:
            if folder.is_dir():
                inside = sorted(path for path in folder.iterdir() if path.is_dir())
                yield from (path for path in inside if _tagger_weights(path) or (path / TAGS_FILE).is_file())


def wd14_name(folder: str) -> str:
    """The name of the tagger in a folder that is called like its repository.

    >>> [wd14_name(name) for name in ("wd-v1-4-moat-tagger-v2", "wd-vit-tagger-v3", "my-tags")]
    ['wd14-moat-v2', 'wd14-vit-v3', 'wd14-my-tags']
    """
    name = folder.casefold()
    for beginning in ("wd-v1-4-", "wd14-", "wd-"):
        if name.startswith(beginning):
            name = name.removeprefix(beginning)
            break
    return f"wd14-{name.replace('-tagger', '')}"


PACKAGES = {".onnx": "onnxruntime", ".safetensors": "timm"}
"""Which package runs a tagger of which form."""


def _tagger(name: str, folder: Path) -> CaptionerInfo:
    weights, tags = _tagger_weights(folder), folder / TAGS_FILE
    runnable = [path for path in weights if importlib.util.find_spec(PACKAGES[path.suffix]) is not None]
    problem = None
    if not weights:
        problem = f"Its weights are missing: put model.onnx, or model.safetensors with config.json, into {folder}."
    elif not tags.is_file():
        problem = f"Its list of tags is missing: put {TAGS_FILE} of the same repository into {folder}."
    elif not runnable:
        packages = " or ".join(f"`pip install {PACKAGES[path.suffix]}` for {path.name}" for path in weights)
        problem = f"The package that runs it is not installed: {packages} in Easel's environment, and start again."
    files = {"weights": runnable[0], "tags": tags} if problem is None else {}
    return CaptionerInfo(name=name, kind="wd14", aliases=(folder.name.casefold(),), files=files, problem=problem)


def _tagger_weights(folder: Path) -> list[Path]:
    onnx = _files(folder, (".onnx",))
    torch_file = folder / "model.safetensors"
    return [*onnx[:1], *([torch_file] if torch_file.is_file() and (folder / "config.json").is_file() else [])]


def _model_files(folders: Sequence[Path]) -> Iterator[Path]:
    """The weights in some folders: of a folder of transformers first, then files by themselves."""
    for folder in folders:
        inside = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        for each in (folder, *inside):
            if (each / "config.json").is_file():
                names = (each / name for name in ("model.safetensors", "pytorch_model.bin"))
                yield from (path for path in names if path.is_file())
        for each in (folder, *inside):
            if not (each / "config.json").is_file():
                yield from _files(each, (".safetensors", ".pth", ".pt"))


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes and path.is_file())
