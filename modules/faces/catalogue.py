"""Which face restorers there are, and what each of them still lacks."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from modules.foundation.errors import RequestError, UnknownName
from modules.foundation.registry import Registry
from modules.library.folders import ModelFolders

if TYPE_CHECKING:
    from PIL import Image

RestorerName = Literal["CodeFormer", "GFPGAN"]
NAMES: tuple[RestorerName, ...] = ("CodeFormer", "GFPGAN")

RestoreFaces = Callable[["Image.Image", float], "Image.Image"]
"""`restore(image, weight)`: the picture in RGB with its faces restored; `weight` is the setting for CodeFormer's."""

DETECTOR_FILE = "detection_Resnet50_Final.pth"
DETECTOR_URL = "https://github.com/xinntao/facexlib/releases/download/v0.1.0/detection_Resnet50_Final.pth"
EXTRA_ARCHITECTURES = "spandrel_extra_arches"


@dataclass(frozen=True, kw_only=True)
class RestorerInfo:
    """A face restorer. `weights` and `detector` are its files; `problem` says why it cannot be used.

    `restore` does the work of one that was added.
    """

    name: str
    folder: Path
    weights: Path | None = None
    detector: Path | None = None
    problem: str | None = None
    restore: RestoreFaces | None = None


@dataclass(frozen=True, kw_only=True)
class AddedRestorer:
    """A face restorer that is none of the known networks."""

    name: str
    restore: RestoreFaces


class RestorerCatalogue:
    """The face restorers, as the files in some folders allow them.

    `gfpgan` and `codeformer` are where their weights belong, `more` further folders in which the detector may lie;
    `gfpgan_file` is the one file to use for GFPGAN.
    """

    def __init__(
        self,
        gfpgan: Sequence[Path],
        codeformer: Sequence[Path],
        more: Sequence[Path] = (),
        gfpgan_file: Path | None = None,
    ) -> None:
        self._gfpgan, self._codeformer, self._more = tuple(gfpgan), tuple(codeformer), tuple(more)
        self._gfpgan_file = gfpgan_file
        self.added: Registry[AddedRestorer] = Registry("face restorer", lambda restorer: (restorer.name,))

    def all(self) -> tuple[RestorerInfo, ...]:
        """Each of them, read from the folders now, and those that were added."""
        added = (RestorerInfo(name=each.name, folder=Path(), restore=each.restore) for each in self.added)
        return (*(self._info(name) for name in NAMES), *added)

    def find(self, name: str, field: str | None = None) -> RestorerInfo:
        """The restorer called `name`. Raises UnknownName, or RequestError saying which file to put where."""
        info = next((info for info in self.all() if info.name.casefold() == name.strip().casefold()), None)
        if info is None:
            raise UnknownName("face restorer", name, (each.name for each in self.all()), field)
        if info.problem is not None:
            raise RequestError(f"{info.name} cannot be used. {info.problem}", field)
        return info

    def _info(self, name: RestorerName) -> RestorerInfo:
        folder = (self._gfpgan if name == "GFPGAN" else self._codeformer)[0]
        weights = self._gfpgan_weights() if name == "GFPGAN" else _newest(self._codeformer, "codeformer")
        detector = self.detector
        problems: list[str] = []
        if name == "CodeFormer" and importlib.util.find_spec(EXTRA_ARCHITECTURES) is None:
            problems.append(
                f"Its network is licensed for non-commercial use only and does not come with Easel: "
                f"install it with `pip install {EXTRA_ARCHITECTURES}` if that suits you, and start again."
            )
        if weights is None:
            problems.append(f"Its weights are missing: put {_WEIGHTS[name]} into {folder}.")
        if detector is None:
            problems.append(f"The face detector is missing: put {DETECTOR_FILE} ({DETECTOR_URL}) into {folder}.")
        problem = " ".join(problems) or None
        return RestorerInfo(name=name, folder=folder, weights=weights, detector=detector, problem=problem)

    def _gfpgan_weights(self) -> Path | None:
        if self._gfpgan_file is not None and self._gfpgan_file.is_file():
            return self._gfpgan_file
        return _newest(self._gfpgan, "gfpgan")

    @property
    def detector(self) -> Path | None:
        """The file of what finds faces; None where it is not there."""
        folders = (*self._gfpgan, *self._codeformer, *self._more)
        return next((path for path in _files(folders) if path.name.casefold() == DETECTOR_FILE.casefold()), None)


_WEIGHTS = {
    "GFPGAN": "GFPGANv1.4.pth (https://github.com/TencentARC/GFPGAN/releases/download/v1.3.0/GFPGANv1.4.pth)",
    "CodeFormer": "codeformer.pth (https://github.com/sczhou/CodeFormer/releases/download/v0.1.0/codeformer.pth)",
}


def _newest(folders: Sequence[Path], word: str) -> Path | None:
    """The file whose name holds `word`, of several the one whose name says the latest version."""
    found = [path for path in _files(folders) if word in path.name.casefold()]
    return max(found, key=lambda path: path.name.casefold(), default=None)


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    return (Path(found.path) for found in ModelFolders(lambda: folders, (".pth", ".pt")).files())
