"""Doorway: `modules.sd_samplers`."""

from __future__ import annotations

from typing import Any

from modules.a1111.samplers import (
    SamplerData,
    all_samplers,
    all_samplers_map,
    find_sampler_config,
    names_map,
    sampler_by_alias,
    set_samplers,
    visible_samplers,
)
from modules.a1111.seams import create_sampler
from modules.a1111.store_latents import sample_to_image

__all__ = [
    "SamplerData",
    "all_samplers",
    "all_samplers_map",
    "create_sampler",
    "find_sampler_config",
    "sample_to_image",
    "sampler_by_alias",
    "set_samplers",
    "visible_samplers",
]


def visible_sampler_names() -> list[str]:
    """The names of the samplers that are offered."""
    return [data.name for data in visible_samplers()]


def __getattr__(name: str) -> Any:
    if name in ("samplers", "samplers_for_img2img"):
        return visible_samplers()
    if name == "samplers_map":
        return names_map()
    if name == "samplers_hidden":
        return []
    raise AttributeError(f"modules.sd_samplers has no {name!r}.")
