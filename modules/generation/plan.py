"""What was decided: everything that a run needs to know, so that it can be run again exactly."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.vae_files import VaeInfo
from modules.foundation.plain import JsonMapping
from modules.generation.inpaint import InpaintPlan
from modules.prompts.networks import NetworkTag, extract_networks
from modules.prompts.styles import Style
from modules.settings.model import Settings

if TYPE_CHECKING:
    from modules.sampling.latent_upscale import LatentUpscale
    from modules.sampling.options import SamplingOptions
    from modules.sampling.samplers.registry import Sampler
    from modules.sampling.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class BatchSlice:
    """Batch `index` of a plan: which of its pictures belong to it."""

    index: int
    first: int
    count: int

    @property
    def pictures(self) -> slice:
        """The slice that takes this batch's part of one of the plan's per-picture tuples."""
        return slice(self.first, self.first + self.count)


@dataclass(frozen=True, kw_only=True)
class RefinerPlan:
    """Which model takes over from a pass's own, and when: once the share `switch_at` is done, None for at once.

    The share is that of the model's noise levels, or with `by_calls` of the evaluations.
    """

    checkpoint: CheckpointInfo
    vae: VaeInfo | None
    switch_at: float | None
    by_calls: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class HiresPlan:
    """The second pass: the first one's result is enlarged to `target`, cropped, and sampled again as `second` says.

    `target` is (width, height) in pixels. `second` has the size that is left when what hangs over is cut off, half on
    either side. `upscaler` names an upscaler of pictures unless `latent_mode` says
    how latents are interpolated.
    """

    target: tuple[int, int]
    upscaler: str
    second: Plan
    latent_mode: LatentUpscale | None = None
    first_picture: Image.Image | None = None
    fields: Mapping[str, object] = field(default_factory=dict[str, object])
    """What was asked of the pass, for the parameters."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """Everything decided. Tuples have one entry a picture, over all batches; sides are multiples of `size_step`.

    `vae` is None where the checkpoint's own is used. `init_images` is empty for txt2img; otherwise they have the plan's
    size (unless `resizes_latents`: then their latents are brought to it), `denoising_strength` says how much of the
    schedule is run on them, and `inpaint` where they may change. `sampler_fields` is what the sampler's options add to
    the parameters. With `hires` a second pass follows, which has a plan of its own; `refiner` takes over within this
    pass.
    """

    settings: Settings
    checkpoint: CheckpointInfo
    prompts: tuple[str, ...]
    negative_prompts: tuple[str, ...]
    styles: tuple[Style, ...]
    seeds: tuple[int, ...]
    subseeds: tuple[int, ...]
    subseed_strength: float
    seed_resize_from: tuple[int, int]
    sampler: Sampler
    schedule: Schedule
    options: SamplingOptions
    sampler_fields: JsonMapping
    steps: int
    cfg_scale: float
    width: int
    height: int
    size_step: int
    batch_size: int
    tiling: bool
    token_merging_ratio: float
    vae: VaeInfo | None = None
    init_images: tuple[Image.Image, ...] = ()
    denoising_strength: float | None = None
    resizes_latents: bool = False
    inpaint: InpaintPlan | None = None
    noise_multiplier: float = 1.0
    image_cfg_scale: float | None = None
    hires: HiresPlan | None = None
    refiner: RefinerPlan | None = None
    save_images: bool = True
    save_grid: bool = True
    warnings: tuple[str, ...] = ()

    @functools.cached_property
    def _split_prompts(self) -> tuple[tuple[str, tuple[NetworkTag, ...]], ...]:
        split = {prompt: extract_networks(prompt) for prompt in dict.fromkeys(self.prompts)}
        return tuple((split[prompt][0], tuple(split[prompt][1])) for prompt in self.prompts)

    @property
    def prompt_texts(self) -> tuple[str, ...]:
        """The prompts without the tags of networks, as they are encoded."""
        return tuple(text for text, _ in self._split_prompts)

    @property
    def network_tags(self) -> tuple[tuple[NetworkTag, ...], ...]:
        """The tags of networks in each picture's prompt, in order; negative prompts have none."""
        return tuple(tags for _, tags in self._split_prompts)

    @property
    def count(self) -> int:
        """Pictures in all batches together."""
        return len(self.seeds)

    @property
    def batches(self) -> Iterator[BatchSlice]:
        """The batches in order."""
        for index, first in enumerate(range(0, self.count, self.batch_size)):
            yield BatchSlice(index=index, first=first, count=min(self.batch_size, self.count - first))

    @property
    def is_img2img(self) -> bool:
        """Whether sampling starts from pictures instead of pure noise."""
        return bool(self.init_images)
