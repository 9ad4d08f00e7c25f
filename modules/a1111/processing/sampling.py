"""What `p.sample` and `p.sample_hr_pass` give when what has taken their place calls them, and what they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules.a1111.conditioning import SdConditioning, get_learned_conditioning, get_multicond_learned_conditioning
from modules.a1111.current import current
from modules.a1111.processing.helpers import DecodedSamples

if TYPE_CHECKING:
    from modules.a1111.processing.parameters import StableDiffusionProcessing


def encoded(prompts: list[str], negative_prompts: list[str], steps: int) -> tuple[Any, Any]:
    """Prompts and negative prompts over the steps, as A1111's samplers take them; None for an empty list."""
    model = current().shared.sd_model
    negative = SdConditioning(negative_prompts, is_negative_prompt=True)
    return (
        get_multicond_learned_conditioning(model, SdConditioning(prompts), steps) if prompts else None,
        get_learned_conditioning(model, negative, steps) if negative_prompts else None,
    )


def sampled_by_program(p: StableDiffusionProcessing, name: str) -> Any:
    """What the program samples where `p.sample` or `p.sample_hr_pass` is called: latents, or decoded pictures.

    Raises NotImplementedError outside of a run.
    """
    make = p.program_sampling.get(name)
    if make is None:
        raise NotImplementedError(
            f"p.{name} can be called within a run alone, by what has taken its place. Use process_images(p), or a hook "
            "of a Script."
        )
    samples = make()
    if name == "sample" and not getattr(p, "enable_hr", False):
        return None if samples.latents is None else samples.latents.samples
    pixels = samples.pixels
    if pixels is None and samples.latents is not None and samples.decode is not None:
        pixels = samples.decode(samples.latents)
    return DecodedSamples([] if pixels is None else [each.float().cpu() for each in pixels])
