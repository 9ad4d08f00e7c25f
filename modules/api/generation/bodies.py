"""The bodies of txt2img and img2img: A1111's names, defaults and types, as /docs shows them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from modules.api.body import Base64, Body, FiniteNumber, LongText, NotNegative, Seed, ShortText, Whole
from modules.foundation.plain import JsonObject


class GenerationBody(Body):
    """What txt2img and img2img have in common."""

    prompt: LongText = Field("", description="What to draw, in A1111's syntax.")
    negative_prompt: LongText = Field("", description="What to stay away from.")
    styles: list[ShortText] | None = Field(None, description="Names of styles to put around the prompts.")
    seed: Seed = Field(-1, description="Seed of the first picture; -1 chooses one.")
    subseed: Seed = Field(-1, description="Seed of the variation; -1 chooses one.")
    subseed_strength: FiniteNumber = Field(0, description="How much of the variation is mixed in, 0 to 1.")
    seed_resize_from_h: Whole = Field(-1, description="Height at which the seed's picture was first made.")
    seed_resize_from_w: Whole = Field(-1, description="Width at which the seed's picture was first made.")
    sampler_name: ShortText | None = Field(None, description="Sampler, by name or alias; may end in a schedule's name.")
    scheduler: ShortText | None = Field(
        None, description="Schedule of noise levels, by name or label; holds beside one in sampler_name."
    )
    batch_size: Whole = Field(1, description="Pictures made together.")
    n_iter: Whole = Field(1, description="Batches made one after another.")
    steps: Whole = Field(50, description="Sampling steps.")
    cfg_scale: FiniteNumber = Field(
        7.0, description="How strongly the prompt guides; 1 switches the negative prompt off."
    )
    width: Whole = Field(512, description="Width in pixels, rounded down to a multiple of 8.")
    height: Whole = Field(512, description="Height in pixels, rounded down to a multiple of 8.")
    restore_faces: bool | None = Field(None, description="Restore faces; not given: as the settings say.")
    tiling: bool | None = Field(None, description="Make the edges fit together; not given: as the settings say.")
    do_not_save_samples: bool = Field(False, description="With save_images: save no single pictures.")
    do_not_save_grid: bool = Field(False, description="With save_images: make and save no grid.")
    eta: FiniteNumber | None = None
    denoising_strength: FiniteNumber | None = None
    s_min_uncond: FiniteNumber | None = None
    s_churn: NotNegative | None = None
    s_tmax: NotNegative | None = None
    s_tmin: NotNegative | None = None
    s_noise: NotNegative | None = None
    override_settings: JsonObject | None = Field(None, description="Settings for this request.")
    override_settings_restore_afterwards: bool = Field(
        True, description="false: the settings of override_settings stay on afterwards."
    )
    refiner_checkpoint: ShortText | None = Field(None, description="A checkpoint that takes over within the sampling.")
    refiner_switch_at: FiniteNumber | None = Field(None, description="When it does: the share that is done, 0 to 1.")
    disable_extra_networks: bool = False
    firstpass_image: Base64 | None = Field(
        None, description="With enable_hr: a finished picture in base64 that takes the place of the first pass."
    )
    comments: JsonObject | None = None
    force_task_id: ShortText | None = Field(None, description="Id under which the progress can be asked for.")
    sampler_index: ShortText = Field("Euler", description="Old name of sampler_name, used when that is not given.")
    script_name: ShortText | None = None
    script_args: list[Any] = Field([])
    send_images: bool = Field(True, description="false: the answer holds no pictures.")
    save_images: bool = Field(False, description="true: the pictures are also saved to the output folder.")
    alwayson_scripts: dict[ShortText, Any] = Field({})
    infotext: LongText | None = Field(None, description="Parameters of a picture; fields not given are taken from it.")


class StableDiffusionProcessingTxt2Img(GenerationBody):
    """A request for pictures from words."""

    enable_hr: bool = Field(False, description="Make a second pass at a larger size (hires fix).")
    firstphase_width: Whole = Field(0, description="Old way to ask: width of the first pass; width is then the last.")
    firstphase_height: Whole = Field(0, description="Old way to ask: height of the first pass.")
    hr_scale: FiniteNumber = Field(2.0, description="How much larger the second pass is.")
    hr_upscaler: ShortText | None = Field(None, description="An upscaler's name; not given: Latent.")
    hr_second_pass_steps: Whole = Field(0, description="Steps of the second pass; 0: as many as the first.")
    hr_resize_x: Whole = Field(0, description="Width of the second pass, instead of hr_scale; 0: follows the height.")
    hr_resize_y: Whole = Field(0, description="Height of the second pass, instead of hr_scale; 0: follows the width.")
    hr_checkpoint_name: ShortText | None = Field(
        None, description="Checkpoint of the second pass; not given: the same."
    )
    hr_sampler_name: ShortText | None = Field(None, description="Sampler of the second pass; not given: the same.")
    hr_scheduler: ShortText | None = Field(None, description="Schedule of the second pass; not given: the same.")
    hr_prompt: LongText = Field("", description="Prompt of the second pass; empty: the same.")
    hr_negative_prompt: LongText = Field("", description="Negative prompt of the second pass; empty: the same.")
    hr_cfg: FiniteNumber | None = Field(None, description="CFG scale of the second pass; not given: the same.")


class StableDiffusionProcessingImg2Img(GenerationBody):
    """A request for pictures from pictures and words."""

    denoising_strength: FiniteNumber | None = Field(0.75, description="0 keeps the picture, 1 ignores it.")
    init_images: list[Any] | None = Field(None, description="The pictures to begin with, each in base64.")
    resize_mode: Whole = Field(
        0, description="0 stretches the picture to the size, 1 crops it, 2 fills it up, 3 stretches its latents."
    )
    image_cfg_scale: FiniteNumber | None = None
    mask: Base64 | None = None
    mask_blur_x: Whole = 4
    mask_blur_y: Whole = 4
    mask_blur: Whole | None = None
    mask_round: bool = True
    inpainting_fill: Whole = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: Whole = 0
    inpainting_mask_invert: Whole = 0
    initial_noise_multiplier: FiniteNumber | None = None
    latent_mask: Base64 | None = None
    include_init_images: bool = Field(False, description="true: `parameters` of the answer repeats the pictures.")
