"""Describing pictures: models are loaded when they are first wanted, and kept or let go of as the settings say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import Tensor

from modules.foundation.errors import OutOfMemory, RequestError
from modules.hardware.device import Hardware
from modules.hardware.memory import release
from modules.interrogate.blip import Blip
from modules.interrogate.catalogue import CaptionerCatalogue, CaptionerInfo
from modules.interrogate.clip_ranking import ClipRanking, WordFeatures
from modules.interrogate.deepdanbooru import DeepDanbooru
from modules.interrogate.options import InterrogateOptions, NoWatcher, Watcher
from modules.interrogate.wd14 import Wd14Tagger

if TYPE_CHECKING:
    from PIL import Image

Loaded = TypeVar("Loaded")
FileStamps = tuple[tuple[str, int, int], ...]


class Interrogators:
    """Lives on the engine's thread."""

    def __init__(self, catalogue: CaptionerCatalogue, hardware: Hardware) -> None:
        self.catalogue, self._hardware = catalogue, hardware
        self._loaded: dict[str, tuple[FileStamps, Any]] = {}
        self._features = WordFeatures()
        self._users = 0

    @property
    def loaded(self) -> tuple[str, ...]:
        """What is loaded: "blip", "clip", "deepdanbooru", the names of taggers."""
        return tuple(self._loaded)

    def unload(self) -> None:
        """Let go of every model."""
        self._loaded.clear()
        release(self._hardware.device)

    @contextlib.contextmanager
    def at_work(self, options: InterrogateOptions) -> Generator[None]:
        """Keep what is loaded inside for all pictures of a job; afterwards it goes, unless it is to be kept."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users and not options.keep_models:
                self.unload()

    def describe(
        self,
        image: Image.Image,
        name: str,
        options: InterrogateOptions,
        watcher: Watcher | None = None,
        field: str | None = None,
    ) -> str:
        """Words for the picture by the captioner `name`.

        Raises UnknownName, RequestError for files that are missing, CheckpointError, OutOfMemory, Interrupted.
        """
        info, watcher = self.catalogue.find(name, field), watcher or NoWatcher()
        try:
            with self.at_work(options):
                return self._described(image, info, options, watcher)
        except torch.OutOfMemoryError as error:
            self.unload()
            raise OutOfMemory(
                f"{self._hardware.name} has no room for {info.name}. Unload the checkpoint, or describe the picture "
                "with a smaller model."
            ) from error

    def picture_vector(self, image: Image.Image, watcher: Watcher | None = None) -> Tensor:
        """CLIP's vector of a picture, of length 1, [projection] in float32.

        Raises RequestError where CLIP is missing, CheckpointError, Interrupted.
        """
        path, watcher = self.catalogue.clip_file, watcher or NoWatcher()
        watcher.check()
        if path is None:
            raise RequestError(f"Pictures have no vectors without CLIP. {self.catalogue.clip_lack}")
        return self._clip(path, watcher).image_features(image)[0]

    def _clip(self, path: Path, watcher: Watcher) -> ClipRanking:
        device, dtype = self._hardware.device, self._dtype
        return self._get("clip", watcher, (path,), lambda: ClipRanking(path, device, dtype, self._features))

    def _described(self, image: Image.Image, info: CaptionerInfo, options: InterrogateOptions, watcher: Watcher) -> str:
        watcher.check()
        device, dtype = self._hardware.device, self._dtype
        match info.kind:
            case "added":
                assert info.describe is not None
                return info.describe(image, options)
            case "wd14":
                weights, tags = info.files["weights"], info.files["tags"]
                tagger = self._get(info.name, watcher, (weights, tags), lambda: Wd14Tagger(weights, tags, device))
                return tagger.describe(image, options)
            case "deepdanbooru":
                path = info.files["deepdanbooru"]
                booru = self._get(info.name, watcher, (path,), lambda: DeepDanbooru(path, device, dtype))
                return booru.describe(image, options)
            case "blip":
                return self._caption(image, info, options, watcher)
            case "clip":
                return self._caption_and_words(image, info, options, watcher)

    def _caption(self, image: Image.Image, info: CaptionerInfo, options: InterrogateOptions, watcher: Watcher) -> str:
        path, words = info.files["blip"], info.files["words"]
        blip = self._get("blip", watcher, (path, words), lambda: Blip(path, words, self._hardware.device, self._dtype))
        watcher.at_phase("describing")
        return blip.caption(image, options)

    def _caption_and_words(
        self, image: Image.Image, info: CaptionerInfo, options: InterrogateOptions, watcher: Watcher
    ) -> str:
        """The caption, then the best of each category."""
        categories = self.catalogue.categories.read(options.skipped_categories, options.most_lines)
        path = info.files.get("clip")
        if categories and path is None:
            raise RequestError(f"Words cannot be ranked. {self.catalogue.clip_problem}", "model")
        parts = [self._caption(image, info, options, watcher)]
        if categories and path is not None:
            clip = self._clip(path, watcher)
            features = clip.image_features(image)
            for category in categories:
                watcher.at_phase(f"ranking {category.name}")
                for word, share in clip.rank(features, category.words, category.count, watcher):
                    parts.append(f"({word}:{share:.3f})" if options.ranks else word)
        return ", ".join(part for part in parts if part)

    @property
    def _dtype(self) -> torch.dtype:
        """The fast type of GPUs; a CPU computes in float32, a moment longer and without rounding."""
        return torch.float32 if self._hardware.is_cpu else self._hardware.unet_dtype

    def _get(self, name: str, watcher: Watcher, paths: tuple[Path, ...], load: Callable[[], Loaded]) -> Loaded:
        """What is loaded under `name`, read again where a file has changed."""
        statuses = ((path, path.stat()) for path in paths)
        stamp = tuple((str(path), status.st_size, status.st_mtime_ns) for path, status in statuses)
        kept = self._loaded.get(name)
        if kept is not None and kept[0] == stamp:
            return cast("Loaded", kept[1])
        self._loaded.pop(name, None)
        watcher.at_phase(f"loading {name}")
        made = load()
        self._loaded[name] = (stamp, made)
        return made
