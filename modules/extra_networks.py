"""Doorway: `modules.extra_networks`."""

from __future__ import annotations

from typing import Any

from modules.a1111.networks_view import (
    ExtraNetwork,
    ExtraNetworkParams,
    parse_prompt,
    parse_prompts,
    register_extra_network,
    register_extra_network_alias,
    registry,
)

__all__ = [
    "ExtraNetwork",
    "ExtraNetworkParams",
    "parse_prompt",
    "parse_prompts",
    "register_extra_network",
    "register_extra_network_alias",
]


def __getattr__(name: str) -> Any:
    if name == "extra_network_registry":
        return registry()
    raise AttributeError(f"modules.extra_networks has no {name!r}.")
