"""A model file as something that enlarges a rectangle of pixels."""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.checkpoints.image_networks import load_network
from modules.foundation.errors import CheckpointError, EaselError, OutOfMemory
from modules.hardware.device import Hardware
from modules.hardware.memory import release
from modules.imaging.tiles import Pixels, blended_rows, fitted, from_strips
from modules.upscalers.catalogue import UpscalerInfo
from modules.upscalers.upscale import Enlarges, UpscaleProgress

log = logging.getLogger(__name__)

MOST_MARGIN = 48
"""Pixels next to a cut that are thrown away at most; one that sees farther sees too far to be followed."""

SAFE = 2
"""Pixels added to what was measured."""

SMALLEST_TILE = 32
"""Pixels; a device that cannot hold this has no room for the model at all."""


class UpscalerModel:
    """A loaded model. `scale` is how much it enlarges; `align` is the multiple at which tiles should start."""

    def __init__(self, network: Any, info: UpscalerInfo, hardware: Hardware) -> None:
        self.info, self._hardware = info, hardware
        self.scale: int = network.scale
        self.align = _window_of(network)
        self._network = network.to(hardware.device, _dtype_for(network, hardware)).eval()
        self._largest = math.inf
        self._margin: int | None = None

    @property
    def bytes(self) -> int:
        """Bytes of the weights in memory."""
        return sum(tensor.nbytes for tensor in self._network.model.state_dict().values())

    @property
    def margin(self) -> int:
        """How far from a cut the model's result is another than without the cut, in pixels of the source.

        Measured when first asked for: convolutions and attention reach much farther than what they do can be seen.
        """
        if self._margin is None:
            self._margin = measured_margin(self)
            log.debug("%s sees %d pixels beyond a cut", self.info.name, self._margin)
        return self._margin

    def for_run(self, settings: object, control: UpscaleProgress | None) -> Enlarges:
        """The model itself, which takes no settings."""
        return self

    def stays(self, settings: object) -> bool:
        """Always, as far as there is room."""
        return True

    def enlarge(self, pixels: Pixels) -> Pixels:
        """`pixels` (rows, columns, RGB) larger by `scale`.

        When the device runs out of memory the rectangle is done in smaller pieces, and what comes out as no number is
        done again in float32. Raises OutOfMemory or EaselError when that does not help either.
        """
        if max(pixels.shape[:2]) > self._largest:
            return self._in_pieces(pixels)
        try:
            return self._call(pixels)
        except torch.OutOfMemoryError:
            release(self._hardware.device)
        longest = max(pixels.shape[:2])
        if longest <= SMALLEST_TILE:
            raise OutOfMemory(
                f"{self._hardware.name} has no room for the upscaler {self.info.name!r}, even for tiles of {longest} "
                "pixels. Choose a smaller model, unload the checkpoint, or start with --use-cpu all."
            )
        self._largest = max(longest // 2, SMALLEST_TILE)
        log.warning(
            "Too little memory for tiles of %s pixels; %s go on with %s.", longest, self.info.name, self._largest
        )
        return self._in_pieces(pixels)

    def _in_pieces(self, pixels: Pixels) -> Pixels:
        height, width, channels = pixels.shape
        rows, columns = (
            fitted(length, int(self._largest), margin=int(self._largest) // 8, blend=4, align=min(self.align, 8))
            for length in (height, width)
        )
        strips = blended_rows(
            rows, columns, self.scale, channels, lambda r, c: self.enlarge(pixels[r.start : r.end, c.start : c.end])
        )
        return from_strips(strips, width * self.scale, height * self.scale, channels)

    def _call(self, pixels: Pixels) -> Pixels:
        with torch.inference_mode():
            result = self._network(self._as_input(pixels))
            if not bool(torch.isfinite(result).all()):
                result = self._again_in_float32(pixels)
            return _as_pixels(result)

    def _again_in_float32(self, pixels: Pixels) -> Tensor:
        if self._network.dtype != torch.float32:
            log.warning("The upscaler %s overflows in %s; it goes on in float32.", self.info.name, self._network.dtype)
            self._network.to(self._hardware.device, torch.float32)
            result = self._network(self._as_input(pixels))
            if bool(torch.isfinite(result).all()):
                return result
        raise EaselError(
            f"The upscaler {self.info.name!r} gives no numbers (NaN) for this picture. "
            f"Download {self.info.path} again or choose another upscaler."
        )

    def _as_input(self, pixels: Pixels) -> Tensor:
        # A1111 hands every model its channels in the order blue, green, red; pictures are to come out as they do there.
        values = np.ascontiguousarray(pixels[:, :, ::-1].transpose(2, 0, 1))
        picture = torch.from_numpy(values)[None].to(self._hardware.device)
        picture = picture.to(self._network.dtype) / 255
        return picture if self._network.input_channels == 3 else picture.mean(1, keepdim=True)


def measured_margin(model: Enlarges) -> int:
    """How far from a cut the result of `model` differs by more than one level, at most `MOST_MARGIN`.

    A picture of soft noise is enlarged whole and in two halves; its detail is about that of a photograph.
    """
    half, across = _multiple_of(MOST_MARGIN, model.align), _multiple_of(MOST_MARGIN, model.align)
    picture = _soft_noise(across, 2 * half)
    whole = model.enlarge(picture).astype(np.int16)
    seam = half * model.scale
    left, right = model.enlarge(picture[:, :half]), model.enlarge(picture[:, half:])
    # Both as distances from the cut.
    wrong = np.abs(whole[:, :seam] - left)[:, ::-1].max(axis=(0, 2)), np.abs(whole[:, seam:] - right).max(axis=(0, 2))
    far = [int(np.flatnonzero(each > 1)[-1]) + 1 if (each > 1).any() else 0 for each in wrong]
    return min(math.ceil(max(far) / model.scale) + SAFE, MOST_MARGIN)


def _multiple_of(length: int, align: int) -> int:
    return math.ceil(length / align) * align


def _soft_noise(height: int, width: int) -> Pixels:
    random = np.random.default_rng(1)
    shapes = ((height, width), (height // 3 + 1, width // 3 + 1), (height // 12 + 1, width // 12 + 1))
    layers = [random.normal(0, sigma, (*shape, 3)) for shape, sigma in zip(shapes, (6, 20, 40), strict=True)]
    picture = 128 + sum(
        layer.repeat(-(-height // len(layer)), axis=0)[:height].repeat(-(-width // layer.shape[1]), axis=1)[:, :width]
        for layer in layers
    )
    return np.clip(picture, 0, 255).astype(np.uint8)


def load_model(info: UpscalerInfo, hardware: Hardware) -> UpscalerModel:
    """Read the model of `info`. Raises CheckpointError naming the file and the reason."""
    assert info.path is not None
    network = load_network(info.path)
    if network.purpose not in ("SR", "Restoration") or network.input_channels not in (1, 3):
        raise CheckpointError(
            f"{info.path} holds a model ({network.architecture.name}) that is no upscaler of colour pictures."
        )
    return UpscalerModel(network, info, hardware)


def _dtype_for(network: Any, hardware: Hardware) -> torch.dtype:
    """float16 on devices that are fast in it and for models that bear it, else float32.

    bfloat16 has as many digits as a pixel; a picture computed in it shows.
    """
    return torch.float16 if hardware.unet_dtype == torch.float16 and network.supports_half else torch.float32


def _window_of(network: Any) -> int:
    """The least common grid of a model's attention windows, so that tiles cut no window of the whole picture."""
    if network.architecture.id == "SCUNet":  # its windows of 8 lie on pictures reduced up to eight times
        return 64
    sizes = {network.size_requirements.multiple_of, 1}
    for module in network.model.modules():
        for name in ("window_size", "split_size"):
            value: object = getattr(module, name, None)
            values: object = value if isinstance(value, (tuple, list)) else (value,)
            sizes |= {int(each) for each in values if isinstance(each, int) and 1 < each <= 64}
    return min(math.lcm(*sizes), 64)


def _as_pixels(result: Tensor) -> Pixels:
    picture = result[0].float().clamp_(0, 1).mul_(255).round_().byte().permute(1, 2, 0).cpu().numpy()
    if picture.shape[2] == 1:
        picture = picture.repeat(3, axis=2)
    return picture[:, :, ::-1]
