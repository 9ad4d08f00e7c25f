"""The state of a training between its saves: what has been learned, and the optimiser's memory of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from modules.checkpoints.pickles import load_pickle
from modules.foundation.atomic import atomic_write
from modules.foundation.errors import CheckpointError
from modules.training.trainee import Trainee, tensors_of

log = logging.getLogger(__name__)

VERSION = 1
SUFFIX = ".optim"
"""Behind the name of the trained file, as A1111 calls what its optimiser remembers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingState:
    """After `step` steps: the tensors that learn, the optimiser, and the scaler of the loss."""

    step: int
    tensors: Mapping[str, Tensor]
    optimiser: Mapping[str, Any]
    scaler: Mapping[str, Any]


def state_file(path: Path) -> Path:
    """Where the state of the training of the file at `path` is kept."""
    return path.with_name(path.name + SUFFIX)


def save_state(
    trainee: Trainee, optimiser: torch.optim.Optimizer, scaler: torch.amp.GradScaler, identity: str, step: int
) -> None:
    """Write the state beside the trained file. Raises OSError; what was there before is then still whole."""
    content = {
        "version": VERSION,
        "step": step,
        "identity": identity,
        "tensors": {key: tensor.cpu() for key, tensor in tensors_of(trainee).items()},
        "optimiser": optimiser.state_dict(),
        "scaler": scaler.state_dict(),
    }
    with atomic_write(state_file(trainee.path)) as file:
        torch.save(content, file)


def has_state(path: Path, identity: str) -> bool:
    """Whether a state of a training of this identity is kept beside the file at `path`."""
    return _read(path, identity) is not None


def _read(path: Path, identity: str) -> dict[str, Any] | None:
    file = state_file(path)
    if not file.is_file():
        return None
    try:
        content: Any = load_pickle(file)
    except CheckpointError as error:
        log.warning("%s The training begins again.", error)
        return None
    table = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    if table.get("version") != VERSION or table.get("identity") != identity:
        log.warning("%s is of a training with other settings; it is not gone on with.", file)
        return None
    return table


def read_state(trainee: Trainee, identity: str) -> TrainingState | None:
    """The state of a training of this identity; None, with a line in the log, where there is none that fits."""
    table = _read(trainee.path, identity)
    if table is None:
        return None
    shapes = {key: tensor.shape for key, tensor in tensors_of(trainee).items()}
    tensors = cast("dict[str, Tensor]", table["tensors"])
    if {key: tensor.shape for key, tensor in tensors.items()} != shapes:
        log.warning("%s belongs to a training of another shape; this one begins again.", state_file(trainee.path))
        return None
    return TrainingState(step=int(table["step"]), tensors=tensors, optimiser=table["optimiser"], scaler=table["scaler"])


def take_over(
    state: TrainingState, trainee: Trainee, optimiser: torch.optim.Optimizer, scaler: torch.amp.GradScaler
) -> None:
    """Have everything be as it was when `state` was saved."""
    with torch.no_grad():
        for key, tensor in tensors_of(trainee).items():
            tensor.copy_(state.tensors[key])
    optimiser.load_state_dict(dict(state.optimiser))
    if state.scaler:
        scaler.load_state_dict(dict(state.scaler))


def forget_state(path: Path) -> None:
    """Remove the state of the file at `path`."""
    state_file(path).unlink(missing_ok=True)
