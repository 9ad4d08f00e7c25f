"""The `info` object of a result, which A1111's clients read."""

from __future__ import annotations

from collections.abc import Mapping

from modules.foundation.version import VERSION
from modules.generation.plan import Plan
from modules.generation.result import FinishedImage


def info_of(
    plan: Plan,
    images: tuple[FinishedImage, ...],
    *,
    model_hash: str | None,
    vae_hash: str | None,
    inpaints: bool,
    job_timestamp: str,
    extra: Mapping[str, object],
) -> dict[str, object]:
    """The `info` object of a result, with the keys that A1111's clients read."""
    first = images[0] if images else None
    grids = sum(image.kind == "grid" for image in images)
    return {
        "prompt": plan.prompts[0],
        "all_prompts": list(plan.prompts),
        "negative_prompt": plan.negative_prompts[0],
        "all_negative_prompts": list(plan.negative_prompts),
        "seed": first.seed if first else plan.seeds[0],
        "all_seeds": list(plan.seeds),
        "subseed": plan.subseeds[0],
        "all_subseeds": list(plan.subseeds),
        "subseed_strength": plan.subseed_strength,
        "width": plan.width,
        "height": plan.height,
        "sampler_name": plan.sampler.name,
        "cfg_scale": plan.cfg_scale,
        "steps": plan.steps,
        "batch_size": plan.batch_size,
        "restore_faces": plan.settings.face_restoration,
        "face_restoration_model": plan.settings.face_restoration_model if plan.settings.face_restoration else None,
        "sd_model_name": plan.checkpoint.model_name,
        "sd_model_hash": model_hash,
        "sd_vae_name": plan.vae.name if plan.vae else None,
        "sd_vae_hash": vae_hash,
        "seed_resize_from_w": plan.seed_resize_from[1] or -1,
        "seed_resize_from_h": plan.seed_resize_from[0] or -1,
        "denoising_strength": plan.denoising_strength,
        "extra_generation_params": dict(extra),
        "index_of_first_image": grids,
        "infotexts": [image.infotext for image in images],
        "styles": [style.name for style in plan.styles],
        "job_timestamp": job_timestamp,
        "clip_skip": plan.settings.CLIP_stop_at_last_layers,
        "is_using_inpainting_conditioning": inpaints,
        "version": f"Easel {VERSION}",
    }
