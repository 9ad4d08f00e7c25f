"""Where outsiders may look into guidance, or change it: the values they are given, and the callables themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from modules.sampling.conditioning import CondBatch, NetworkAdditions
from modules.sampling.inpainting import Blend

Estimate = Callable[[Tensor, Tensor, CondBatch], Tensor]
"""`estimate(x, levels, cond)`: what the sampler works with, for latents x [rows, C, H, W] at levels [rows]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GuidanceInput:
    """One evaluation before the network is called; `uncond` is None where guidance is left out.

    `x` [B, C, H, W] are the latents, `level` is their noise level or time step, as the sampler counts; another one here
    is what the network is told, while the sampler keeps its own. `call` counts from 0 to `total_calls`; `first_image`
    says which image of the batch the first of `x` is. The rows of `cond` and `uncond` are of `x` by their `images`,
    unless `x_cond` and `x_uncond` hold other latents for them; `levels` are levels of their own for the rows of `cond`
    and then of `uncond`, where these are not all `level`.
    """

    x: Tensor
    level: float
    call: int
    total_calls: int
    cond: CondBatch
    uncond: CondBatch | None
    first_image: int = 0
    x_cond: Tensor | None = None
    x_uncond: Tensor | None = None
    levels: tuple[float, ...] | None = None

    def copied(self) -> GuidanceInput:
        """A copy with tensors of its own: writing to them does not change the next evaluation."""
        uncond = None if self.uncond is None else self.uncond.copied()
        return replace(self, x=self.x.clone(), cond=self.cond.copied(), uncond=uncond)

    def joined_rows(self, blind: Sequence[int]) -> Tensor | None:
        """The latents of a call with all rows, `cond`, `uncond` and `blind` images; None where all are those of `x`."""
        assert self.uncond is not None
        if self.x_cond is None and self.x_uncond is None:
            return None
        cond = rows_of(self.x, self.cond.images) if self.x_cond is None else self.x_cond
        uncond = rows_of(self.x, self.uncond.images) if self.x_uncond is None else self.x_uncond
        return torch.cat([cond, uncond, uncond] if blind else [cond, uncond])


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkCall:
    """One call of the network: scaled latents `x` [rows, C, H, W] at time steps `t` [rows], with a row of `cond` each.

    `guidance_input` is the evaluation that it belongs to. The tensors are kept for the next call: replace them, do not
    write to them.
    """

    x: Tensor
    t: Tensor
    cond: CondBatch
    guidance_input: GuidanceInput

    @property
    def share_done(self) -> float:
        """How much of the run is behind, 0 to below 1."""
        return self.guidance_input.call / self.guidance_input.total_calls

    def with_residuals(self, down: Sequence[Tensor] = (), mid: Tensor | None = None) -> NetworkCall:
        """The call with these residuals added to those that it has already.

        `down` is added to what the UNet's down blocks hand to its up blocks, the input convolution's output first,
        `mid` to what its middle block gives. Rows are the call's. Zhang et al. 2023, "Adding Conditional Control to
        Text-to-Image Diffusion Models", section 3.2.
        """
        additions = self.cond.additions or NetworkAdditions()
        return replace(self, cond=replace(self.cond, additions=additions.with_residuals(down, mid)))

    def with_attention(self, **arguments: object) -> NetworkCall:
        """The call with further keyword arguments for the UNet's attention processors."""
        additions = self.cond.additions or NetworkAdditions()
        additions = replace(additions, attention={**additions.attention, **arguments})
        return replace(self, cond=replace(self.cond, additions=additions))


@dataclass(frozen=True, kw_only=True, eq=False)
class GuidanceOutput:
    """One evaluation after the network: the estimate of each row of `cond`, and of each image's negative prompt.

    `weights` are those that AND gives the rows. Where guidance was left out, `uncond` repeats each image's first
    conditional estimate. `blind` [B, C, H, W] is that of the negative prompt without the picture, where the picture
    guides too.
    """

    x: Tensor
    level: float
    call: int
    total_calls: int
    cond: Tensor
    uncond: Tensor
    blind: Tensor | None = None
    images: tuple[int, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class GuidanceHooks:
    """Where outsiders may look in or change something; each may be None, and then costs nothing.

    `before` sees every evaluation before the network, with tensors that it may write to; `estimate` is given what asks
    the network, and what it gives is asked instead; `network` sees each call of the network; `after` the estimates
    before they are combined, `combine` replaces the combination, `guided` changes the result. `blend` keeps parts of a
    latent (inpainting): it is given a latent and the level, and is applied to the denoised latent, or for samplers over
    time steps to their input.
    """

    before: Callable[[GuidanceInput], GuidanceInput] | None = None
    estimate: Callable[[Estimate], Estimate] | None = None
    network: Callable[[NetworkCall], NetworkCall] | None = None
    after: Callable[[GuidanceOutput], GuidanceOutput] | None = None
    combine: Callable[[GuidanceOutput, float], Tensor] | None = None
    guided: Callable[[Tensor, GuidanceOutput], Tensor] | None = None
    blend: Blend | None = None

    def image(self, index: int) -> GuidanceHooks:
        """The hooks for one image of the batch."""
        return self if self.blend is None else replace(self, blend=self.blend.image(index))


def rows_of(x: Tensor, images: Sequence[int]) -> Tensor:
    """One row of `x` for each entry of `images`; views and one concatenation, no index tensor to upload."""
    if tuple(images) == tuple(range(len(x))) * 2:
        return torch.cat([x, x])
    return torch.cat([x[image : image + 1] for image in images])
