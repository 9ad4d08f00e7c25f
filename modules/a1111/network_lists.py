"""What extensions import as `lora` and `networks`: the lists of A1111's built-in extension for networks."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch

from modules.a1111.networks_view import (
    ExtraNetwork,
    ExtraNetworkParams,
    NetworkOnDisk,
    list_available_networks,
    value_of,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from modules.a1111.processing.parameters import StableDiffusionProcessing

__all__ = [
    "ExtraNetworkLora",
    "NetworkOnDisk",
    "list_available_networks",
    "network_apply_weights",
    "network_forward",
    "network_reset_cached_weight",
    "network_restore_weights_from_backup",
    "originals",
]


class ExtraNetworkLora(ExtraNetwork):
    """The kind of `<lora:name:weight>`, which the program itself puts in force and takes away."""

    def __init__(self) -> None:
        super().__init__("lora")
        self.errors: dict[str, str] = {}

    def activate(self, p: StableDiffusionProcessing, params_list: list[ExtraNetworkParams]) -> None:
        """Nothing: they are in force."""

    def deactivate(self, p: StableDiffusionProcessing) -> None:
        """Nothing."""


# The program merges networks into the weights by itself; those who call these for a layer get what the layer computes.


def network_forward(
    org_module: nn.Module, input: Tensor, original_forward: Callable[[nn.Module, Tensor], Tensor]
) -> Tensor:
    """What a layer computes, networks included."""
    return original_forward(org_module, input)


def network_apply_weights(self: nn.Module) -> None:
    """Nothing: they are applied."""


def network_restore_weights_from_backup(self: nn.Module) -> None:
    """Nothing."""


def network_reset_cached_weight(self: nn.Module) -> None:
    """Nothing."""


_KINDS = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.GroupNorm, torch.nn.LayerNorm, torch.nn.MultiheadAttention)

originals = SimpleNamespace(
    **{f"{kind.__name__}_forward": kind.forward for kind in _KINDS},
    **{f"{kind.__name__}_load_state_dict": vars(torch.nn.Module)["_load_from_state_dict"] for kind in _KINDS},
)
"""The layers' own, as they are before an extension replaces them."""


def __getattr__(name: str) -> Any:
    if name.startswith(("network_", "lora_")) and hasattr(originals, name.split("_", 1)[1]):
        return getattr(originals, name.split("_", 1)[1])
    return value_of("networks", name)
