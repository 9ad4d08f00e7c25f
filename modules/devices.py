"""Doorway: `modules.devices`."""

from __future__ import annotations

from typing import Any

from modules.a1111.devices import (
    NansException,
    autocast,
    cond_cast_float,
    cond_cast_unet,
    first_time_calculation,
    get_cuda_device_string,
    get_device_for,
    get_optimal_device,
    get_optimal_device_name,
    has_mps,
    has_xpu,
    known,
    manual_seed,
    randn,
    randn_like,
    randn_local,
    randn_without_seed,
    test_for_nans,
    torch_gc,
    torch_mps_gc,
    without_autocast,
)

__all__ = [
    "NansException",
    "autocast",
    "cond_cast_float",
    "cond_cast_unet",
    "first_time_calculation",
    "get_cuda_device_string",
    "get_device_for",
    "get_optimal_device",
    "get_optimal_device_name",
    "has_mps",
    "has_xpu",
    "manual_seed",
    "randn",
    "randn_like",
    "randn_local",
    "randn_without_seed",
    "test_for_nans",
    "torch_gc",
    "torch_mps_gc",
    "without_autocast",
]


def __getattr__(name: str) -> Any:
    return known(name)
