"""The cache of loaded upscalers: found by name, loaded when needed, kept while in use."""

from __future__ import annotations

import collections
import contextlib
import logging
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modules.foundation.errors import CheckpointError, RequestError
from modules.hardware.device import Hardware
from modules.hardware.memory import release
from modules.imaging.resize import enlarge
from modules.upscalers.catalogue import UpscalerCatalogue, UpscalerInfo
from modules.upscalers.file_to_file import upscale_file
from modules.upscalers.ldsr import FAMILY as LDSR
from modules.upscalers.ldsr import load_ldsr
from modules.upscalers.model import load_model
from modules.upscalers.upscale import Enlarges, LoadedUpscaler, Tiling, UpscaleProgress, upscale

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

KEPT_MODELS = 2
"""Loaded models that are kept; extras mixes two."""

KEPT_BYTES = 1 << 30
"""Weights that are kept at most beside the model in use."""

_LOADERS: Mapping[str, Callable[[UpscalerInfo, Hardware], LoadedUpscaler]] = {LDSR: load_ldsr}
"""What reads the files of families that are no plain networks."""


class Upscalers:
    """Lives on the engine's thread. `catalogue` says which there are."""

    def __init__(self, catalogue: UpscalerCatalogue, hardware: Hardware) -> None:
        self.catalogue, self._hardware = catalogue, hardware
        self._loaded: collections.OrderedDict[Path, tuple[tuple[int, int], LoadedUpscaler]] = collections.OrderedDict()

    def find(self, name: str, field: str | None = None) -> UpscalerInfo:
        """The upscaler called `name`. Raises UnknownName or RequestError, as the catalogue does."""
        return self.catalogue.find(name, field)

    def upscale(
        self, image: Image.Image, scale: float, name: str, settings: object, control: UpscaleProgress | None = None
    ) -> Image.Image:
        """`image` larger by `scale` with the upscaler `name`; the sides are rounded down to multiples of 8.

        "None" returns the picture as it is. `settings` say how it is cut into tiles; `control` (a RunControl) is told
        of each and may stop between them. Raises RequestError, CheckpointError, OutOfMemory, Interrupted.
        """
        info = self.find(name)
        if info.method == "none":
            return image
        if info.enlarge is not None:
            return info.enlarge(image, scale)
        if info.method != "model":
            return enlarge(image, scale, nearest=info.method == "nearest", check=control.check if control else None)
        with self._at_work(info, settings, control) as model:
            return upscale(image, scale, model, Tiling.of(info.family, settings), control)

    def upscale_file(
        self,
        source: Path,
        target: Path,
        scale: float,
        name: str,
        settings: object,
        *,
        crop: tuple[int, int] | None = None,
        texts: Mapping[str, str] | None = None,
        control: UpscaleProgress | None = None,
    ) -> tuple[int, int]:
        """The picture in the file `source`, larger, in the PNG file `target`, of any size; returns width and height.

        For pictures that had better not be in memory as a whole. `name` is that of a model, or Lanczos; `crop` and
        `texts` are those of `upscale_file`. Raises as `upscale`, and SaveError.
        """
        info = self.find(name)
        if info.method not in ("model", "lanczos"):
            raise RequestError(
                f"{info.name} enlarges no file. Choose an upscaler that is a model, or Lanczos.", "upscaler_1"
            )
        at_work = self._at_work(info, settings, control) if info.method == "model" else contextlib.nullcontext(None)
        tiling = Tiling.of(info.family, settings)
        with at_work as model:
            return upscale_file(source, target, scale, model, tiling, crop=crop, texts=texts, control=control)

    def enlarger(
        self, name: str | None, settings: object, control: UpscaleProgress | None = None
    ) -> Callable[[Image.Image, float], Image.Image] | None:
        """What `modules.imaging.resize.resize` takes as its `upscale`: None for no upscaler or "None".

        The name is looked up at once, so that a wrong one is reported before any work is done.
        """
        if not name or (info := self.find(name)).method == "none":
            return None
        return lambda image, scale: self.upscale(image, scale, info.name, settings, control)

    @contextlib.contextmanager
    def _at_work(self, info: UpscalerInfo, settings: object, control: UpscaleProgress | None) -> Generator[Enlarges]:
        """What enlarges with the model of `info`, which goes afterwards where the settings do not want it kept."""
        model = self.model(info)
        try:
            yield model.for_run(settings, control)
        finally:
            if info.path is not None and not model.stays(settings):
                self._loaded.pop(info.path, None)
                release(self._hardware.device)

    def model(self, info: UpscalerInfo) -> LoadedUpscaler:
        """The model of `info`, loaded if it is not, or if its file has changed.

        Raises CheckpointError with the reason; the catalogue then lists the file as broken.
        """
        assert info.path is not None
        try:
            status = info.path.stat()
            stamp = (status.st_size, status.st_mtime_ns)
            if (kept := self._loaded.get(info.path)) is not None and kept[0] == stamp:
                self._loaded.move_to_end(info.path)
                return kept[1]
            model = _LOADERS.get(info.family or "", load_model)(info, self._hardware)
        except OSError as error:
            raise CheckpointError(f"{info.path} cannot be read: {error.strerror}.") from error
        except CheckpointError as error:
            self.catalogue.report_problem(info.path, str(error))
            raise
        self.catalogue.report_scale(info.path, model.scale)
        self._loaded[info.path] = (stamp, model)
        self._loaded.move_to_end(info.path)
        self._let_go()
        log.info("Loaded the upscaler %s (x%d)", info.name, model.scale)
        return model

    def unload(self) -> None:
        """Let go of every loaded model."""
        self._loaded.clear()
        release(self._hardware.device)

    def _let_go(self) -> None:
        *others, _ = self._loaded.items()
        size = 0
        for count, (path, (_, model)) in enumerate(reversed(others), 2):
            size += model.bytes
            if count > KEPT_MODELS or size > KEPT_BYTES:
                del self._loaded[path]
