"""`p`: what a generation is asked for, as an object that scripts change piece by piece.

Names and defaults are A1111's. What stands in `p` when a stage begins holds for that stage and those after it
(`conversion.py`, `a1111/attachments/`); attributes that are not known here are kept.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from modules.a1111.current import current
from modules.a1111.processing.attributes import COMMON, IMG2IMG, TXT2IMG
from modules.a1111.processing.helpers import opt_f, txt2img_image_conditioning
from modules.a1111.processing.sampling import encoded, sampled_by_program
from modules.a1111.types import ScriptArgument
from modules.foundation.plain import JsonObject
from modules.generation.latents import Sampling
from modules.generation.seeds import CHANCE, LARGEST_SEED
from modules.imaging.hires_size import hires_size

if TYPE_CHECKING:
    from torch import Tensor

    from modules.a1111.runner import ScriptRunner
    from modules.hooks.events import RunEvent
    from modules.text_encoders.prompt_conditioning import TextEncoder


class TextEncoderChange(Protocol):
    """Easel's own: what a script puts in the place of a model's text encoder for a run (`p.text_encoder_changes`).

    `key` is everything that decides what it makes of a prompt beside the model: encoded prompts are kept under it.
    """

    @property
    def key(self) -> Hashable: ...

    def __call__(self, encoder: TextEncoder, event: RunEvent) -> TextEncoder:
        """The encoder that the prompts of a pass are read with. Raises Refused where it cannot be made."""
        ...


class StableDiffusionProcessing:
    """What every generation is asked for. Takes its attributes by keyword or in A1111's order."""

    own: ClassVar[JsonObject] = {}
    cached_c: ClassVar[list[object]] = [None, None]
    cached_uc: ClassVar[list[object]] = [None, None]
    batch_index = 0
    """Which picture of its batch is at hand."""
    program_run: Callable[[], RunEvent | None] = staticmethod(lambda: None)
    """The run that is made for it, from its first batch on. A function, for copies of `p` do not copy the run."""
    program_sampling: Mapping[str, Sampling] = {}
    """While a method that stands in the place of `sample` runs: what the program would sample, by the method's name."""

    if TYPE_CHECKING:
        # Attributes come from the tables above and from scripts, which keep their own there.
        def __setattr__(self, name: str, value: object) -> None: ...

    def __init__(self, *positional: Any, **named: Any) -> None:
        defaults = {**COMMON, **self.own}
        if len(positional) > len(defaults):
            raise TypeError(f"{type(self).__name__} takes at most {len(defaults)} arguments; {len(positional)} came.")
        values = {**dict(zip(defaults, positional, strict=False)), **named}
        blur = values.pop("mask_blur", None)
        scripts, script_args = values.pop("scripts", None), values.pop("script_args", None)
        unknown = [name for name in values if name not in defaults]
        if unknown:
            raise TypeError(f"{type(self).__name__} has no argument {unknown[0]!r}.")
        for name, default in defaults.items():
            value = values.get(name)
            if name != "sd_model" or value is not None:  # the loaded one, until another is set
                setattr(self, name, _first(default) if value is None else value)
        if blur is not None:
            self.mask_blur = blur
        self.scripts: ScriptRunner | None = scripts
        self.script_args: Sequence[ScriptArgument] = script_args if script_args is not None else []
        self.text_encoder_changes: list[TextEncoderChange] = []

    def __getattr__(self, name: str) -> Any:
        if name == "sd_model":
            return current().shared.sd_model
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def comment(self, text: str) -> None:
        """Say something below the picture."""
        self.comments[text] = 1

    def setup_prompts(self) -> None:
        """Fill the lists of prompts, with the styles and without comments, one entry a picture."""
        total = self.batch_size * self.n_iter
        shared = current().shared
        lists = [len(each) for each in (self.prompt, self.negative_prompt) if isinstance(each, list)]
        total = max(lists) if lists else total  # a list says how many pictures there are
        prompts = self.prompt if isinstance(self.prompt, list) else [self.prompt] * total
        negatives = self.negative_prompt if isinstance(self.negative_prompt, list) else [self.negative_prompt] * total
        # Lists of different length: the shorter is filled up with its last.
        length = max(len(prompts), len(negatives))
        prompts, negatives = _filled(prompts, length), _filled(negatives, length)
        chosen = shared.prompt_styles
        self.all_prompts = [self.without_comments(chosen.apply_styles_to_prompt(each, self.styles)) for each in prompts]
        self.all_negative_prompts = [
            self.without_comments(chosen.apply_negative_styles_to_prompt(each, self.styles)) for each in negatives
        ]
        self.main_prompt, self.main_negative_prompt = self.all_prompts[0], self.all_negative_prompts[0]

    def without_comments(self, prompt: str) -> str:
        """A prompt as it counts."""
        from modules.prompts.comments import strip_comments

        return strip_comments(prompt) if current().shared.opts.enable_prompt_comments else prompt

    def setup_seeds(self) -> None:
        """Choose seeds that are left open, and fill the lists of seeds, one entry a picture."""
        count = len(self.all_prompts)
        seed, subseed = get_fixed_seed(self.seed), get_fixed_seed(self.subseed)
        if isinstance(seed, list):
            self.all_seeds = seed
        else:
            step = 1 if self.subseed_strength == 0 else 0
            self.all_seeds = [int(seed) + index * step for index in range(count)]
        self.all_subseeds = subseed if isinstance(subseed, list) else [int(subseed) + index for index in range(count)]

    def close(self) -> None:
        """Give back what is remembered of encoded prompts; nothing is kept here."""
        self.sampler = None

    def clear_prompt_cache(self) -> None:
        """Forget encoded prompts. The program remembers them by what they are made of, so there is nothing to do."""

    def setup_conds(self) -> None:
        """Encode the prompts of the batch at hand into `c` and `uc`, for scripts that look at them."""
        self.c, self.uc = encoded(self.prompts or [], self.negative_prompts or [], int(self.steps))

    def get_conds(self) -> tuple[object, object]:
        """The encoded prompts and negative prompts."""
        return self.c, self.uc

    def init(self, all_prompts: object, all_seeds: object, all_subseeds: object) -> None:
        """Called before the first batch; for classes derived from this one."""

    def sample(
        self,
        conditioning: object = None,
        unconditional_conditioning: object = None,
        seeds: object = None,
        subseeds: object = None,
        subseed_strength: object = None,
        prompts: object = None,
    ) -> Any:
        """Latents [B, C, h, w] of the batch at hand, sampled as `p` says; after a second pass decoded pictures.

        Scripts put another method in its place, from which this one is called. Raises NotImplementedError elsewhere.
        """
        return sampled_by_program(self, "sample")

    def txt2img_image_conditioning(self, x: Tensor, width: int | None = None, height: int | None = None) -> Tensor:
        """What models that take no picture are given beside latents x [B, C, h, w]: a stand-in [B, 5, 1, 1]."""
        return txt2img_image_conditioning(self.sd_model, x, width or int(self.width), height or int(self.height))

    def img2img_image_conditioning(
        self, source_image: Tensor, latent_image: Tensor, image_mask: object = None, round_image_mask: bool = True
    ) -> Tensor:
        """The same for latents of a picture."""
        return self.txt2img_image_conditioning(latent_image)

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        """The ratio in force for one of the passes."""
        opts = current().shared.opts
        if for_hr:
            return self.token_merging_ratio_hr or opts.token_merging_ratio_hr or opts.token_merging_ratio
        return self.token_merging_ratio or opts.token_merging_ratio


class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    """The parameters of a txt2img request."""

    own: ClassVar[JsonObject] = TXT2IMG

    def sample(self, *arguments: object, **named: object) -> Any:
        """Latents of the batch at hand, or with hires fix the decoded pictures of the second pass."""
        return sampled_by_program(self, "sample")

    def sample_hr_pass(
        self,
        samples: object = None,
        decoded_samples: object = None,
        seeds: object = None,
        subseeds: object = None,
        subseed_strength: object = None,
        prompts: object = None,
    ) -> Any:
        """Decoded pictures of the second pass over the batch at hand, a list of [3, H, W] of -1 to 1.

        Each call begins with what the first pass made, and with the seeds that stand in `p` then.
        """
        return sampled_by_program(self, "sample_hr_pass")

    def calculate_target_resolution(self) -> None:
        """Set the size of the second pass (`hr_upscale_to_x`, `_y`) and what is cut off it (`truncate_x`, `_y`)."""
        wished = int(self.hr_resize_x or 0), int(self.hr_resize_y or 0)
        size = hires_size(
            int(self.width),
            int(self.height),
            scale=float(self.hr_scale),
            resize_width=wished[0],
            resize_height=wished[1],
            step=opt_f,
        )
        self.hr_upscale_to_x, self.hr_upscale_to_y = size.target
        self.truncate_x, self.truncate_y = size.crop

    def calculate_hr_conds(self) -> None:
        """Encode the prompts of the second pass into `hr_c` and `hr_uc`, for scripts that look at them."""
        steps = int(self.hr_second_pass_steps or self.steps)
        self.hr_c, self.hr_uc = encoded(self.hr_prompts or [], self.hr_negative_prompts or [], steps)

    def get_conds(self) -> tuple[object, object]:
        """The encoded prompts and negative prompts of the pass at hand."""
        return (self.hr_c, self.hr_uc) if self.is_hr_pass and self.hr_c is not None else super().get_conds()

    def setup_prompts(self) -> None:
        """Also those of the second pass, which are the first one's where they are empty."""
        super().setup_prompts()
        if not self.enable_hr:
            return
        chosen = current().shared.prompt_styles
        for name, first, apply in (
            ("hr_prompt", "prompt", chosen.apply_styles_to_prompt),
            ("hr_negative_prompt", "negative_prompt", chosen.apply_negative_styles_to_prompt),
        ):
            own = getattr(self, name) or getattr(self, first)
            prompts = own if isinstance(own, list) else [own] * len(self.all_prompts)
            setattr(self, f"all_{name}s", [self.without_comments(apply(each, self.styles)) for each in prompts])


class StableDiffusionProcessingImg2Img(StableDiffusionProcessing):
    """The parameters of an img2img request."""

    own: ClassVar[JsonObject] = IMG2IMG

    def __init__(self, *positional: object, **named: object) -> None:
        super().__init__(*positional, **named)
        if self.mask is not None and self.image_mask is None:
            self.image_mask = self.mask
        self.mask = None

    @property
    def mask_blur(self) -> Any:
        """Blur of the mask in both directions; None where they differ."""
        return self.mask_blur_x if self.mask_blur_x == self.mask_blur_y else None

    @mask_blur.setter
    def mask_blur(self, value: object) -> None:
        if isinstance(value, int | float):
            self.mask_blur_x = self.mask_blur_y = value

    def sample(self, *arguments: object, **named: object) -> Any:
        """Latents of the batch at hand."""
        return sampled_by_program(self, "sample")


OWN_SAMPLING = frozenset(
    {
        StableDiffusionProcessing.sample,
        StableDiffusionProcessingTxt2Img.sample,
        StableDiffusionProcessingTxt2Img.sample_hr_pass,
        StableDiffusionProcessingImg2Img.sample,
    }
)
"""The methods as they are when nothing has taken their place."""


def get_fixed_seed(seed: object) -> Any:
    """The seed, or one chosen by chance where it is left open: -1, "", None."""
    if isinstance(seed, str):
        try:
            seed = int(seed)
        except ValueError:
            seed = CHANCE
    return random.randrange(LARGEST_SEED) if seed in (None, "", CHANCE) else seed


def fix_seed(p: StableDiffusionProcessing) -> None:
    """Choose the seeds that `p` leaves open."""
    p.seed, p.subseed = get_fixed_seed(p.seed), get_fixed_seed(p.subseed)


def _first(default: object) -> Any:
    return default() if callable(default) else default


def _filled(entries: list[str], length: int) -> list[str]:
    return [*entries, *[entries[-1] if entries else ""] * (length - len(entries))]
