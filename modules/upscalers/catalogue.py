"""Which upscalers there are: the built-in ones and the model files of some folders."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from modules.foundation.errors import RequestError, UnknownName
from modules.foundation.registry import Registry
from modules.library.facts import Stamp, stamp_of
from modules.library.folders import ModelFolders
from modules.library.names import folded
from modules.upscalers.file_check import problem_of
from modules.upscalers.known import KNOWN, MODEL_NAMES, KnownModel

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".pth", ".pt", ".safetensors", ".ckpt")
DEFAULT_SCALE = 4.0

UpscaleMethod = Literal["none", "lanczos", "nearest", "model", "added"]

Enlarge = Callable[["Image.Image", float], "Image.Image"]
"""`enlarge(image, scale)`: the picture in RGB, larger; sides rounded down to multiples of 8."""


@dataclass(frozen=True, kw_only=True)
class UpscalerInfo:
    """One upscaler. `scale` is how much it enlarges at once, as far as that is known before it is loaded.

    `family` is the folder it was found in, which decides the settings for its tiles.
    `path` is None for the built-in ones, and for a well-known model whose file is not there; that one has a `url`.
    `problem` says why it cannot be used. `enlarge` does the work of one that was added.
    """

    name: str
    method: UpscaleMethod = "model"
    family: str | None = None
    path: Path | None = None
    url: str | None = None
    scale: float = DEFAULT_SCALE
    problem: str | None = None
    enlarge: Enlarge | None = None

    @property
    def usable(self) -> bool:
        """Whether nothing is known to speak against using it."""
        return self.problem is None

    @property
    def model_name(self) -> str | None:
        """What A1111 calls the model behind it."""
        return MODEL_NAMES.get(self.family or "")


NONE = UpscalerInfo(name="None", method="none")
LANCZOS = UpscalerInfo(name="Lanczos", method="lanczos")
NEAREST = UpscalerInfo(name="Nearest", method="nearest")
BUILT_IN = (NONE, LANCZOS, NEAREST)


@dataclass(frozen=True, kw_only=True)
class AddedUpscaler:
    """An upscaler that is no model file."""

    name: str
    enlarge: Enlarge


class UpscalerCatalogue:
    """The upscalers of some folders. Thread-safe; folders are read when first asked for, and no model is loaded.

    `added` are those that are no files.
    """

    def __init__(self, folders: Mapping[str, Path], further: Callable[[], Sequence[Path]] = tuple) -> None:
        """`folders` by the family of models that belongs there; any of them may hold any kind of upscaler.

        `further` folders, of other installations, are called like the family.
        """
        self.folders, self._further = dict(folders), further
        self.added: Registry[AddedUpscaler] = Registry("upscaler", lambda upscaler: (upscaler.name,))
        self._lock = threading.Lock()
        self._found: tuple[UpscalerInfo, ...] | None = None
        self._checked: dict[Path, tuple[Stamp | None, str | None]] = {}
        self._scales: dict[Path, float] = {}

    def all(self) -> tuple[UpscalerInfo, ...]:
        """The built-in ones, those that were added, then by name every model file and well-known model without one."""
        with self._lock:
            if self._found is None:
                self._found = tuple(self._scan())
            added = (UpscalerInfo(name=each.name, method="added", enlarge=each.enlarge) for each in self.added)
            return (*BUILT_IN, *added, *(self._with_state(info) for info in self._found))

    def usable(self) -> tuple[UpscalerInfo, ...]:
        """Those that can be chosen."""
        return tuple(info for info in self.all() if info.usable)

    def offered(self, enabled: Mapping[str, Sequence[str]]) -> tuple[UpscalerInfo, ...]:
        """Those that A1111 would list: all files, and the well-known models that settings enable.

        `enabled` maps the setting of a group of known models to the names chosen there.
        """
        hidden = {known.name for known in KNOWN if known.setting and known.name not in enabled.get(known.setting, ())}
        return tuple(info for info in self.all() if info.path is not None or info.name not in hidden)

    def refresh(self) -> tuple[UpscalerInfo, ...]:
        """Read the folders again."""
        with self._lock:
            self._found = None
        return self.all()

    def find(self, name: str, field: str | None = None) -> UpscalerInfo:
        """The upscaler called `name`: its name, or its file's name with or without suffix, in any case.

        The folders are read once more before giving up on a name or on a file that was not there. Raises UnknownName
        with the nearest names, and RequestError for one that cannot be used, saying why.
        """
        info = _match(name, self.all())
        if info is None or not info.usable:
            info = _match(name, self.refresh())
        if info is None:
            raise UnknownName("upscaler", name, (each.name for each in self.usable()), field)
        if info.problem is not None:
            raise RequestError(f"The upscaler {info.name!r} cannot be used. {info.problem}", field)
        return info

    def report_problem(self, path: Path, problem: str) -> None:
        """Remember that `path`, as it is now, cannot be used, and why."""
        with self._lock:
            self._checked[path] = (stamp_of(path), problem)

    def report_scale(self, path: Path, scale: float) -> None:
        """Remember how much the model of `path` really enlarges."""
        with self._lock:
            self._scales[path] = scale

    def _with_state(self, info: UpscalerInfo) -> UpscalerInfo:
        if info.path is None:
            return info
        stamp = stamp_of(info.path)
        checked = self._checked.get(info.path)
        if checked is None or checked[0] != stamp:
            checked = self._checked[info.path] = (stamp, problem_of(info.path))
        return replace(info, problem=checked[1], scale=self._scales.get(info.path, info.scale))

    def _scan(self) -> Iterator[UpscalerInfo]:
        found: dict[str, UpscalerInfo] = {}
        seen: set[tuple[Path, str]] = set()
        further = ((folder.name, folder) for folder in self._further() if folder not in self.folders.values())
        for family, folder in (*self.folders.items(), *further):
            for path in _files(folder):
                # One file in two folders is one upscaler; a link of another name is one by itself.
                if (real := (path.resolve(), path.name)) not in seen:
                    seen.add(real)
                    info = _info(family, path)
                    name = info.name
                    if name.casefold() in found:  # one stem in two folders, or with two suffixes
                        name = (
                            f"{path.name} ({family})"
                            if f"{name} ({family})".casefold() in found
                            else (f"{name} ({family})")
                        )
                    found[name.casefold()] = replace(info, name=name)
        for known in KNOWN:
            if known.name.casefold() not in found and (missing := self._missing(known)) is not None:
                found[known.name.casefold()] = missing
        yield from sorted(found.values(), key=lambda info: info.name.casefold())

    def _missing(self, known: KnownModel) -> UpscalerInfo | None:
        folder = self.folders.get(known.family)
        if folder is None:
            return None
        problem = f"Its file is not there: put {known.needs} into {folder}."
        return UpscalerInfo(
            name=known.name, family=known.family, url=known.listed_url, scale=float(known.scale), problem=problem
        )


def scale_in(name: str) -> float:
    """How much a model enlarges, as its file name says it ("4x-UltraSharp", "RealESRGAN_x2plus"), else 4."""
    match = re.search(r"(?<![0-9a-z])(?:x(\d{1,2})|(\d{1,2})x)(?![0-9])", name.casefold().replace("_", " "))
    scale = int(match[1] or match[2]) if match else 0
    return float(scale) if 1 <= scale <= 16 else DEFAULT_SCALE


def _info(family: str, path: Path) -> UpscalerInfo:
    known = next((each for each in KNOWN if each.family == family and path.name in each.file_names), None)
    if known is not None:
        url, scale = known.listed_url, float(known.scale)
        return UpscalerInfo(name=known.name, family=family, path=path, url=url, scale=scale)
    return UpscalerInfo(name=path.stem, family=family, path=path, scale=scale_in(path.stem))


def _files(folder: Path) -> Iterator[Path]:
    # Read again each time; links that go round in a circle or lead nowhere are the business of library.folders.
    return (Path(found.path) for found in ModelFolders(lambda: [folder], SUFFIXES, hidden=lambda: False).files())


def _match(name: str, infos: Sequence[UpscalerInfo]) -> UpscalerInfo | None:
    wanted = folded(name)
    exact = next((info for info in infos if info.name == name.strip()), None)
    if exact is not None:
        return exact
    for info in infos:
        names = {folded(info.name)}
        if info.path is not None:
            names |= {folded(info.path.name), folded(info.path.stem), folded(str(info.path))}
        if wanted in names:
            return info
    return None
