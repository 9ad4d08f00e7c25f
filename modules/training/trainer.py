"""The steps of a training."""

from __future__ import annotations

import contextlib
import importlib
import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from modules.foundation.errors import EaselError, RequestError
from modules.pipeline.model import LoadedModel
from modules.pipeline.unet_call import predict_with_unet
from modules.text_encoders.chunks import EmbeddingLookup
from modules.text_encoders.prompt_conditioning import EncodingOptions
from modules.training.captions import prompt_of, varied
from modules.training.conditioning import Conditioner
from modules.training.dataset import Batches
from modules.training.draws import chance, draw_seed
from modules.training.in_training import NumberTypes
from modules.training.latents import EncodedPicture, batch_latents
from modules.training.learning_rate import RateSchedule, curve_factor, parse_rates
from modules.training.loss import batch_loss, min_snr_weight, noised_batch
from modules.training.options import StepOptions, TrainingOptions
from modules.training.trainee import Trainee


class TrainingDivergedError(EaselError):
    """The loss, or a gradient, became NaN or infinite."""


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """Of one step: its mean loss, the rate of its first group, a prompt that it learned from."""

    loss: float
    rate: float
    prompt: str


class Trainer:
    """Makes the steps of a training, each of which follows from its number and what was learned before.

    To be used with the trainee in place and the model ready for training. Raises RequestError for rates that make no
    sense and for an optimiser that is not installed.
    """

    def __init__(
        self,
        *,
        options: TrainingOptions,
        model: LoadedModel,
        trainee: Trainee,
        pictures: Sequence[EncodedPicture],
        embeddings: Mapping[str, EmbeddingLookup],
        encoding: EncodingOptions,
        types: NumberTypes,
    ) -> None:
        steps = options.steps
        self.options, self.model, self.trainee, self.pictures, self.types = options, model, trainee, pictures, types
        self.batches = Batches(
            [each.picture.cut.size for each in pictures],
            [each.picture.repeats for each in pictures],
            steps.batch_size,
            steps.seed,
            flip=options.dataset.flip,
        )
        self.rates = _rates(steps)
        self._clip_at = parse_rates(steps.clip_at, "clip_grad_value") if steps.clipping != "disabled" else None
        self.optimiser = make_optimiser(trainee, steps)
        self.scaler = torch.amp.GradScaler(model.hardware.device.type, enabled=types.scaled)
        self._parameters: list[nn.Parameter] = [
            parameter for group in trainee.groups for parameter in group.parameters.values()
        ]
        self._conditioner = Conditioner(model, encoding, embeddings, learns=trainee.learns_in_text)

    @property
    def last(self) -> int:
        """The step behind the last: the wanted number, or less where a schedule of rates ends before."""
        ends = [schedule.end for schedule in self.rates.values() if schedule.end is not None]
        return min(self.options.steps.steps, max(ends) if len(ends) == len(self.rates) else self.options.steps.steps)

    @property
    def steps_per_round(self) -> int:
        """Steps in which every picture has been seen as often as it repeats."""
        return -(-self.batches.count // self.options.steps.gradient_accumulation)

    def step(self, number: int) -> StepResult:
        """Make step `number`, counted from 0. Raises TrainingDivergedError; nothing has then changed."""
        steps = self.options.steps
        rate = self._set_rates(number)
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.model.hardware.device)
        prompt = ""
        with self._own_chance(number), torch.enable_grad():
            for part in range(steps.gradient_accumulation):
                loss, prompt = self.loss(number * steps.gradient_accumulation + part)
                share = loss / steps.gradient_accumulation
                if share.requires_grad:  # an embedding learns nothing from a prompt that does not name it
                    self.scaler.scale(share).backward()
                total += share.detach()
        value = float(total)
        if not math.isfinite(value):
            self.optimiser.zero_grad(set_to_none=True)
            raise TrainingDivergedError(_diverged(number, "The loss"))
        if any(parameter.grad is not None for parameter in self._parameters):
            self._clip(number)
            self.scaler.step(self.optimiser)
            self.scaler.update()
        return StepResult(loss=value, rate=rate, prompt=prompt)

    def loss(self, number: int) -> tuple[Tensor, str]:
        """The loss of batch `number`, counted from 0 over all steps, and the prompt of its first row."""
        steps, dataset = self.options.steps, self.options.dataset
        places = self.batches.at(number)
        latents, cell_weight = batch_latents(
            self.pictures,
            places,
            self.model.checkpoint.latents,
            sampling=dataset.latent_sampling,
            seed=steps.seed,
            number=number,
        )
        noised = noised_batch(
            latents, self.model.schedule, seed=steps.seed, number=number, noise_offset=steps.noise_offset
        )
        pictures = [self.pictures[place.number].picture for place in places]
        prompts = [self._prompt(picture.caption, number, row) for row, picture in enumerate(pictures)]
        cond = self._conditioner.batch(prompts, pictures)
        device = self.model.hardware.device
        x = noised.x.to(device, self.types.unet).contiguous(memory_format=self.model.hardware.memory_format)
        predict = self.model.checkpoint.family.predict or predict_with_unet
        output = predict(self.model.checkpoint.unet, x, noised.t.to(device), cond)
        row_weight = None
        if steps.min_snr_gamma is not None:
            row_weight = min_snr_weight(noised.snr, steps.min_snr_gamma, self.model.schedule.prediction).to(device)
        cells = None if cell_weight is None else cell_weight.to(device)
        return batch_loss(output, noised.target.to(device), row_weight, cells), prompts[0]

    def _prompt(self, caption: str, number: int, row: int) -> str:
        dataset = self.options.dataset
        drawing = chance(self.options.steps.seed, "prompt", number, row)
        if dataset.caption_dropout and drawing.random() < dataset.caption_dropout:
            return ""
        words = varied(
            caption, drawing, shuffle=dataset.shuffle_tags, dropout=dataset.tag_dropout, keep=dataset.keep_tags
        )
        return prompt_of(dataset.template, words, self.options.name, drawing)

    def _set_rates(self, number: int) -> float:
        steps = self.options.steps
        factor = curve_factor(steps.curve, number, self.last, steps.warmup)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rates[group["part"]].rate(number) * factor
        return float(self.optimiser.param_groups[0]["lr"])

    def _clip(self, number: int) -> None:
        """Keep gradients within bounds. Raises TrainingDivergedError for those that are no numbers."""
        if self.types.scaled:
            self.scaler.unscale_(self.optimiser)
        gradients = [parameter for parameter in self._parameters if parameter.grad is not None]
        finite = all(bool(torch.isfinite(each.grad).all()) for each in gradients if each.grad is not None)
        if not finite and not self.types.scaled:  # a scaled step that overflowed is left out by its scaler
            self.optimiser.zero_grad(set_to_none=True)
            raise TrainingDivergedError(_diverged(number, "A gradient"))
        if self._clip_at is None:
            return
        bound = self._clip_at.rate(number)
        if self.options.steps.clipping == "value":
            nn.utils.clip_grad_value_(gradients, bound)
        else:
            nn.utils.clip_grad_norm_(gradients, bound)

    @contextlib.contextmanager
    def _own_chance(self, number: int) -> Generator[None]:
        """Dropout of this step draws from a generator that follows from its number; others draw as before."""
        device = self.model.hardware.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(draw_seed(self.options.steps.seed, "dropout", number))
            yield


def _rates(steps: StepOptions) -> dict[str, RateSchedule]:
    unet = parse_rates(steps.learning_rate, "learn_rate")
    text = steps.text_encoder_learning_rate
    return {"unet": unet, "text": parse_rates(text, "text_encoder_learning_rate") if text else unet}


def make_optimiser(trainee: Trainee, steps: StepOptions) -> torch.optim.Optimizer:
    """AdamW (Loshchilov, Hutter 2019), or the one of bitsandbytes that keeps its memory in 8 bits (Dettmers 2022)."""
    groups: list[dict[str, Any]] = [
        {"params": list(group.parameters.values()), "part": group.part} for group in trainee.groups
    ]
    arguments: dict[str, Any] = {"lr": 1.0, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": steps.weight_decay}
    if steps.optimiser == "AdamW":
        return torch.optim.AdamW(groups, **arguments)
    try:
        # It is there on some machines only, and no requirement.
        bitsandbytes: Any = importlib.import_module("bitsandbytes")
    except ImportError as error:
        raise RequestError(
            "AdamW8bit needs bitsandbytes, which is not installed. Choose AdamW, or install it into Easel's "
            "environment: venv/bin/pip install bitsandbytes.",
            "optimiser",
        ) from error
    return bitsandbytes.optim.AdamW8bit(groups, **arguments)


def _diverged(number: int, what: str) -> str:
    return (
        f"{what} of step {number + 1} is not a number any more (NaN or infinity). Nothing was changed by that step. "
        "Take a lower learning rate, clip gradients, or train in float32."
    )
