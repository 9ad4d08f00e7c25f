"""What a training is asked to do, as clients send it and as a job keeps it."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from modules.training.buckets import Fit
from modules.training.learning_rate import Curve

TrainingKind = Literal["embedding", "hypernetwork", "lora"]
LatentSampling = Literal["once", "deterministic", "random"]
Clipping = Literal["disabled", "value", "norm"]
Optimiser = Literal["AdamW", "AdamW8bit"]
Precision = Literal["auto", "bf16", "fp16", "float32"]

Line = Annotated[str, Field(max_length=4096)]
"""A name, a pattern, a schedule of rates."""

PromptText = Annotated[str, Field(max_length=100_000)]
"""A prompt."""

MOST_STEPS = 10_000_000
"""Of a training: years, on any machine."""

LARGEST_BATCH = 1024


class Options(BaseModel):
    """Frozen values with names that are checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetOptions(Options):
    """The pictures and their words. `template` holds the lines of a template; without any a caption is the prompt."""

    folder: Line = Field(description="The folder with the pictures. Those in folders like 10_cats count 10 times.")
    width: int = Field(default=512, ge=64, le=2048)
    height: int = Field(default=512, ge=64, le=2048)
    fit: Fit = Field(
        default="crop", description="crop: all to one size; buckets: sizes of that area; own: no resizing."
    )
    template: tuple[PromptText, ...] = Field(
        default=(), max_length=10_000, description="Lines in which [name] and [filewords] are replaced."
    )
    shuffle_tags: bool = False
    tag_dropout: float = Field(default=0.0, ge=0, le=1)
    keep_tags: int = Field(
        default=0, ge=0, le=1000, description="So many tags at the beginning are neither shuffled nor left out."
    )
    caption_dropout: float = Field(default=0.0, ge=0, le=1, description="The share of steps without any caption.")
    latent_sampling: LatentSampling = "once"
    weights_from_alpha: bool = Field(default=False, description="What is transparent counts less.")
    flip: bool = Field(default=False, description="Pictures are mirrored in every other round.")
    word_pattern: Line = Field(default="", description="A regular expression for words in file names.")
    word_join: Line = " "


class StepOptions(Options):
    """How the steps are made."""

    steps: int = Field(default=1000, ge=1, le=MOST_STEPS)
    batch_size: int = Field(default=1, ge=1, le=LARGEST_BATCH)
    gradient_accumulation: int = Field(default=1, ge=1, le=LARGEST_BATCH)
    learning_rate: Line = Field(default="1e-4", description="A rate, or several as in 1e-4:500, 1e-5.")
    text_encoder_learning_rate: Line = Field(default="", description="Empty: that of the UNet.")
    curve: Curve = "constant"
    warmup: int = Field(default=0, ge=0, le=MOST_STEPS)
    clipping: Clipping = "disabled"
    clip_at: Line = Field(default="1.0", description="A bound, or several, as rates are.")
    optimiser: Optimiser = "AdamW"
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    precision: Precision = "auto"
    gradient_checkpointing: bool = False
    min_snr_gamma: float | None = Field(default=None, gt=0, le=1000)
    noise_offset: float = Field(default=0.0, ge=0, le=1)
    clip_skip: int = Field(default=1, ge=1, le=12)
    seed: int = Field(default=0, ge=0, le=2**63 - 1)


class PreviewOptions(Options):
    """The picture that shows how far the training is. An empty prompt is the words of the last step."""

    prompt: PromptText = ""
    negative_prompt: PromptText = ""
    steps: int = Field(default=20, ge=1, le=150)
    sampler: Line | None = None
    cfg_scale: float = Field(default=7.0, ge=0, le=100)
    seed: int = Field(default=-1, ge=-1, le=2**64 - 1)
    width: int = Field(default=0, ge=0, le=4096, description="0: the size of the training.")
    height: int = Field(default=0, ge=0, le=4096)


class OutputOptions(Options):
    """What is written on the way. `log_folder` gets a folder for each day and name."""

    log_folder: Line = "textual_inversion"
    save_every: int = Field(default=500, ge=0, le=MOST_STEPS, description="0: only the finished file is saved.")
    preview_every: int = Field(default=0, ge=0, le=MOST_STEPS, description="0: no sample pictures.")
    preview: PreviewOptions = PreviewOptions()
    picture_cards: bool = Field(default=False, description="Sample pictures carry the embedding.")
    resume: bool = Field(default=True, description="Go on where a training of the same name was interrupted.")
    overwrite: bool = Field(default=False, description="Replace a file of that name.")


class LoraOptions(Options):
    """A LoRA; with `conv_rank` a LoCon, which acts on convolutions too. `alpha` 0 is the rank."""

    rank: int = Field(default=8, ge=1, le=1024)
    alpha: float = Field(default=0.0, ge=0, le=4096)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    conv_rank: int = Field(default=0, ge=0, le=1024)
    conv_alpha: float = Field(default=0.0, ge=0, le=4096)
    text_encoder: bool = Field(default=False, description="The text encoders learn too.")
    unet: bool = True


class TrainingOptions(Options):
    """One training. `checkpoint` None is the one that is chosen when the job runs."""

    kind: TrainingKind
    name: str = Field(min_length=1, max_length=200)
    checkpoint: Line | None = None
    dataset: DatasetOptions
    steps: StepOptions = StepOptions()
    output: OutputOptions = OutputOptions()
    lora: LoraOptions = LoraOptions()

    @property
    def identity(self) -> str:
        """What decides every step but how many there are: a state of another identity is not gone on with."""
        decisive = self.model_dump(mode="json", exclude={"output": True, "steps": {"steps"}})
        return json.dumps(decisive, sort_keys=True)
