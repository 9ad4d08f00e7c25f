"""What clients send: A1111's names, defaults and types. The documentation at /docs is made from these."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _whole(value: Any) -> Any:
    """Clients send 20.0, and some 7.5, where a whole number belongs; what is behind the point is dropped."""
    return int(value) if isinstance(value, float) and math.isfinite(value) else value


def readable(value: Any) -> Any:
    """`value` with every text in it free of lone surrogates (half an emoji), which no file and no answer can hold.

    Raises ValueError for NaN and infinity, which JSON does not have either, although Python reads them.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number that can be used")
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {readable(key): readable(item) for key, item in value.items()}
    return [readable(item) for item in value] if isinstance(value, list) else value


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Body(BaseModel):
    """A request. Unknown keys are ignored, and null means that the key is not there."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        # A number by itself is judged by its field, which the answer then names.
        return {
            key: value if isinstance(value, float) else readable(value)
            for key, value in values.items()
            if value is not None
        }


class GenerationBody(Body):
    """What txt2img and img2img have in common."""

    prompt: str = Field("", description="What to draw, in A1111's syntax.")
    negative_prompt: str = Field("", description="What to stay away from.")
    styles: list[str] | None = Field(None, description="Names of styles to put around the prompts.")
    seed: Whole = Field(-1, description="Seed of the first picture; -1 chooses one.")
    subseed: Whole = Field(-1, description="Seed of the variation; -1 chooses one.")
    subseed_strength: Number = Field(0, description="How much of the variation is mixed in, 0 to 1.")
    seed_resize_from_h: Whole = Field(-1, description="Height at which the seed's picture was first made.")
    seed_resize_from_w: Whole = Field(-1, description="Width at which the seed's picture was first made.")
    sampler_name: str | None = Field(None, description="Sampler, by name or alias; may end in a schedule's name.")
    scheduler: str | None = Field(None, description="Schedule of noise levels, by name or label.")
    batch_size: Whole = Field(1, description="Pictures made together.")
    n_iter: Whole = Field(1, description="Batches made one after another.")
    steps: Whole = Field(50, description="Sampling steps.")
    cfg_scale: Number = Field(7.0, description="How strongly the prompt guides; 1 switches the negative prompt off.")
    width: Whole = Field(512, description="Width in pixels, rounded down to a multiple of 8.")
    height: Whole = Field(512, description="Height in pixels, rounded down to a multiple of 8.")
    restore_faces: bool | None = Field(None, description="Restore faces; not given: as the settings say.")
    tiling: bool | None = Field(None, description="Make the edges fit together; not given: as the settings say.")
    do_not_save_samples: bool = Field(False, description="With save_images: save no single pictures.")
    do_not_save_grid: bool = Field(False, description="With save_images: make and save no grid.")
    eta: Number | None = None
    denoising_strength: Number | None = None
    s_min_uncond: Number | None = None
    s_churn: Number | None = None
    s_tmax: Number | None = None
    s_tmin: Number | None = None
    s_noise: Number | None = None
    override_settings: dict[str, Any] | None = Field(None, description="Settings for this request.")
    override_settings_restore_afterwards: bool = Field(
        True, description="false: the settings of override_settings stay on afterwards."
    )
    refiner_checkpoint: str | None = Field(None, description="A checkpoint that takes over within the sampling.")
    refiner_switch_at: Number | None = Field(None, description="When it does: the share that is done, 0 to 1.")
    disable_extra_networks: bool = False
    firstpass_image: str | None = Field(
        None, description="With enable_hr: a finished picture in base64 that takes the place of the first pass."
    )
    comments: dict[str, Any] | None = None
    force_task_id: str | None = Field(None, description="Id under which the progress can be asked for.")
    sampler_index: str = Field("Euler", description="Old name of sampler_name, used when that is not given.")
    script_name: str | None = None
    script_args: list[Any] = []
    send_images: bool = Field(True, description="false: the answer holds no pictures.")
    save_images: bool = Field(False, description="true: the pictures are also saved to the output folder.")
    alwayson_scripts: dict[str, Any] = {}
    infotext: str | None = Field(None, description="Parameters of a picture; fields not given are taken from it.")


class StableDiffusionProcessingTxt2Img(GenerationBody):
    """A request for pictures from words."""

    enable_hr: bool = Field(False, description="Make a second pass at a larger size (hires fix).")
    firstphase_width: Whole = Field(0, description="Old way to ask: width of the first pass; width is then the last.")
    firstphase_height: Whole = Field(0, description="Old way to ask: height of the first pass.")
    hr_scale: Number = Field(2.0, description="How much larger the second pass is.")
    hr_upscaler: str | None = Field(None, description="An upscaler's name; not given: Latent.")
    hr_second_pass_steps: Whole = Field(0, description="Steps of the second pass; 0: as many as the first.")
    hr_resize_x: Whole = Field(0, description="Width of the second pass, instead of hr_scale; 0: follows the height.")
    hr_resize_y: Whole = Field(0, description="Height of the second pass, instead of hr_scale; 0: follows the width.")
    hr_checkpoint_name: str | None = Field(None, description="Checkpoint of the second pass; not given: the same.")
    hr_sampler_name: str | None = Field(None, description="Sampler of the second pass; not given: the same.")
    hr_scheduler: str | None = Field(None, description="Schedule of the second pass; not given: the same.")
    hr_prompt: str = Field("", description="Prompt of the second pass; empty: the same.")
    hr_negative_prompt: str = Field("", description="Negative prompt of the second pass; empty: the same.")
    hr_cfg: Number | None = Field(None, description="CFG scale of the second pass; not given: the same.")


class StableDiffusionProcessingImg2Img(GenerationBody):
    """A request for pictures from pictures and words."""

    denoising_strength: Number | None = Field(0.75, description="0 keeps the picture, 1 ignores it.")
    init_images: list[Any] | None = Field(None, description="The pictures to begin with, each in base64.")
    resize_mode: Whole = Field(0, description="0 stretches the picture to the size, 1 crops it, 2 fills it up.")
    image_cfg_scale: Number | None = None
    mask: str | None = None
    mask_blur_x: Whole = 4
    mask_blur_y: Whole = 4
    mask_blur: Whole | None = None
    mask_round: bool = True
    inpainting_fill: Whole = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: Whole = 0
    inpainting_mask_invert: Whole = 0
    initial_noise_multiplier: Number | None = None
    latent_mask: str | None = None
    include_init_images: bool = Field(False, description="true: `parameters` of the answer repeats the pictures.")


class InterrogateRequest(Body):
    """A picture that words are wanted for."""

    image: str = Field("", description="The picture in base64.")
    model: str = Field("clip", description="Who looks at it: clip or deepdanbooru.")


def _numbers(value: Any) -> Any:
    """A1111's page writes structures as text: "1, 2, 1"."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class CreateEmbeddingRequest(Body):
    """An embedding to make."""

    name: str = Field(description="How prompts will mention it.")
    num_vectors_per_token: Whole = Field(1, ge=1, le=1024, description="How many tokens it takes up.")
    overwrite_old: bool = Field(False, description="true: replace a file of this name.")
    init_text: str = Field("*", description="Words that the vectors begin as; empty: zeros.")


class CreateHypernetworkRequest(Body):
    """A hypernetwork to make."""

    name: str = Field(description="How prompts will mention it.")
    enable_sizes: Annotated[list[int], BeforeValidator(_numbers)] = Field(
        [768, 320, 640, 1280], description="Widths of attention for which it holds networks."
    )
    overwrite_old: bool = Field(False, description="true: replace a file of this name.")
    layer_structure: Annotated[list[Number], BeforeValidator(_numbers)] = Field(
        [1, 2, 1], description="Widths of the layers, as multiples of the size."
    )
    activation_func: str | None = Field("linear", description="What is between the layers.")
    weight_init: str = Field("Normal", description="How the weights begin.")
    add_layer_norm: bool = False
    use_dropout: bool = False
    dropout_structure: Annotated[list[Number] | None, BeforeValidator(_numbers)] = Field(
        None, description="A share for each layer, the first included."
    )


class PNGInfoRequest(Body):
    """A picture whose text is wanted."""

    image: str = Field(description="The picture in base64.")


class InternalProgressRequest(Body):
    """Which job is asked about."""

    model_config = ConfigDict(title="ProgressRequest")

    id_task: str | None = Field(None, title="Task ID")
    id_live_preview: Whole = Field(-1, description="Number of the preview that the client has already.")
    live_preview: bool = Field(True, description="Whether the client wants to see the unfinished picture.")


Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class ExtrasBody(Body):
    """What is to be done to pictures that are there already."""

    resize_mode: Literal[0, 1] = Field(0, description="0: by the factor; 1: to the size.")
    show_extras_results: bool = Field(True, description="Without effect: the answer always holds the pictures.")
    gfpgan_visibility: Share = Field(0, description="How much of faces restored by GFPGAN is mixed in.")
    codeformer_visibility: Share = Field(0, description="How much of faces restored by CodeFormer is mixed in.")
    codeformer_weight: Share = Field(0, description="0 changes faces most, 1 least.")
    upscaling_resize: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(2, description="Factor.")
    upscaling_resize_w: Annotated[Whole, Field(ge=1)] = Field(512, description="Width to reach, in pixels.")
    upscaling_resize_h: Annotated[Whole, Field(ge=1)] = Field(512, description="Height to reach, in pixels.")
    upscaling_crop: bool = Field(True, description="Cut off what hangs over the size.")
    upscaler_1: str = Field("None", description="Upscaler, by name; None: the size stays as it is.")
    upscaler_2: str = Field("None", description="A second one, mixed in.")
    extras_upscaler_2_visibility: Share = Field(0, description="How much of the second one is mixed in.")
    upscale_first: bool = Field(False, description="Enlarge before faces are restored.")


class ExtrasSingleImageRequest(ExtrasBody):
    """One picture to work on."""

    image: str = Field("", description="The picture, in base64.")


class FileData(Body):
    """A file by its name."""

    data: str = Field(description="The file, in base64.")
    name: str = ""


class ExtrasBatchImagesRequest(ExtrasBody):
    """Pictures to work on."""

    imageList: list[FileData] = Field(description="The pictures.")  # noqa: N815 - A1111's name
