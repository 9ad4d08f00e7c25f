"""What extensions import as `lora` and `networks`: the lists of A1111's built-in extension for networks."""

from __future__ import annotations

from typing import Any

from modules.a1111.networks_view import NetworkOnDisk, list_available_networks, value_of

__all__ = ["NetworkOnDisk", "list_available_networks"]


def __getattr__(name: str) -> Any:
    return value_of("networks", name)
