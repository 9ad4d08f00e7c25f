"""The axes that a plot has without extensions, in A1111's order, which is how the API numbers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modules.a1111.current import current
from modules.a1111.types import AxisValue
from modules.a1111.xyz.axes import (
    AxisOption,
    AxisOptionImg2Img,
    AxisOptionTxt2Img,
    apply_field,
    apply_order,
    apply_override,
    apply_prompt,
    apply_size,
    apply_styles,
    boolean_choice,
    confirm_in,
    confirm_sizes,
    do_nothing,
    format_nothing,
    format_remove_path,
    format_value,
    format_value_join_list,
    str_permutations,
)
from modules.foundation.errors import RequestError
from modules.sampling import schedules
from modules.sampling.samplers import registry as samplers

if TYPE_CHECKING:
    from modules.a1111.processing.parameters import StableDiffusionProcessing


def checkpoint_names() -> list[str]:
    """The checkpoints, as lists show them."""
    return sorted((info.title for info in current().app.catalogue.all()), key=str.casefold)


def vae_names() -> list[str]:
    """What the setting for the VAE can be."""
    return ["Automatic", "None", *(info.name for info in current().app.vaes.all())]


def upscaler_names() -> list[str]:
    """What can enlarge between two passes."""
    return [*current().shared.latent_upscale_modes, *(info.name for info in current().app.upscalers.usable())]


def style_names() -> list[str]:
    """Names of all styles."""
    return [style.name for style in current().app.styles.all()]


def restorer_names() -> list[str]:
    """The ways to restore faces, and none."""
    return ["CodeFormer", "GFPGAN", "None"]


def apply_face_restore(p: StableDiffusionProcessing, x: str, xs: Sequence[AxisValue]) -> None:
    """Restore faces by the named way, or by that of the settings for True."""
    name = next((each for each in ("CodeFormer", "GFPGAN") if each.casefold() == x.strip().casefold()), None)
    p.restore_faces = name is not None or x.strip().casefold() in ("true", "yes", "y", "1")
    if name is not None:
        p.override_settings["face_restoration_model"] = name


def confirm_checkpoints(p: StableDiffusionProcessing, xs: Sequence[str]) -> None:
    """A check that all values are checkpoints, by any name that they go by."""
    for x in xs:
        current().app.catalogue.find(x)


def confirm_checkpoints_or_none(p: StableDiffusionProcessing, xs: Sequence[str]) -> None:
    """The same, and None is one too."""
    confirm_checkpoints(p, [x for x in xs if x not in ("", "None", "none")])


def apply_refiner(p: StableDiffusionProcessing, x: str, xs: Sequence[AxisValue]) -> None:
    """Let another checkpoint finish, or none."""
    p.refiner_checkpoint = None if x in ("", "None", "none") else x


def confirm_samplers(p: StableDiffusionProcessing, xs: Sequence[str]) -> None:
    """A check that all values are samplers, by any name."""
    for x in xs:
        samplers.resolve(x)


def confirm_schedules(p: StableDiffusionProcessing, xs: Sequence[str]) -> None:
    """A check that all values are schedules, by any name."""
    for x in xs:
        schedules.resolve(x)


def confirm_vaes(p: StableDiffusionProcessing, xs: Sequence[str]) -> None:
    """A check that all values are VAEs."""
    for x in xs:
        if x not in ("Automatic", "None"):
            current().app.vaes.find(x)


def refuse_fp8(p: StableDiffusionProcessing, xs: Sequence[AxisValue]) -> None:
    """Weights in 8 bits are no setting here, so a plot over them would show the same picture again and again."""
    raise RequestError("Easel does not keep weights in FP8; choose another axis.", "script_args")


BUILT_IN: tuple[AxisOption, ...] = (
    AxisOption("Nothing", str, do_nothing, format_value=format_nothing),
    AxisOption("Seed", int, apply_field("seed")),
    AxisOption("Var. seed", int, apply_field("subseed")),
    AxisOption("Var. strength", float, apply_field("subseed_strength")),
    AxisOption("Steps", int, apply_field("steps")),
    AxisOptionTxt2Img("Hires steps", int, apply_field("hr_second_pass_steps")),
    AxisOption("CFG Scale", float, apply_field("cfg_scale")),
    AxisOptionImg2Img("Image CFG Scale", float, apply_field("image_cfg_scale")),
    AxisOption("Prompt S/R", str, apply_prompt, format_value=format_value),
    AxisOption("Prompt order", str_permutations, apply_order, format_value=format_value_join_list),
    AxisOption(
        "Sampler", str, apply_field("sampler_name"), format_value, confirm=confirm_samplers, choices=samplers.names
    ),
    AxisOptionTxt2Img(
        "Hires sampler",
        str,
        apply_field("hr_sampler_name"),
        confirm=confirm_samplers,
        choices=samplers.names,
    ),
    AxisOption(
        "Checkpoint name",
        str,
        apply_override("sd_model_checkpoint"),
        format_remove_path,
        confirm=confirm_checkpoints,
        cost=1.0,
        choices=checkpoint_names,
    ),
    AxisOption("Negative Guidance minimum sigma", float, apply_field("s_min_uncond")),
    AxisOption("Sigma Churn", float, apply_field("s_churn")),
    AxisOption("Sigma min", float, apply_field("s_tmin")),
    AxisOption("Sigma max", float, apply_field("s_tmax")),
    AxisOption("Sigma noise", float, apply_field("s_noise")),
    AxisOption("Schedule type", str, apply_field("scheduler"), confirm=confirm_schedules, choices=schedules.names),
    AxisOption("Schedule min sigma", float, apply_override("sigma_min")),
    AxisOption("Schedule max sigma", float, apply_override("sigma_max")),
    AxisOption("Schedule rho", float, apply_override("rho")),
    AxisOption("Beta schedule alpha", float, apply_override("beta_dist_alpha")),
    AxisOption("Beta schedule beta", float, apply_override("beta_dist_beta")),
    AxisOption("Eta", float, apply_field("eta")),
    AxisOption("Clip skip", int, apply_override("CLIP_stop_at_last_layers")),
    AxisOption("Denoising", float, apply_field("denoising_strength")),
    AxisOption("Initial noise multiplier", float, apply_field("initial_noise_multiplier")),
    AxisOption("Extra noise", float, apply_override("img2img_extra_noise")),
    AxisOptionTxt2Img(
        "Hires upscaler",
        str,
        apply_field("hr_upscaler"),
        confirm=confirm_in("upscaler", upscaler_names),
        choices=upscaler_names,
    ),
    AxisOptionImg2Img("Cond. Image Mask Weight", float, apply_override("inpainting_mask_weight")),
    AxisOption("VAE", str, apply_override("sd_vae"), confirm=confirm_vaes, cost=0.7, choices=vae_names),
    AxisOption("Styles", str, apply_styles, choices=style_names),
    AxisOption("UniPC Order", int, apply_override("uni_pc_order"), cost=0.5),
    AxisOption("Face restore", str, apply_face_restore, format_value, choices=restorer_names),
    AxisOption("Token merging ratio", float, apply_override("token_merging_ratio")),
    AxisOption("Token merging ratio high-res", float, apply_override("token_merging_ratio_hr")),
    AxisOption(
        "Always discard next-to-last sigma",
        str,
        apply_override("always_discard_next_to_last_sigma", boolean=True),
        choices=boolean_choice(reverse=True),
    ),
    AxisOption(
        "SGM noise multiplier",
        str,
        apply_override("sgm_noise_multiplier", boolean=True),
        choices=boolean_choice(reverse=True),
    ),
    AxisOption(
        "Refiner checkpoint",
        str,
        apply_refiner,
        format_remove_path,
        confirm=confirm_checkpoints_or_none,
        cost=1.0,
        choices=lambda: ["None", *checkpoint_names()],
    ),
    AxisOption("Refiner switch at", float, apply_field("refiner_switch_at")),
    AxisOption(
        "RNG source",
        str,
        apply_override("randn_source"),
        confirm=confirm_in("source of random numbers", lambda: ["GPU", "CPU", "NV"]),
        choices=lambda: ["GPU", "CPU", "NV"],
    ),
    AxisOption("FP8 mode", str, apply_override("fp8_storage"), confirm=refuse_fp8, cost=0.9),
    AxisOption("Size", str, apply_size, confirm=confirm_sizes),
)
