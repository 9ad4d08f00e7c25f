"""What was decided: everything that a run needs to know, so that it can be run again exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.vae_files import VaeInfo
from modules.prompts.styles import Style
from modules.settings.model import Settings

if TYPE_CHECKING:
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """Everything decided. Tuples have one entry a picture, over all batches; sizes are pixels, multiples of 8.

    `vae` is None where the checkpoint's own is used. `init_images` is empty for txt2img; otherwise one picture for each
    of the batch, of the plan's size, and `denoising_strength` says how much of the schedule is run on them.
    `sampler_fields` is what the sampler's options add to the parameters.
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
    sampler_fields: Mapping[str, Any]
    steps: int
    cfg_scale: float
    width: int
    height: int
    batch_size: int
    tiling: bool
    token_merging_ratio: float
    vae: VaeInfo | None = None
    init_images: tuple[Image.Image, ...] = ()
    denoising_strength: float | None = None
    save_images: bool = True
    save_grid: bool = True
    warnings: tuple[str, ...] = ()

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
