"""Every random number of a run: initial noise, per-step noise, variation seeds, seed resize.

Image i of a batch draws from its own generator, seeded with its own seed, so it comes out the same alone or in company.
Variation seeds blend two noises on the sphere (Shoemake 1985, "Animating Rotation with Quaternion Curves"), because a
straight blend would lose variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor

from modules.sampling.brownian import BrownianNoise, BrownianTree
from modules.sampling.philox import PhiloxGenerator

NoiseSource = Literal["CPU", "GPU", "NV"]
"""CPU: torch's CPU generator. GPU: a generator on the device that computes. NV: CUDA's numbers, made on the CPU."""


class NoiseStream(Protocol):
    """The normal numbers of one seed, tensor after tensor."""

    def randn(self, shape: Sequence[int]) -> Tensor: ...

    def reseed(self, seed: int) -> None:
        """Start again, from another seed."""
        ...


class TorchStream:
    """A torch generator on `device`, seeded."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        self._generator = torch.Generator(device).manual_seed(seed)

    def randn(self, shape: Sequence[int]) -> Tensor:
        return torch.randn(tuple(shape), generator=self._generator, device=self._device)

    def reseed(self, seed: int) -> None:
        self._generator.manual_seed(seed)


class PhiloxStream:
    """CUDA's numbers for a seed, as CPU tensors."""

    def __init__(self, seed: int) -> None:
        self._generator = PhiloxGenerator(seed)

    def randn(self, shape: Sequence[int]) -> Tensor:
        return torch.as_tensor(self._generator.randn(shape))

    def reseed(self, seed: int) -> None:
        self._generator = PhiloxGenerator(seed)


def noise_stream(seed: int, *, source: NoiseSource, device: torch.device) -> NoiseStream:
    """A fresh stream for `seed`. "GPU" means the CPU's generator where the device has none that is reproducible."""
    if source == "NV":
        return PhiloxStream(seed)
    drawn_on = device if source == "GPU" and device.type not in ("cpu", "mps") else torch.device("cpu")
    return TorchStream(seed, drawn_on)


def slerp(weight: float, low: Tensor, high: Tensor) -> Tensor:
    """Spherical interpolation of two noises [C, H, W] along rows (dimension 1), from `low` at 0 to `high` at 1."""
    lengths = (low**2).sum(dim=1).sqrt() * (high**2).sum(dim=1).sqrt()
    dot = (low * high).sum(dim=1) / lengths
    omega = torch.acos(dot)
    sine = torch.sin(omega)
    low_part = (torch.sin((1 - weight) * omega) / sine).unsqueeze(1) * low
    high_part = (torch.sin(weight * omega) / sine).unsqueeze(1) * high
    # Parallel noises (the seed and its variation are one) have no arc between them: the straight blend is exact there.
    straight = (1 - weight) * low + weight * high
    return torch.where(dot.mean() > 0.9995, straight, low_part + high_part)


def paste_centred(source: Tensor, target: Tensor) -> Tensor:
    """`target` [C, H, W] with the overlap of `source` [C, h, w] laid over it, centre on centre."""
    result = target.clone()
    (height, width), (target_height, target_width) = source.shape[1:], target.shape[1:]
    dy, dx = (target_height - height) // 2, (target_width - width) // 2
    h = height if dy >= 0 else height + 2 * dy
    w = width if dx >= 0 else width + 2 * dx
    to_y, to_x = max(dy, 0), max(dx, 0)
    from_y, from_x = max(-dy, 0), max(-dx, 0)
    result[:, to_y : to_y + h, to_x : to_x + w] = source[:, from_y : from_y + h, from_x : from_x + w]
    return result


class ImageNoise:
    """The noise of one batch of images on one device.

    `shape` is one image's latent (C, H, W). `seed_resize_from` is (rows, columns) of such a latent, zeros for none. One
    instance serves one pass: `initial` first, then `next` for each step that adds noise.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        seeds: Sequence[int],
        subseeds: Sequence[int] | None = None,
        subseed_strength: float = 0.0,
        seed_resize_from: tuple[int, int] = (0, 0),
        source: NoiseSource = "CPU",
        device: torch.device | str = "cpu",
        eta_noise_seed_delta: int = 0,
    ) -> None:
        self.shape = tuple(shape)
        self.seeds = [int(seed) for seed in seeds]
        self.subseeds = None if subseeds is None else [int(seed) for seed in subseeds]
        self.subseed_strength = subseed_strength
        self.seed_resize_from = seed_resize_from
        self.source: NoiseSource = source
        self.device = torch.device(device)
        self.eta_noise_seed_delta = int(eta_noise_seed_delta)
        self._streams = [self._stream(seed) for seed in self.seeds]

    def initial(self) -> Tensor:
        """The noise each image starts from, float32 [B, C, H, W] on the device."""
        first = torch.stack([self._first(index) for index in range(len(self.seeds))])
        if self.eta_noise_seed_delta:
            self._streams = [self._stream(seed + self.eta_noise_seed_delta) for seed in self.seeds]
        return first.to(self.device, non_blocking=True)

    def next(self) -> Tensor:
        """The next step's noise, float32 [B, C, H, W] on the device; each image continues its own stream."""
        drawn = [stream.randn(self.shape) for stream in self._streams]
        return torch.stack(drawn).to(self.device, non_blocking=True)

    def image(self, index: int) -> ImageNoise:
        """A view of one image that continues this image's stream."""
        view = ImageNoise(shape=self.shape, seeds=[self.seeds[index]], source=self.source, device=self.device)
        view.eta_noise_seed_delta = self.eta_noise_seed_delta
        view._streams = [self._streams[index]]
        return view

    def brownian(self, sigma_min: float, sigma_max: float, *, whole_batch: bool = False) -> BrownianNoise:
        """Brownian noise between two noise levels, one path per image.

        With `whole_batch` a single path is drawn for the batch as a whole from its last seed, as very old versions did.
        """
        if whole_batch:
            generator = torch.Generator().manual_seed(self.seeds[-1])
            entropy = int(torch.randint(0, 2**63 - 1, [], generator=generator))
            trees = [self._tree(sigma_min, sigma_max, entropy, (len(self.seeds), *self.shape))]
        else:
            trees = [self._tree(sigma_min, sigma_max, seed, self.shape) for seed in self.seeds]
        return BrownianNoise(trees, device=self.device, batched=whole_batch)

    def _stream(self, seed: int) -> NoiseStream:
        return noise_stream(seed, source=self.source, device=self.device)

    def _tree(self, sigma_min: float, sigma_max: float, seed: int, shape: Sequence[int]) -> BrownianTree:
        stream = self._stream(seed)

        def node_noise(node_seed: int) -> Tensor:
            stream.reseed(node_seed)
            return stream.randn(shape)

        return BrownianTree(sigma_min, sigma_max, seed=seed, noise=node_noise)

    def _first(self, index: int) -> Tensor:
        height, width = self.seed_resize_from
        resized = height > 0 and width > 0 and (height, width) != self.shape[1:]
        shape = (self.shape[0], height, width) if resized else self.shape
        stream = self._streams[index]
        noise = (self._stream(self.seeds[index]) if resized else stream).randn(shape)
        if self.subseeds is not None and self.subseed_strength != 0:
            subseed = self.subseeds[index] if index < len(self.subseeds) else 0
            noise = slerp(self.subseed_strength, noise, self._stream(subseed).randn(shape))
        return paste_centred(noise, stream.randn(self.shape)) if resized else noise


class EncodeNoise:
    """The stream that a VAE encoder's posterior samples come from: torch's CPU generator after `skip` normals.

    Images of a batch continue one stream. `draw` gives float32 CPU tensors.
    """

    def __init__(self, seed: int, *, skip: int = 0) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        if skip:
            self.draw((skip,))

    def reseed(self, seed: int) -> None:
        """Start again from `seed`."""
        self._generator.manual_seed(seed)

    def draw(self, shape: Sequence[int]) -> Tensor:
        """The next normals, a float32 CPU tensor of `shape`."""
        return torch.randn(tuple(shape), generator=self._generator)
