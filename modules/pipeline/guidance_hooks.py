"""What is attached to the points within sampling, as the plain callables that `sampling/` takes.

A point to which nothing is attached becomes None, so that it costs nothing in the loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from modules.hooks.events import BlendEvent, EvaluationEvent, RunEvent
from modules.hooks.points import Hooks
from modules.sampling.classifier_free_guidance import combine
from modules.sampling.guidance_hooks import GuidanceHooks, GuidanceOutput
from modules.sampling.inpainting import Blend


def guidance_hooks(hooks: Hooks, event: RunEvent, *, blend: Blend | None, scale: float) -> GuidanceHooks:
    """The callables of one pass, which `event` describes. `blend` keeps what is not inpainted."""
    if blend is not None and hooks.mask_blend:
        blend = _WatchedBlend(blend, hooks, event)

    def combined(output: GuidanceOutput, guidance_scale: float) -> Tensor:
        return hooks.combination(
            combine(output, guidance_scale), EvaluationEvent(run=event, output=output, scale=guidance_scale)
        )

    def guided(result: Tensor, output: GuidanceOutput) -> Tensor:
        return hooks.guided(result, EvaluationEvent(run=event, output=output, scale=scale))

    return GuidanceHooks(
        before=(lambda guidance_input: hooks.guidance_input(guidance_input, event)) if hooks.guidance_input else None,
        estimate=(lambda estimate: hooks.estimate(estimate, event)) if hooks.estimate else None,
        network=(lambda call: hooks.network(call, event)) if hooks.network else None,
        after=(lambda output: hooks.guidance_output(output, event)) if hooks.guidance_output else None,
        combine=combined if hooks.combination else None,
        guided=guided if hooks.guided else None,
        blend=blend,
    )


@dataclass(frozen=True, eq=False)
class _WatchedBlend:
    """A blend whose results may be changed."""

    inner: Blend
    hooks: Hooks
    event: RunEvent

    def __call__(self, latent: Tensor, level: float) -> Tensor:
        return self._changed(self.inner(latent, level), latent, level)

    def finished(self, latent: Tensor) -> Tensor:
        return self._changed(self.inner.finished(latent), latent, None)

    def image(self, index: int) -> _WatchedBlend:
        return _WatchedBlend(self.inner.image(index), self.hooks, self.event)

    def _changed(self, blended: Tensor, latent: Tensor, level: float | None) -> Tensor:
        event = BlendEvent(run=self.event, latent=latent, blend=self.inner, level=level)
        return self.hooks.mask_blend(blended, event)


@contextlib.contextmanager
def attached_attention(unet: Any, change: Callable[[dict[str, object]], dict[str, object]] | None) -> Generator[None]:
    """Within the block, a diffusers UNet computes with what `change` makes of its attention processors."""
    if change is None:
        yield
        return
    before: dict[str, Any] = unet.attn_processors
    unet.set_attn_processor(dict(change(dict(before))))
    try:
        yield
    finally:
        unet.set_attn_processor(before)
