"""Which label of an infotext belongs to which field of a request and to which setting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

SETTINGS: Mapping[str, str] = {
    "Old prompt editing timelines": "use_old_scheduling",
    "Downcast alphas_cumprod": "use_downcasted_alpha_bar",
    "Refiner switch by sampling steps": "refiner_switch_by_sample_steps",
    "NGMS": "s_min_uncond",
    "NGMS all steps": "s_min_uncond_all",
    "Token merging ratio": "token_merging_ratio",
    "Token merging ratio hr": "token_merging_ratio_hr",
    "Pad conds": "pad_cond_uncond",
    "Pad conds v0": "pad_cond_uncond_v0",
    "FP8 weight": "fp8_storage",
    "Cache FP16 weight for LoRA": "cache_fp16_weight",
    "Eta DDIM": "eta_ddim",
    "Eta": "eta_ancestral",
    "Sigma churn": "s_churn",
    "Sigma tmin": "s_tmin",
    "Sigma tmax": "s_tmax",
    "Sigma noise": "s_noise",
    "Schedule min sigma": "sigma_min",
    "Schedule max sigma": "sigma_max",
    "Schedule rho": "rho",
    "ENSD": "eta_noise_seed_delta",
    "Discard penultimate sigma": "always_discard_next_to_last_sigma",
    "SGM noise multiplier": "sgm_noise_multiplier",
    "UniPC variant": "uni_pc_variant",
    "UniPC skip type": "uni_pc_skip_type",
    "UniPC order": "uni_pc_order",
    "UniPC lower order final": "uni_pc_lower_order_final",
    "Noise Schedule": "sd_noise_schedule",
    "Skip Early CFG": "skip_early_cond",
    "Beta scheduler alpha": "beta_dist_alpha",
    "Beta scheduler beta": "beta_dist_beta",
    "Beta schedule alpha": "beta_dist_alpha",
    "Beta schedule beta": "beta_dist_beta",
    "Model hash": "sd_model_checkpoint",
    "Emphasis": "emphasis",
    "Clip skip": "CLIP_stop_at_last_layers",
    "RNG": "randn_source",
    "Tiling": "tiling",
    "Hires refiner": "hires_fix_refiner_pass",
    "VAE": "sd_vae",
    "VAE Encoder": "sd_vae_encode_method",
    "VAE Decoder": "sd_vae_decode_method",
    "Conditional mask weight": "inpainting_mask_weight",
    "Noise multiplier": "initial_noise_multiplier",
    "Extra noise": "img2img_extra_noise",
    "Face restoration": "face_restoration",
    "Hypertile U-Net": "hypertile_enable_unet",
    "Hypertile U-Net second pass": "hypertile_enable_unet_secondpass",
    "Hypertile U-Net max depth": "hypertile_max_depth_unet",
    "Hypertile U-Net max tile size": "hypertile_max_tile_unet",
    "Hypertile U-Net swap size": "hypertile_swap_size_unet",
    "Hypertile VAE": "hypertile_enable_vae",
    "Hypertile VAE max depth": "hypertile_max_depth_vae",
    "Hypertile VAE max tile size": "hypertile_max_tile_vae",
    "Hypertile VAE swap size": "hypertile_swap_size_vae",
    # Easel's own
    "Prompt dialect": "prompt_dialect",
    "Emphasis mean per prompt": "emphasis_mean_per_prompt",
    "Prompt word wrap length limit": "comma_padding_backtrack",
    "CFG rescale": "cfg_rescale",
    "Enable quantization": "enable_quantization",
    "Upcast cross attention layer": "upcast_attn",
}
"""Label -> setting, in the order in which settings restored from an infotext are listed."""

REQUEST_FIELDS: Mapping[str, str] = {
    "Prompt": "prompt",
    "Negative prompt": "negative_prompt",
    "Styles array": "styles",
    "Steps": "steps",
    "Sampler": "sampler_name",
    "Schedule type": "scheduler",
    "CFG scale": "cfg_scale",
    "Image CFG scale": "image_cfg_scale",
    "Seed": "seed",
    "Size-1": "width",
    "Size-2": "height",
    "Batch size": "batch_size",
    "Variation seed": "subseed",
    "Variation seed strength": "subseed_strength",
    "Seed resize from-1": "seed_resize_from_w",
    "Seed resize from-2": "seed_resize_from_h",
    "Denoising strength": "denoising_strength",
    "Hires upscale": "hr_scale",
    "Hires upscaler": "hr_upscaler",
    "Hires steps": "hr_second_pass_steps",
    "Hires resize-1": "hr_resize_x",
    "Hires resize-2": "hr_resize_y",
    "Hires checkpoint": "hr_checkpoint_name",
    "Hires sampler": "hr_sampler_name",
    "Hires schedule type": "hr_scheduler",
    "Hires prompt": "hr_prompt",
    "Hires negative prompt": "hr_negative_prompt",
    "Hires CFG Scale": "hr_cfg",
    "Refiner": "refiner_checkpoint",
    "Refiner switch at": "refiner_switch_at",
    "Mask blur": "mask_blur",
    "Mask mode": "inpainting_mask_invert",
    "Masked content": "inpainting_fill",
    "Inpaint area": "inpaint_full_res",
    "Masked area padding": "inpaint_full_res_padding",
}
"""Label -> field of a request to the API."""

SOFT_INPAINTING = (
    "Soft inpainting enabled",
    "Soft inpainting schedule bias",
    "Soft inpainting preservation strength",
    "Soft inpainting transition contrast boost",
    "Soft inpainting mask influence",
    "Soft inpainting difference threshold",
    "Soft inpainting difference contrast",
)
"""Labels of the always-on script of that name, in the order of its arguments."""

MASK_MODES = ("Inpaint masked", "Inpaint not masked")
MASKED_CONTENTS = ("fill", "original", "latent noise", "latent nothing")
INPAINT_AREAS = ("Whole picture", "Only masked")
"""What these labels' values mean: the field's number is the place in the list."""


def implied_settings(
    values: Mapping[str, Any],
    current: Callable[[str], Any],
    *,
    labels: Mapping[str, str] = SETTINGS,
    skip: Iterable[str] = (),
    swap_checkpoint: bool = False,
) -> list[tuple[str, str, Any]]:
    """The settings that `values` imply and that are not so already: (label, setting, value).

    `current` gives the present value of a setting, by whose type the text is understood, and raises KeyError for one
    that does not exist. `skip` names labels to disregard. The checkpoint is among them only with `swap_checkpoint`.
    """
    skip = set(skip)
    found: list[tuple[str, str, Any]] = []
    for label, setting in labels.items():
        if label not in values or label in skip or (setting == "sd_model_checkpoint" and not swap_checkpoint):
            continue
        try:
            now = current(setting)
            value = _as_type_of(now, values[label])
        except (KeyError, ValueError):
            continue
        if value != now:
            found.append((label, setting, value))
    return found


def _as_type_of(example: object, value: Any) -> Any:
    """`value`, usually text, as the type of `example`. Raises ValueError if it cannot be."""
    if isinstance(example, bool):
        return str(value) not in ("False", "false", "0", "")
    if isinstance(example, int):
        return int(float(value))
    if isinstance(example, float):
        return float(value)
    return value
