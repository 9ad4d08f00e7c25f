"""Sampling a batch as methods of `p` that extensions replace: `sample`, and `sample_hr_pass` for the second pass."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from modules.a1111.attachments.run_p import p_of
from modules.a1111.processing.parameters import OWN_SAMPLING, StableDiffusionProcessing
from modules.foundation.errors import EaselError, Interrupted
from modules.generation.latents import Latents, Samples, Sampling
from modules.hooks.events import RunEvent

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect

log = logging.getLogger(__name__)


class SamplingAttachments:
    """What scripts have put in the place of `p.sample` and `p.sample_hr_pass`, on the class or on the object."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect

    def sampling(self, make: Sampling, event: RunEvent) -> Sampling:
        """p.sample."""
        p = p_of(event)
        if p is None or not is_sampling_replaced(p, "sample"):
            return make

        def sample() -> Samples:
            p.setup_conds()
            return self._called(p, "sample", make, conditioning=p.c, unconditional_conditioning=p.uc)

        return sample

    def second_sampling(self, make: Sampling, event: RunEvent) -> Sampling:
        """p.sample_hr_pass."""
        p = p_of(event)
        if p is None or not is_sampling_replaced(p, "sample_hr_pass"):
            return make
        return lambda: self._called(p, "sample_hr_pass", make, samples=None, decoded_samples=None)

    def _called(self, p: StableDiffusionProcessing, name: str, make: Sampling, **leading: object) -> Samples:
        """What the method gives. Where it raises, it is named, and what the program samples is used."""
        made: list[Samples] = []

        def once() -> Samples:
            made.append(make())
            return made[-1]

        before = p.program_sampling
        p.program_sampling = {**before, name: once}
        try:
            answer = getattr(p, name)(
                **leading,
                seeds=p.seeds,
                subseeds=p.subseeds,
                subseed_strength=p.subseed_strength,
                prompts=p.prompts,
            )
            return _samples_of(answer)
        except (Interrupted, EaselError):
            raise
        except Exception as error:  # the boundary of an extension
            file = getattr(getattr(getattr(p, name), "__code__", None), "co_filename", "an extension")
            log.exception("p.%s of %s failed", name, file)
            self._dialect.failed(file, f"its {name} failed and is not used: {error}")
            return made[-1] if made else make()
        finally:
            p.program_sampling = before


def is_sampling_replaced(p: StableDiffusionProcessing, name: str) -> bool:
    """Whether a script has put another method in the place of `p.sample` or `p.sample_hr_pass`."""
    method = getattr(p, name, None)
    return method is not None and getattr(method, "__func__", method) not in OWN_SAMPLING


def _samples_of(answer: Any) -> Samples:
    """What a method gave: latents [B, C, h, w], or pictures [3, H, W] of -1 to 1. Raises TypeError for all else."""
    import torch

    if isinstance(answer, torch.Tensor):
        return Samples(latents=Latents(samples=answer))
    if answer is None or (isinstance(answer, list) and not answer):
        return Samples()
    if isinstance(answer, list) and all(isinstance(each, torch.Tensor) for each in answer):
        pictures = [each[0] if each.ndim == 4 else each for each in answer]
        return Samples(pixels=torch.stack([each.float().cpu() for each in pictures]))
    raise TypeError(f"it gave {type(answer).__name__}, neither latents nor a list of pictures")
