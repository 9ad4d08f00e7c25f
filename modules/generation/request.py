"""What was asked: one request as the page or a client sent it, before anything is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from modules.foundation.errors import RequestError
from modules.foundation.plain import JsonMapping, JsonObject
from modules.generation.inpaint import InpaintRequest, SoftInpainting
from modules.generation.per_picture import PerPicture
from modules.imaging.resize import ResizeMode
from modules.prompts.composition import count_parts
from modules.prompts.length import check_length, check_parts


@dataclass(frozen=True, kw_only=True, eq=False)
class HiresRequest:
    """A second pass at a larger size. None, "" and 0 steps mean "as in the first pass".

    With `resize_width` or `resize_height` (pixels; 0: from the other one) the picture gets that size, what hangs over
    is cut off; otherwise it grows by `scale`. How much it may change is the request's `denoising_strength`. Instead of
    making a first picture the pass begins with `first_picture` where there is one.
    """

    scale: float = 2.0
    resize_width: int = 0
    resize_height: int = 0
    upscaler: str | None = None
    steps: int = 0
    sampler: str | None = None
    scheduler: str | None = None
    checkpoint: str | None = None
    cfg_scale: float | None = None
    prompt: str = ""
    negative_prompt: str = ""
    first_picture: Image.Image | None = None

    def __post_init__(self) -> None:
        """Raise RequestError, naming the field, for what no plan could make sense of."""
        check_length(len(self.prompt), "hr_prompt")
        check_length(len(self.negative_prompt), "hr_negative_prompt")
        check_parts(count_parts(self.prompt), "hr_prompt")
        for name, value in (("hr_resize_x", self.resize_width), ("hr_resize_y", self.resize_height)):
            _at_least(name, value, 0)
        _at_least("hr_second_pass_steps", self.steps, 0)
        if not 0 < self.scale <= MOST_SCALE:
            least = f"greater than 0 and at most {MOST_SCALE}"
            raise RequestError(f"hr_scale must be {least}; it is {self.scale}.", "hr_scale")


MOST_SCALE = 16_384
"""Far beyond every picture; what is larger could not even be multiplied."""

LARGEST = 1000.0
"""Of numbers that noise or guidance is multiplied with."""


SMALLEST_SIDE = 8
"""Pixels: what a side may be asked to have at least, whatever the model."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GenerationRequest:
    """One request. A seed of -1 means "choose one"; None means "as the settings say".

    Sizes are in pixels and are rounded down by the plan to what the model can make. `batch_count` batches of
    `batch_size` pictures are made one after another; picture i of them all has seed + i. With `refiner_checkpoint`
    another model takes over when the share `refiner_switch_at` of the noise levels is done (None: at once).

    With `init_images` it is img2img; several of them are taken in turn. `image_cfg_scale` is for checkpoints that edit
    pictures by instruction, `initial_noise_multiplier` scales the noise that img2img adds. `script` names a script that
    takes the request over; `script_arguments` are those of scripts by their names in small letters. `per_picture` goes
    before prompts, styles and seeds.
    """

    prompt: str = ""
    negative_prompt: str = ""
    styles: tuple[str, ...] = ()
    seed: int = -1
    subseed: int = -1
    subseed_strength: float = 0.0
    seed_resize_from_width: int = 0
    seed_resize_from_height: int = 0
    sampler: str | None = None
    scheduler: str | None = None
    steps: int = 20
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    batch_size: int = 1
    batch_count: int = 1
    tiling: bool | None = None
    restore_faces: bool | None = None
    eta: float | None = None
    s_min_uncond: float | None = None
    s_churn: float | None = None
    s_tmin: float | None = None
    s_tmax: float | None = None
    s_noise: float | None = None
    init_images: tuple[Image.Image, ...] = ()
    denoising_strength: float | None = None
    resize_mode: ResizeMode = ResizeMode.STRETCH
    inpaint: InpaintRequest | None = None
    soft_inpainting: SoftInpainting | None = None
    image_cfg_scale: float | None = None
    initial_noise_multiplier: float | None = None
    hires: HiresRequest | None = None
    refiner_checkpoint: str | None = None
    refiner_switch_at: float | None = None
    override_settings: JsonMapping = field(default_factory=JsonObject)
    disable_extra_networks: bool = False
    script: str | None = None
    script_arguments: Mapping[str, tuple[Any, ...]] = field(default_factory=dict[str, "tuple[Any, ...]"])
    per_picture: PerPicture | None = None
    save_images: bool = True
    save_grid: bool = True

    def __post_init__(self) -> None:
        """Raise RequestError, naming the field, for what no plan could make sense of."""
        check_length(len(self.prompt), "prompt")
        check_length(len(self.negative_prompt), "negative_prompt")
        check_parts(count_parts(self.prompt), "prompt")
        _at_least("steps", self.steps, 1)
        _at_least("width", self.width, SMALLEST_SIDE)
        _at_least("height", self.height, SMALLEST_SIDE)
        _at_least("batch_size", self.batch_size, 1)
        _at_least("batch_count", self.batch_count, 1)
        for name, number in (
            ("cfg_scale", self.cfg_scale),
            ("image_cfg_scale", self.image_cfg_scale),
            ("subseed_strength", self.subseed_strength),
            ("initial_noise_multiplier", self.initial_noise_multiplier),
            ("eta", self.eta),
        ):
            if number is not None and not abs(number) <= LARGEST:
                raise RequestError(f"{name} must lie between -{LARGEST:g} and {LARGEST:g}; it is {number}.", name)
        if self.inpaint is not None and not self.init_images:
            raise RequestError("A mask needs a picture that it belongs to: give init_images too.", "init_images")
        strength = self.denoising_strength
        changes = self.init_images or self.hires is not None
        if changes and strength is not None and not 0 <= strength <= 1:
            raise RequestError(f"denoising_strength must lie between 0 and 1; it is {strength}.", "denoising_strength")

    @property
    def is_img2img(self) -> bool:
        """Whether sampling starts from pictures instead of pure noise."""
        return bool(self.init_images)


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise RequestError(f"{name} must be at least {least}; it is {value}.", name)
