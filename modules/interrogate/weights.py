"""Modules of transformers with weights from local files: nothing is fetched, and no code of a file is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from modules.checkpoints.assembly import without_numbers
from modules.checkpoints.tensors import read_weights
from modules.foundation.errors import CheckpointError, reason_of
from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonObject
from modules.interrogate.torchscript import is_torchscript, read_torchscript

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""What the weights are called in a folder of transformers, the better form first."""

AnyModule = TypeVar("AnyModule", bound=nn.Module)


def weight_file(folder: Path) -> Path | None:
    """The file of weights in a folder of transformers that has its configuration; None where there is none."""
    if not (folder / "config.json").is_file():
        return None
    return next((folder / name for name in WEIGHT_FILES if (folder / name).is_file()), None)


def read_config(folder: Path) -> JsonObject:
    """`config.json` of a folder. Raises CheckpointError naming it."""
    path = folder / "config.json"
    try:
        config = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({reason_of(error)}). Download it again.") from error
    if not isinstance(config, dict):
        raise CheckpointError(f"{path} holds no configuration. Download it again.")
    return config


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name; a table "model" or "state_dict" around them is opened. Raises CheckpointError."""
    if path.suffix.casefold() != ".safetensors" and is_torchscript(path):
        return read_torchscript(path)
    table: Mapping[str, Any] = read_weights(path)
    for name in ("model", "state_dict"):
        if isinstance(table.get(name), dict):
            table = table[name]
    return {name: value for name, value in table.items() if isinstance(value, Tensor)}


def module_with(
    path: Path,
    make: Callable[[], AnyModule],
    tensors: Mapping[str, Tensor],
    device: torch.device,
    dtype: torch.dtype,
) -> AnyModule:
    """What `make` makes with these tensors as its weights, frozen, on `device`.

    Tensors that it has no place for are left out: files hold other halves of a model. Raises CheckpointError naming
    `path` for a tensor that is missing or has another shape.
    """
    module = without_numbers(make)
    wanted = dict(module.named_parameters(remove_duplicate=False))
    found = {name: tensor.to(dtype) for name, tensor in tensors.items() if name in wanted}
    for name, tensor in found.items():
        if tensor.shape != wanted[name].shape:
            raise CheckpointError(
                f"{path} cannot be used: {name} has the shape {tuple(tensor.shape)}, where {tuple(wanted[name].shape)} "
                "is expected."
            )
    module.load_state_dict(found, strict=False, assign=True)
    tie: Any = getattr(module, "tie_weights", None)
    if tie is not None:
        tie()
    if missing := [name for name, parameter in module.named_parameters() if parameter.is_meta]:
        raise CheckpointError(f"{path} cannot be used: it lacks {len(missing)} tensors, {missing[0]} among them.")
    return module.to(device).eval().requires_grad_(False)
