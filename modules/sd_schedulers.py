"""Doorway: `modules.sd_schedulers`, noise schedules."""

from __future__ import annotations

from typing import Any

from modules.a1111 import small_lists
from modules.a1111.small_lists import Scheduler

__all__ = ["Scheduler"]


def __getattr__(name: str) -> Any:
    if name not in ("schedulers", "schedulers_map"):
        raise AttributeError(f"modules.sd_schedulers has no {name!r}.")
    return getattr(small_lists, name)()
