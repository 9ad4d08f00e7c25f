"""What a training will take, told before it is begun: measured on one step of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator

import torch
from torch import Tensor

from modules.generation.progress import RunControl
from modules.pipeline.engine import Engine
from modules.settings.model import Settings
from modules.training.options import TrainingOptions
from modules.training.preparing import Prepared, prepare
from modules.training.results import TrainingCost

BYTES_OF_ADAM = {"AdamW": 8, "AdamW8bit": 2}
"""Of each number that learns: the two moments that the optimiser keeps."""


def estimate(options: TrainingOptions, engine: Engine, control: RunControl, settings: Settings) -> TrainingCost:
    """Make two steps of a training on its largest pictures, the second one measured, and keep nothing of them.

    Raises the EaselErrors of a training.
    """
    with contextlib.ExitStack() as stack:
        prepared = prepare(options, engine, control, settings, stack=stack, largest=options.steps.batch_size)
        return _measured(prepared, control)


def _measured(prepared: Prepared, control: RunControl) -> TrainingCost:
    trainer, options, dataset = prepared.trainer, prepared.options, prepared.dataset
    steps = max(trainer.last - prepared.trainee.start, 0)
    control.begin_batch(0, 2)
    seen: dict[int, int] = {}
    with _kept_for_gradients(seen):
        trainer.step(0)
    control.at_step(1)
    control.check_interrupt()
    began = time.perf_counter()
    trainer.step(1)
    seconds = time.perf_counter() - began
    control.at_step(2)
    learning = sum(parameter.numel() for group in prepared.trainee.groups for parameter in group.parameters.values())
    checkpoint = prepared.model.checkpoint
    parts = (checkpoint.unet, checkpoint.vae, *checkpoint.text_models)
    weights = {p.untyped_storage().data_ptr(): p.nbytes for part in parts for p in part.parameters()}
    repeats = sum(picture.repeats for picture in dataset.pictures)
    batch = options.steps.batch_size * options.steps.gradient_accumulation
    return TrainingCost(
        pictures=len(dataset.pictures),
        skipped=tuple(prepared.warnings),
        steps=steps,
        steps_per_round=-(-repeats // batch),
        parameters=learning,
        seconds_per_step=seconds,
        seconds=seconds * steps,
        weights=sum(weights.values()),
        learning=learning * (4 + 4 + BYTES_OF_ADAM[options.steps.optimiser]),
        activations=sum(seen.values()),
    )


@contextlib.contextmanager
def _kept_for_gradients(seen: dict[int, int]) -> Generator[None]:
    """Note the size of everything that is kept for the backward pass; what shares memory counts once."""

    def keep(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, torch.nn.Parameter):
            storage = tensor.untyped_storage()
            seen[storage.data_ptr()] = max(storage.nbytes(), seen.get(storage.data_ptr(), 0))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield
