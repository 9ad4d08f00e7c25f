"""What a training is asked to do, as clients send it and as a job keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from modules.training.buckets import Fit
from modules.training.learning_rate import Curve

Kind = Literal["embedding", "hypernetwork", "lora"]
LatentSampling = Literal["once", "deterministic", "random"]
Clipping = Literal["disabled", "value", "norm"]
Optimiser = Literal["AdamW", "AdamW8bit"]
Precision = Literal["auto", "bf16", "fp16", "float32"]

MOST_STEPS = 10_000_000
"""Of a training: years, on any machine."""

LARGEST_BATCH = 1024


class Options(BaseModel):
    """Frozen values with names that are checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetOptions(Options):
    """The pictures and their words. `template` holds the lines of a template; without any a caption is the prompt."""

    folder: Path = Field(description="The folder with the pictures; those in folders named like 10_cats count 10 times.")
    width: int = Field(512, ge=64, le=2048)
    height: int = Field(512, ge=64, le=2048)
    fit: Fit = Field("crop", description="crop: all to one size; buckets: sizes of that area; own: no resizing.")
    template: tuple[str, ...] = Field((), description="Lines in which [name] and [filewords] are replaced.")
    shuffle_tags: bool = False
    tag_dropout: float = Field(0.0, ge=0, le=1)
    keep_tags: int = Field(0, ge=0, description="So many tags at the beginning are neither shuffled nor left out.")
    caption_dropout: float = Field(0.0, ge=0, le=1, description="The share of steps without any caption.")
    latent_sampling: LatentSampling = "once"
    weights_from_alpha: bool = Field(False, description="What is transparent counts less.")
    flip: bool = Field(False, description="Pictures are mirrored in every other round.")
    word_pattern: str = Field("", description="A regular expression for words in file names.")
    word_join: str = " "


class StepOptions(Options):
    """How the steps are made."""

    steps: int = Field(1000, ge=1, le=MOST_STEPS)
    batch_size: int = Field(1, ge=1, le=LARGEST_BATCH)
    gradient_accumulation: int = Field(1, ge=1, le=LARGEST_BATCH)
    learning_rate: str = Field("1e-4", max_length=2000, description="A rate, or several as in 1e-4:500, 1e-5.")
    text_encoder_learning_rate: str = Field("", max_length=2000, description="Empty: that of the UNet.")
    curve: Curve = "constant"
    warmup: int = Field(0, ge=0, le=MOST_STEPS)
    clipping: Clipping = "disabled"
    clip_at: str = Field("1.0", max_length=2000, description="A bound, or several over the steps as learning rates are.")
    optimiser: Optimiser = "AdamW"
    weight_decay: float = Field(0.01, ge=0, le=1)
    precision: Precision = "auto"
    gradient_checkpointing: bool = False
    min_snr_gamma: float | None = Field(None, gt=0, le=1000)
    noise_offset: float = Field(0.0, ge=0, le=1)
    clip_skip: int = Field(1, ge=1, le=12)
    seed: int = Field(0, ge=0, le=2**63 - 1)


class PreviewOptions(Options):
    """The picture that shows how far the training is. An empty prompt is the words of the last step."""

    prompt: str = ""
    negative_prompt: str = ""
    steps: int = Field(20, ge=1, le=150)
    sampler: str | None = None
    cfg_scale: float = Field(7.0, ge=0, le=100)
    seed: int = Field(-1, ge=-1, le=2**64 - 1)
    width: int = Field(0, ge=0, le=4096, description="0: the size of the training.")
    height: int = Field(0, ge=0, le=4096)


class OutputOptions(Options):
    """What is written on the way. `log_folder` gets a folder for each day and name."""

    log_folder: Path = Path("textual_inversion")
    save_every: int = Field(500, ge=0, le=MOST_STEPS, description="0: only the finished file is saved.")
    preview_every: int = Field(0, ge=0, le=MOST_STEPS, description="0: no sample pictures.")
    preview: PreviewOptions = PreviewOptions()
    picture_cards: bool = Field(False, description="Sample pictures carry the embedding.")
    resume: bool = Field(True, description="Go on where a training of the same name was interrupted.")
    overwrite: bool = Field(False, description="Replace a file of that name.")


class LoraOptions(Options):
    """A LoRA; with `conv_rank` a LoCon, which acts on convolutions too. `alpha` 0 is the rank."""

    rank: int = Field(8, ge=1, le=1024)
    alpha: float = Field(0.0, ge=0, le=4096)
    dropout: float = Field(0.0, ge=0, lt=1)
    conv_rank: int = Field(0, ge=0, le=1024)
    conv_alpha: float = Field(0.0, ge=0, le=4096)
    text_encoder: bool = Field(False, description="The text encoders learn too.")
    unet: bool = True


class TrainingOptions(Options):
    """One training. `checkpoint` None is the one that is chosen when the job runs."""

    kind: Kind
    name: str = Field(min_length=1, max_length=200)
    checkpoint: str | None = None
    dataset: DatasetOptions
    steps: StepOptions = StepOptions()
    output: OutputOptions = OutputOptions()
    lora: LoraOptions = LoraOptions()
