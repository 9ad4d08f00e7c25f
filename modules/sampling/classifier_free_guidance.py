"""Classifier-free guidance: Ho, Salimans 2022, "Classifier-Free Diffusion Guidance".

Models that edit pictures by instruction are guided by the picture as well, as in Brooks et al. 2023, "InstructPix2Pix",
equation 3: e(0, 0) + s_I (e(image, 0) - e(0, 0)) + s (e(image, text) - e(image, 0)).

Prompts joined by AND are composed as in Liu et al. 2022, "Compositional Visual Generation with Composable Diffusion
Models": uncond + sum_i w_i s (cond_i - uncond).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from modules.sampling.conditioning import CondBatch, StepConds, fit_uncond, join, pad_with_empty, stack
from modules.sampling.guidance_hooks import (
    Estimate,
    GuidanceHooks,
    GuidanceInput,
    GuidanceOutput,
    NetworkCall,
    rows_of,
)
from modules.sampling.network import ConditionedNetwork
from modules.sampling.options import SamplingOptions
from modules.sampling.refiner_switch import RefinerSwitch

if TYPE_CHECKING:
    from modules.sampling.denoiser import Denoiser


@dataclass(frozen=True, kw_only=True, eq=False)
class _Prepared:
    """The batches of one `StepConds`, kept while the same object is in force."""

    source: StepConds
    cond: CondBatch
    uncond: CondBatch
    blind: CondBatch | None
    joined: CondBatch | None
    weights: tuple[float, ...]


class GuidedModel:
    """A network with its conditioning and guidance, as a sampler calls it (`modules.sampling.step.Model`).

    `denoiser` is how the sampler reads a network. `total_calls` is the number of evaluations that prompts and "skip
    early" are scheduled over. `check` is called before every network call and may raise `Interrupted`. `noted` collects
    what guidance did that belongs into the picture's parameters; `last` is the latest evaluation, for previews of one
    side of the guidance. `refiner_switch` may put another network in this one's place.
    """

    def __init__(
        self,
        network: ConditionedNetwork,
        *,
        denoiser: type[Denoiser],
        guidance_scale: float,
        total_calls: int,
        options: SamplingOptions | None = None,
        hooks: GuidanceHooks | None = None,
        check: Callable[[], None] | None = None,
        refiner_switch: RefinerSwitch | None = None,
    ) -> None:
        self.network, self.denoiser = network, denoiser(network.schedule)
        self.guidance_scale, self.total_calls = guidance_scale, total_calls
        self.options = options or SamplingOptions()
        self.hooks, self.check = hooks or GuidanceHooks(), check
        self.refiner_switch = refiner_switch
        self._index: int | None = None
        self.call = 0
        self.noted: dict[str, object] = {}
        self.last: GuidanceOutput | None = None
        self._prepared: _Prepared | None = None

    def __call__(self, x: Tensor, level: float) -> Tensor:
        """The guided estimate for latents `x` [B, C, H, W]."""
        return self.with_uncond(x, level)[0]

    def with_uncond(self, x: Tensor, level: float) -> tuple[Tensor, Tensor]:
        """The guided and the unconditional estimate."""
        self._let_succeed(level)
        blend, blends_input = self.hooks.blend, self.denoiser.blends_input
        if blend is not None and blends_input:
            x = blend(x, level)
        output = self._evaluate(x, level)
        scale = self.guidance_scale
        guided = self.hooks.combine(output, scale) if self.hooks.combine else combine(output, scale)
        image_scale = self.network.image_guidance_scale
        if output.blind is not None and image_scale is not None:
            guided = guided + (output.uncond - output.blind) * (image_scale - 1)
        if self.options.cfg_rescale:
            guided = self._rescale(guided, output)
        if blend is not None and not blends_input:
            guided = blend(guided, level)
        if self.hooks.guided is not None:
            guided = self.hooks.guided(guided, output)
        self.last = output
        self.call += 1
        return guided, output.uncond

    def image(self, index: int) -> GuidedModel:
        """The same model for one image of the batch, counting its own calls."""
        view = GuidedModel(
            self.network.image(index),
            denoiser=type(self.denoiser),
            guidance_scale=self.guidance_scale,
            total_calls=self.total_calls,
            options=self.options,
            hooks=self.hooks.image(index),
            check=self.check,
            refiner_switch=self.refiner_switch,
        )
        view.noted, view._index = self.noted, index
        return view

    def _let_succeed(self, level: float) -> None:
        """Become another network when its turn has come."""
        if self.refiner_switch is None:
            return
        successor = self.refiner_switch(call=self.call, total_calls=self.total_calls, level=level)
        if successor is None:
            return
        self.denoiser = type(self.denoiser)(successor.schedule)
        self.network = successor if self._index is None else successor.image(self._index)
        if successor.hooks is not None:
            self.hooks = successor.hooks if self._index is None else successor.hooks.image(self._index)
        self.refiner_switch, self._prepared = None, None

    def _evaluate(self, x: Tensor, level: float) -> GuidanceOutput:
        prepared = self._prepare(self.network.conds(self.call))
        uncond = None if self._skips_uncond(prepared, level) else prepared.uncond
        guidance_input = GuidanceInput(
            x=x,
            level=level,
            call=self.call,
            total_calls=self.total_calls,
            cond=prepared.cond,
            uncond=uncond,
            first_image=self._index or 0,
        )
        if self.hooks.before is not None:
            guidance_input = self.hooks.before(guidance_input.copied())
        cond_rows, uncond_rows, blind_rows = self._run(guidance_input, prepared)
        if uncond_rows is None:
            firsts = [guidance_input.cond.images.index(image) for image in range(len(x))]
            uncond_rows = cond_rows if len(cond_rows) == len(x) else torch.stack([cond_rows[row] for row in firsts])
        output = GuidanceOutput(
            x=guidance_input.x,
            level=level,
            call=self.call,
            total_calls=self.total_calls,
            cond=cond_rows,
            uncond=uncond_rows,
            blind=blind_rows,
            images=guidance_input.cond.images,
            weights=prepared.weights,
        )
        return output if self.hooks.after is None else self.hooks.after(output)

    def _prepare(self, conds: StepConds) -> _Prepared:
        """The batches for `conds`, made again only when the conditioning changes."""
        if self._prepared is not None and self._prepared.source is conds:
            return self._prepared
        network = self.network
        parts = [(part, weight, image) for image, parts in enumerate(conds.positive) for part, weight in parts]
        cond = stack([part for part, _, _ in parts], [image for _, _, image in parts], network.image_cond)
        uncond = stack(conds.negative, range(len(conds.negative)), network.image_cond)
        if cond.tokens.shape[1] != uncond.tokens.shape[1]:
            if self.options.pad_cond_uncond_v0:
                uncond = fit_uncond(cond, uncond)
                self.noted["Pad conds v0"] = True
            elif self.options.pad_cond_uncond and network.empty_prompt is not None:
                cond, uncond = pad_with_empty(cond, uncond, network.empty_prompt)
                self.noted["Pad conds"] = True
        blind = uncond.without_image() if network.guides_by_image else None
        fits = self.options.batch_cond_uncond and cond.tokens.shape[1:] == uncond.tokens.shape[1:]
        self._prepared = _Prepared(
            source=conds,
            cond=cond,
            uncond=uncond,
            blind=blind,
            joined=_joined(cond, uncond, blind) if fits else None,
            weights=tuple(weight for _, weight, _ in parts),
        )
        return self._prepared

    def _skips_uncond(self, prepared: _Prepared, level: float) -> bool:
        """Whether this evaluation goes without the negative prompt."""
        options = self.options
        if options.skip_early_cond and self.call / self.total_calls <= options.skip_early_cond:
            self.noted["Skip Early CFG"] = options.skip_early_cond
            return True
        odd = bool(self.call % 2) or options.s_min_uncond_all
        if odd and options.s_min_uncond > 0 and level < options.s_min_uncond:
            self.noted["NGMS"] = options.s_min_uncond
            if options.s_min_uncond_all:
                self.noted["NGMS all steps"] = True
            return True
        single = len(prepared.weights) == len(prepared.uncond) and prepared.blind is None
        return self.guidance_scale == 1.0 and single and all(weight == 1.0 for weight in prepared.weights)

    def _run(self, guidance_input: GuidanceInput, prepared: _Prepared) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The estimates for all rows, in one network call where the numbers of tokens agree."""
        cond, uncond, blind = guidance_input.cond, guidance_input.uncond, prepared.blind
        levels = guidance_input.levels
        own = None if levels is None else levels[: len(cond)]
        if uncond is None:
            return self._network(guidance_input, cond, guidance_input.x_cond, own), None, None
        others = None if levels is None else levels[len(cond) :]
        joined = prepared.joined
        if joined is not None and (cond is not prepared.cond or uncond is not prepared.uncond):
            joined = _joined(cond, uncond, blind) if cond.tokens.shape[1:] == uncond.tokens.shape[1:] else None
        if joined is not None:
            every = None if own is None or others is None else own + others * (1 if blind is None else 2)
            rows = self._network(
                guidance_input, joined, guidance_input.joined_rows(joined.images[len(cond) + len(uncond) :]), every
            )
            negative = rows[len(cond) :]
            return rows[: len(cond)], negative[: len(uncond)], None if blind is None else negative[len(uncond) :]
        positive = self._network(guidance_input, cond, guidance_input.x_cond, own)
        negative = self._network(guidance_input, uncond, guidance_input.x_uncond, others)
        return (
            positive,
            negative,
            None if blind is None else self._network(guidance_input, blind, guidance_input.x_uncond, others),
        )

    def _network(
        self,
        guidance_input: GuidanceInput,
        cond: CondBatch,
        rows: Tensor | None = None,
        levels: tuple[float, ...] | None = None,
    ) -> Tensor:
        """The estimates for the rows of `cond`: of `rows`, or of those of the images of `guidance_input`; at levels
        of their own where there are `levels`."""
        if self.check is not None:
            self.check()
        x = guidance_input.x
        if rows is None:
            rows = x if cond.images == tuple(range(len(x))) else rows_of(x, cond.images)
        if self.hooks.estimate is not None:
            return self._replaced(self.hooks.estimate, guidance_input, cond, rows, levels)
        return self._estimated(guidance_input, cond, rows, levels)

    def _replaced(
        self,
        estimate: Callable[[Estimate], Estimate],
        guidance_input: GuidanceInput,
        cond: CondBatch,
        rows: Tensor,
        levels: tuple[float, ...] | None,
    ) -> Tensor:
        """What `estimate` makes of asking the network, which it may do with other rows, levels and conditioning."""
        own = levels or (guidance_input.level,) * len(rows)
        every = torch.tensor(own, dtype=torch.float32, device=rows.device)

        def ask(x: Tensor, levels: Tensor, cond: CondBatch) -> Tensor:
            # Only levels that are not those it was given are read back from the device.
            each = own if levels is every else tuple(levels.flatten().tolist())
            same = all(level == guidance_input.level for level in each)
            return self._estimated(guidance_input, cond, x, None if same else each)

        return estimate(ask)(rows, every, cond)

    def _estimated(
        self, guidance_input: GuidanceInput, cond: CondBatch, rows: Tensor, levels: tuple[float, ...] | None
    ) -> Tensor:
        """The estimates for `rows`, one for each of `cond`."""
        if levels is not None:
            return self._row_by_row(guidance_input, cond, rows, levels)
        level = guidance_input.level
        scaled, time = self.denoiser.network_input(rows, level)
        t = torch.full((len(rows),), time, dtype=torch.float32, device=rows.device)
        if self.hooks.network is not None:
            call = self.hooks.network(NetworkCall(x=scaled, t=t, cond=cond, guidance_input=guidance_input))
            scaled, t, cond = call.x, call.t, call.cond
        return self.denoiser.estimate(self.network.predict(scaled, t, cond).to(rows.dtype), rows, level)

    def _row_by_row(
        self, guidance_input: GuidanceInput, cond: CondBatch, rows: Tensor, levels: tuple[float, ...]
    ) -> Tensor:
        """The same, where each row has a level of its own: one call, with inputs and estimates row by row."""
        inputs = [self.denoiser.network_input(rows[i : i + 1], level) for i, level in enumerate(levels)]
        scaled = torch.cat([row for row, _ in inputs])
        t = torch.tensor([time for _, time in inputs], dtype=torch.float32).to(rows.device, non_blocking=True)
        if self.hooks.network is not None:
            call = self.hooks.network(NetworkCall(x=scaled, t=t, cond=cond, guidance_input=guidance_input))
            scaled, t, cond = call.x, call.t, call.cond
        output = self.network.predict(scaled, t, cond).to(rows.dtype)
        return torch.cat(
            [self.denoiser.estimate(output[i : i + 1], rows[i : i + 1], level) for i, level in enumerate(levels)]
        )

    def _rescale(self, guided: Tensor, output: GuidanceOutput) -> Tensor:
        """Guidance rescale, in terms of what the network predicts."""
        positive = combine(replace(output, weights=_normalised(output)), 1.0)
        x, level, denoiser = output.x, output.level, self.denoiser
        rescaled = rescale_guidance(
            denoiser.prediction(guided, x, level), denoiser.prediction(positive, x, level), self.options.cfg_rescale
        )
        return denoiser.estimate(rescaled, x, level)


def _joined(cond: CondBatch, uncond: CondBatch, blind: CondBatch | None) -> CondBatch:
    both = join(cond, uncond)
    return both if blind is None else join(both, blind)


def combine(output: GuidanceOutput, scale: float) -> Tensor:
    """uncond + sum_i w_i scale (cond_i - uncond), image by image."""
    cond, uncond = output.cond, output.uncond
    if output.images == tuple(range(len(uncond))) and len(set(output.weights)) == 1:
        return uncond + (cond - uncond) * (output.weights[0] * scale)
    guided = list(uncond)
    for row, (image, weight) in enumerate(zip(output.images, output.weights, strict=True)):
        guided[image] = guided[image] + (cond[row] - uncond[image]) * (weight * scale)
    return torch.stack(guided)


def rescale_guidance(guided: Tensor, positive: Tensor, strength: float) -> Tensor:
    """`guided` brought back to the spread of the conditional prediction, blended in by `strength`.

    Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed", section 3.4, equations 14 to 16.
    """
    axes = tuple(range(1, guided.ndim))
    factor = positive.std(dim=axes, keepdim=True) / guided.std(dim=axes, keepdim=True)
    return guided * (strength * factor + (1 - strength))


def _normalised(output: GuidanceOutput) -> tuple[float, ...]:
    """The weights of each image's prompts, scaled to a sum of one; prompts that cancel out count evenly."""
    sums = [0.0] * len(output.uncond)
    counts = [0] * len(output.uncond)
    for image, weight in zip(output.images, output.weights, strict=True):
        sums[image] += weight
        counts[image] += 1
    return tuple(
        weight / sums[image] if sums[image] else 1 / counts[image]
        for image, weight in zip(output.images, output.weights, strict=True)
    )
