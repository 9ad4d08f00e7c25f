"""Noise as extensions draw it: `modules.rng`, and `create_random_tensors` of `modules.processing`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.a1111.devices import known

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from modules.sampling.noise import ImageNoise

LATENT_SCALE = 8
"""Pixels of a picture for each place of its latent, in which `seed_resize_from` is given."""


class ImageRNG:
    """The noise of a batch of pictures of these seeds. `shape` is that of one latent (C, h, w).

    `seed_resize_from_h` and `_w` are pixels; 0 is none.
    """

    def __init__(
        self,
        shape: Sequence[int],
        seeds: Sequence[int],
        subseeds: Sequence[int] | None = None,
        subseed_strength: float = 0.0,
        seed_resize_from_h: int = 0,
        seed_resize_from_w: int = 0,
    ) -> None:
        from modules.sampling.noise import ImageNoise

        opts = current().shared.opts
        self.shape, self.seeds, self.subseeds = tuple(shape), list(seeds), subseeds
        self.subseed_strength = subseed_strength
        self.seed_resize_from_h, self.seed_resize_from_w = seed_resize_from_h, seed_resize_from_w
        self.is_first = True
        self._is_begun = False
        self._noise = ImageNoise(
            shape=self.shape,
            seeds=self.seeds,
            subseeds=subseeds,
            subseed_strength=subseed_strength,
            seed_resize_from=(max(seed_resize_from_h, 0) // LATENT_SCALE, max(seed_resize_from_w, 0) // LATENT_SCALE),
            source=opts.randn_source,
            device=known("device"),
            eta_noise_seed_delta=opts.eta_noise_seed_delta or 0,
        )

    def first(self) -> Tensor:
        """What the pictures start from, float32 [B, C, h, w]."""
        self._is_begun = True
        return self._noise.initial()

    def next(self) -> Tensor:
        """The same at first, and then the noise of one step after another."""
        if self.is_first:
            self.is_first = False
            return self.first()
        return self._noise.next()

    def of_steps(self) -> ImageNoise:
        """The noise of a sampler's steps, which follows what the pictures start from."""
        if not self._is_begun:
            self.first()
        return self._noise


def slerp(val: float, low: Tensor, high: Tensor) -> Tensor:
    """Between two noises along the sphere they lie on; `val` 0 is `low`."""
    from modules.sampling import noise

    return noise.slerp(val, low, high)


def create_generator(seed: int) -> torch.Generator:
    """A generator of torch's that begins at a seed, on the device that noise is drawn on."""
    import torch

    device = known("device")
    where = "cpu" if current().shared.opts.randn_source == "CPU" or device.type == "mps" else device
    return torch.Generator(where).manual_seed(int(seed))


def create_random_tensors(
    shape: Sequence[int],
    seeds: Sequence[int],
    subseeds: Sequence[int] | None = None,
    subseed_strength: float = 0.0,
    seed_resize_from_h: int = 0,
    seed_resize_from_w: int = 0,
    p: Any = None,
) -> Tensor:
    """What pictures of these seeds start from, float32 [B, C, h, w]."""
    return ImageRNG(shape, seeds, subseeds, subseed_strength, seed_resize_from_h, seed_resize_from_w).first()
