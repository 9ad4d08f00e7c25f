"""New hypernetworks: files with small random weights, which hardly change a picture until they are trained."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import RequestError
from modules.networks.hypernetwork import ACTIVATIONS

SIZES = (320, 640, 768, 1024, 1280)
"""Widths of what attention looks at in the families of models."""

DROPOUT = 0.3
_MOST_LAYERS, _WIDEST = 16, 16

Initialization = Callable[[Tensor, str], object]

INITIALIZATIONS: Mapping[str, Initialization] = {
    "Normal": lambda weight, _: nn.init.normal_(weight, mean=0.0, std=0.01),
    "XavierUniform": lambda weight, _: nn.init.xavier_uniform_(weight),
    "XavierNormal": lambda weight, _: nn.init.xavier_normal_(weight),
    "KaimingUniform": lambda weight, kind: nn.init.kaiming_uniform_(weight, nonlinearity=_gain(kind)),
    "KaimingNormal": lambda weight, kind: nn.init.kaiming_normal_(weight, nonlinearity=_gain(kind)),
}
"""How weights begin, by A1111's names (Glorot and Bengio 2010, He et al. 2015)."""


@dataclass(frozen=True, kw_only=True)
class Structure:
    """What a hypernetwork is made of. `layers` are widths as multiples of the size, from 1 to 1."""

    sizes: tuple[int, ...] = (320, 640, 768, 1280)
    layers: tuple[float, ...] = (1, 2, 1)
    activation: str = "linear"
    initialization: str = "Normal"
    layer_norm: bool = False
    dropout: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raise RequestError, naming A1111's field, for what no network can be made of."""
        if not self.sizes or not set(self.sizes) <= set(SIZES):
            raise RequestError(f"enable_sizes must be some of {', '.join(map(str, SIZES))}.", "enable_sizes")
        layers = self.layers
        if not 2 <= len(layers) <= _MOST_LAYERS or layers[0] != 1 or layers[-1] != 1:
            raise RequestError("layer_structure must begin and end with 1, for example 1, 2, 1.", "layer_structure")
        if not all(0 < width <= _WIDEST and int(min(self.sizes) * width) >= 1 for width in layers):
            raise RequestError(f"layer_structure must hold widths from above 0 to {_WIDEST}.", "layer_structure")
        if self.activation != "linear" and self.activation not in ACTIVATIONS:
            known = ", ".join(["linear", *ACTIVATIONS])
            raise RequestError(f"activation_func {self.activation!r} is not known; known are {known}.")
        if self.activation == "glu":
            raise RequestError("activation_func glu halves the width, which no layer here makes up for.")
        if self.initialization not in INITIALIZATIONS:
            known = ", ".join(INITIALIZATIONS)
            raise RequestError(f"weight_init {self.initialization!r} is not known; known are {known}.", "weight_init")
        if self.dropout and (len(self.dropout) != len(layers) or not all(0 <= share < 1 for share in self.dropout)):
            raise RequestError("dropout_structure must hold a share below 1 for each layer.", "dropout_structure")


def create_hypernetwork(path: Path, structure: Structure) -> None:
    """Write a new hypernetwork as a torch file of tensors and names; an existing file is replaced.

    Raises OSError as the file system does.
    """
    content: dict[Any, Any] = {size: (_weights(size, structure), _weights(size, structure)) for size in structure.sizes}
    content |= {
        "step": 0,
        "name": path.stem,
        "layer_structure": list(structure.layers),
        "activation_func": structure.activation,
        "is_layer_norm": structure.layer_norm,
        "weight_initialization": structure.initialization,
        "sd_checkpoint": None,
        "sd_checkpoint_name": None,
        "activate_output": False,
        "use_dropout": bool(structure.dropout),
        "dropout_structure": list(structure.dropout) or None,
        "last_layer_dropout": bool(structure.dropout and structure.dropout[-1]),
        "optional_info": None,
    }
    with atomic_write(path) as file:
        torch.save(content, file)


def standard_dropout(layers: Sequence[float]) -> tuple[float, ...]:
    """What "use dropout" means without more: behind every layer but the first and the last."""
    return (0.0, *(DROPOUT for _ in layers[1:-1]), 0.0)


def _weights(size: int, structure: Structure) -> dict[str, Tensor]:
    """One network's tensors. Activations and dropout have no tensors, but take up a number each."""
    tensors: dict[str, Tensor] = {}
    number = 0
    widths = [int(size * width) for width in structure.layers]
    for index, (before, after) in enumerate(itertools.pairwise(widths), 1):
        last = index == len(widths) - 1
        weight = torch.empty(after, before)
        INITIALIZATIONS[structure.initialization](weight, structure.activation)
        tensors[f"linear.{number}.weight"], tensors[f"linear.{number}.bias"] = weight, torch.zeros(after)
        number += 1
        if structure.activation != "linear" and not last:
            number += 1
        if structure.layer_norm:
            tensors[f"linear.{number}.weight"], tensors[f"linear.{number}.bias"] = torch.ones(after), torch.zeros(after)
            number += 1
        if structure.dropout and structure.dropout[index]:
            number += 1
    return tensors


def _gain(activation: str) -> Any:
    return "leaky_relu" if activation == "leakyrelu" else "relu"
