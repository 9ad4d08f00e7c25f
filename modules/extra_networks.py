"""Doorway: `modules.extra_networks`."""

from __future__ import annotations

from collections import ChainMap
from typing import Any

from modules.a1111.networks_view import (
    ExtraNetwork,
    ExtraNetworkParams,
    activate,
    deactivate,
    parse_prompt,
    parse_prompts,
    register_extra_network,
    register_extra_network_alias,
    registry,
)

__all__ = [
    "ExtraNetwork",
    "ExtraNetworkParams",
    "activate",
    "deactivate",
    "parse_prompt",
    "parse_prompts",
    "register_extra_network",
    "register_extra_network_alias",
]


def __getattr__(name: str) -> Any:
    if name == "extra_network_registry":
        from modules.a1111.network_lists import ExtraNetworkLora

        # The program's own kind is there for those who ask for it; what extensions add goes before.
        return ChainMap(registry(), {"lora": ExtraNetworkLora()})
    raise AttributeError(f"modules.extra_networks has no {name!r}.")
