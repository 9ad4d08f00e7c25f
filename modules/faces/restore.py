"""Restoring faces: found, cut out upright, given to a network, laid back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.checkpoints.image_networks import load_network
from modules.faces.align import Placed, cut_out, lay_back
from modules.faces.catalogue import RestorerCatalogue, RestorerInfo
from modules.faces.detect import Face, detect_faces, eyes_apart
from modules.faces.retinaface import RetinaFace, load_retinaface
from modules.foundation.errors import CheckpointError, OutOfMemory
from modules.hardware.device import Hardware
from modules.hardware.memory import release
from modules.imaging.pixelwise import alpha_of

log = logging.getLogger(__name__)

LEAST_EYES_APART = 5.0
"""Pixels between the eyes of the smallest face that is restored."""

Restore = Callable[[Tensor], Tensor]
"""An upright face to a better one: (1, 3, 512, 512), red, green and blue, -1 to 1."""


class Interruptible(Protocol):
    """Who may stop the work between two faces; `RunControl` is one."""

    def check(self) -> None:
        """Raise Interrupted when the work should be left."""
        ...


@dataclass(frozen=True)
class Restored:
    """The picture, and how many faces in it were restored."""

    image: Image.Image
    faces: int


class FaceRestorers:
    """Lives on the engine's thread; networks are loaded when they are first wanted and kept until `unload`."""

    def __init__(self, catalogue: RestorerCatalogue, hardware: Hardware) -> None:
        self.catalogue, self._hardware = catalogue, hardware
        self._detector: tuple[Path, RetinaFace] | None = None
        self._networks: dict[Path, Any] = {}

    def find(self, name: str, field: str | None = None) -> RestorerInfo:
        """The restorer called `name`. Raises UnknownName, or RequestError saying which file to put where."""
        return self.catalogue.find(name, field)

    def restore(
        self, image: Image.Image, name: str, *, weight: float = 0.5, control: Interruptible | None = None
    ) -> Restored:
        """`image` with every face in it restored; what lies outside of faces is untouched.

        `weight` (0..1) is CodeFormer's: 0 changes faces most, 1 least. Raises RequestError, CheckpointError,
        OutOfMemory, Interrupted.
        """
        info = self.find(name)
        if info.restore is not None:
            restored = info.restore(image, weight)
            return Restored(restored, 0 if restored is image else 1)
        assert info.weights is not None
        assert info.detector is not None
        try:
            faces = [face for face in self._faces(image, info.detector) if eyes_apart(face) >= LEAST_EYES_APART]
            if not faces:
                return Restored(image, 0)
            return restore_faces(image, faces, self._restorer(info.name, info.weights, weight), control)
        except torch.OutOfMemoryError as error:
            self.unload()
            raise OutOfMemory(
                f"{self._hardware.name} has no room for {info.name}. Make the picture smaller or unload the checkpoint."
            ) from error

    def found_in(self, image: Image.Image) -> list[Face]:
        """The faces in a picture, largest first; none where the detector's file is not there."""
        path = self.catalogue.detector
        return [] if path is None else self._faces(image, path)

    @property
    def loaded(self) -> tuple[Path, ...]:
        """The files whose networks are loaded."""
        return (*((self._detector[0],) if self._detector else ()), *self._networks)

    def unload(self) -> None:
        """Let go of every network."""
        self._detector = None
        self._networks.clear()
        release(self._hardware.device)

    def _faces(self, image: Image.Image, path: Path) -> list[Face]:
        if self._detector is None or self._detector[0] != path:
            self._detector = (path, load_retinaface(path).to(self._hardware.device))
        return detect_faces(image, self._detector[1], self._hardware.device)

    def _restorer(self, name: str, path: Path, weight: float) -> Restore:
        network = self._networks.get(path)
        if network is None:
            network = load_network(path)
            if network.architecture.id != name:
                raise CheckpointError(f"{path} holds a model of the kind {network.architecture.name}, not {name}.")
            network = self._networks[path] = network.model.float().eval().to(self._hardware.device)
        device = self._hardware.device
        if name == "CodeFormer":
            return lambda face: network(face.to(device), weight=weight, adain=True)[0]
        # The noise that comes with the weights, so that a face comes out the same each time.
        return lambda face: network(face.to(device), return_rgb=False, randomize_noise=False)[0]


def restore_faces(
    image: Image.Image, faces: list[Face], restore: Restore, control: Interruptible | None = None
) -> Restored:
    """`image` with these faces restored by `restore`, its alpha channel kept. A face that gives no numbers stays."""
    picture, count = image.convert("RGB"), 0
    for face in faces:
        if control is not None:
            control.check()
        placed = cut_out(picture, face.landmarks)
        with torch.inference_mode():
            better = restore(_as_input(placed.image))
        if not bool(torch.isfinite(better).all()):
            log.warning("A face at %s came out as no numbers (NaN) and stays as it is.", face.box.round().tolist())
            continue
        picture, count = lay_back(picture, Placed(_as_picture(better), placed.matrix)), count + 1
    if "A" in image.getbands():
        picture.putalpha(alpha_of(image))
    return Restored(picture, count)


def _as_input(face: Image.Image) -> Tensor:
    pixels = torch.from_numpy(np.array(face, dtype=np.float32))
    return (pixels.permute(2, 0, 1)[None] / 255 - 0.5) / 0.5


def _as_picture(face: Tensor) -> Image.Image:
    values = (face[0].float().clamp(-1, 1) + 1) * 127.5
    return Image.fromarray(values.round().byte().permute(1, 2, 0).cpu().numpy())
