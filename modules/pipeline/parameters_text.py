"""The parameters text (infotext) of a picture: which fields it has, and their values, so that it can be made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PIL import Image

from modules.checkpoints.architectures.architecture import ImageInput
from modules.checkpoints.info import CheckpointInfo
from modules.foundation.version import VERSION
from modules.generation.plan import Plan
from modules.generation.result import FinishedImage
from modules.hardware.fp8 import AS_READ, WeightStorage
from modules.infotext.write import FIRST_FIELDS, LAST_FIELDS, write
from modules.pipeline.hypertile import hypertile_settings
from modules.pipeline.inpaint import inpaint_fields
from modules.pipeline.state import PassResult, RunState
from modules.settings.declare import infotext_label
from modules.settings.model import Settings
from modules.text_encoders.embeddings import hashes_text
from modules.text_encoders.textual_inversion import TextualInversion

LABELLED_SETTINGS = (
    "randn_source",
    "use_old_scheduling",
    "sd_noise_schedule",
    "use_downcasted_alpha_bar",
    "enable_quantization",
    "upcast_attn",
    "cfg_rescale",
)
"""Settings that change a picture and are written where they differ from their default."""

EMPHASIS_SETTINGS = ("emphasis", "prompt_dialect", "emphasis_mean_per_prompt")
"""The same, but only where a prompt has brackets."""


def finish(image: Image.Image, plan: Plan, index: int, fields: Mapping[str, object]) -> FinishedImage:
    """Picture `index` of the plan with its infotext, not yet saved."""
    prompt, negative = plan.prompts[index], plan.negative_prompts[index]
    return FinishedImage(
        image=image,
        infotext=write(prompt, negative, fields),
        seed=plan.seeds[index],
        subseed=plan.subseeds[index],
        prompt=prompt,
        negative_prompt=negative,
    )


def picture_fields(state: RunState, index: int, made: PassResult) -> dict[str, object]:
    """The parameters of picture `index` of a run, in the writer's own order where that has one."""
    plan, engine = state.plan, state.engine
    return fields_of(
        plan,
        index,
        model_hash=engine.short_hash(plan.checkpoint),
        vae_hash=engine.short_hash(plan.vae),
        title=state.short_title,
        image_input=state.model.checkpoint.image_input,
        storage=state.model.storage,
        sampled=made.sampled.infotext,
        init_image_hash=state.init_hashes[index % len(state.init_hashes)] if state.init_hashes else None,
        used_embeddings=made.conditioning.used_embeddings,
        has_brackets=made.conditioning.has_brackets or plan.settings.prompt_dialect != "A1111",
    )


def fields_of(
    plan: Plan,
    index: int,
    *,
    model_hash: str | None,
    vae_hash: str | None,
    title: Callable[[CheckpointInfo], str],
    image_input: ImageInput,
    storage: WeightStorage = AS_READ,
    sampled: Mapping[str, object],
    init_image_hash: str | None = None,
    used_embeddings: tuple[TextualInversion, ...] = (),
    has_brackets: bool = False,
) -> dict[str, object]:
    """The parameters of picture `index`, in the writer's own order where that has one. None is left out by it.

    `image_input` is what the checkpoint takes beside the latent, `storage` how its UNet's weights are kept;
    `has_brackets` says that a prompt may hold emphasis.
    `title` gives the text for a further checkpoint.
    """
    settings = plan.settings
    clip_skip = settings.CLIP_stop_at_last_layers
    varied = plan.subseed_strength != 0
    resized_height, resized_width = plan.seed_resize_from
    fields: dict[str, object] = {
        "Steps": plan.steps,
        "Sampler": plan.sampler.name,
        "Schedule type": sampled.get("Schedule type", plan.schedule.label),
        "CFG scale": plan.cfg_scale,
        "Image CFG scale": plan.image_cfg_scale if image_input == "edit" else None,
        "Seed": plan.seeds[index],
        "Size": f"{plan.width}x{plan.height}",
        "Model hash": model_hash if settings.add_model_hash_to_info else None,
        "Model": plan.checkpoint.model_name if settings.add_model_name_to_info else None,
        "FP8 weight": settings.fp8_storage if storage.fp8 else None,
        "Cache FP16 weight for LoRA": True if storage.keeps_source else None,
        "VAE hash": vae_hash if settings.add_vae_hash_to_info else None,
        "VAE": plan.vae.name if plan.vae and settings.add_vae_name_to_info else None,
        "Variation seed": plan.subseeds[index] if varied else None,
        "Variation seed strength": plan.subseed_strength if varied else None,
        "Seed resize from": f"{resized_width}x{resized_height}" if resized_width > 0 and resized_height > 0 else None,
        "Denoising strength": plan.denoising_strength,
        "Conditional mask weight": settings.inpainting_mask_weight if image_input == "inpainting" else None,
        "Clip skip": clip_skip if clip_skip > 1 else None,
        "ENSD": sampled.get("ENSD"),
        "Token merging ratio": plan.token_merging_ratio or None,
        "Token merging ratio hr": plan.hires.second.token_merging_ratio or None if plan.hires else None,
        "Init image hash": init_image_hash,
        "Tiling": True if plan.tiling else None,
    }
    fields |= _hires_fields(plan, index, sampled)
    fields |= _img2img_fields(plan)
    fields |= {key: value for key, value in sampled.items() if key not in fields}
    fields = {key: title(value) if isinstance(value, CheckpointInfo) else value for key, value in fields.items()}
    added = [
        key
        for key, each in type(settings).model_fields.items()
        if infotext_label(each) and key not in Settings.model_fields
    ]
    fields |= changed_settings(settings, (*LABELLED_SETTINGS, *added))
    encodes = plan.is_img2img or (plan.hires is not None and plan.hires.latent_mode is None)
    fields |= changed_settings(settings, ("sd_vae_encode_method",) if encodes else ())
    fields |= changed_settings(settings, ("sd_vae_decode_method",))
    fields |= changed_settings(settings, hypertile_settings(settings, second_pass=plan.hires is not None))
    if settings.textual_inversion_add_hashes_to_infotext and (hashes := hashes_text(used_embeddings)):
        fields["TI hashes"] = hashes
    if has_brackets:
        fields |= changed_settings(settings, EMPHASIS_SETTINGS)
    if settings.add_version_to_infotext:
        fields["Version"] = f"Easel {VERSION}"
    return fields


def _hires_fields(plan: Plan, index: int, sampled: Mapping[str, object]) -> dict[str, object]:
    """The parameters of the second pass; what is as in the first one is not repeated."""
    if plan.hires is None:
        return {}
    fields, second = dict(plan.hires.fields), plan.hires.second
    prompt, negative = second.prompts[index], second.negative_prompts[index]
    return {
        "Hires checkpoint": fields.pop("Hires checkpoint"),
        "Hires sampler": fields.pop("Hires sampler"),
        "Hires prompt": prompt if prompt != plan.prompts[index] else None,
        "Hires negative prompt": negative if negative != plan.negative_prompts[index] else None,
        "Hires schedule type": sampled.get("Hires schedule type"),
        "Hires CFG Scale": second.cfg_scale if second.cfg_scale != plan.cfg_scale else None,
        **fields,
    }


def _img2img_fields(plan: Plan) -> dict[str, object]:
    """What img2img adds to the parameters; extra noise is for a second pass too."""
    extra = plan.settings.img2img_extra_noise if plan.is_img2img or plan.hires else 0
    return {
        **inpaint_fields(plan),
        "Noise multiplier": plan.noise_multiplier if plan.noise_multiplier != 1 else None,
        "Extra noise": extra or None,
    }


def extra_of(fields: Mapping[str, object], sampled: Mapping[str, object]) -> dict[str, object]:
    """The parameters that not every picture has: `extra_generation_params` of A1111's info."""
    common = {*FIRST_FIELDS, *LAST_FIELDS} - {"Denoising strength"} - ({"Schedule type"} & sampled.keys())
    # Those of the second pass are there even when they say nothing, as A1111's clients know them.
    always = ("Hires prompt", "Hires negative prompt", "Hires schedule type")
    return {key: value for key, value in fields.items() if key not in common and (value is not None or key in always)}


def changed_settings(settings: Settings, keys: Sequence[str]) -> dict[str, object]:
    """Those of the labelled settings `keys` that differ from their defaults, by label."""
    declared = type(settings).model_fields
    return {
        infotext_label(declared[key]) or key: getattr(settings, key)
        for key in keys
        if getattr(settings, key) != declared[key].default
    }
