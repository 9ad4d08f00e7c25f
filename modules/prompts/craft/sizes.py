"""Sizes: the largest one of a ratio within an area, and what guides found to go well with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from modules.foundation.errors import RequestError
from modules.foundation.plain import JsonMapping

LARGEST = 10**6


def largest_size(across: int, down: int, area: int = 512 * 512, *, step: int = 64) -> tuple[int, int]:
    """Width and height of the largest size of about the ratio `across` to `down` within `area` pixels.

    Each side is the exact one rounded down to a multiple of `step`.

    >>> largest_size(4, 3), largest_size(16, 9)
    ((576, 384), (640, 384))
    """
    for name, value in (("across", across), ("down", down), ("area", area), ("step", step)):
        if not 1 <= value <= LARGEST**2:
            raise RequestError(f"{name} must lie between 1 and {LARGEST**2:,}; it is {value}.", name)
    width, height = math.isqrt(area * across // down), math.isqrt(area * down // across)
    return max(step, width // step * step), max(step, height // step * step)


@dataclass(frozen=True, kw_only=True)
class SizeAdvice:
    """A size that is suggested, with the CFG scale that went well with it where that is known."""

    width: int
    height: int
    label: str = ""
    cfg: tuple[float, float] | None = None
    best_cfg: tuple[float, float] | None = None
    source: str = ""


def suggested_sizes(table: JsonMapping, family: str = "") -> list[SizeAdvice]:
    """The sizes of sizes.yaml that belong to a family of models; all, for a family that has none of its own."""
    advices: list[SizeAdvice] = []
    for source, entry in _tables(table):
        families = [str(each) for each in cast("list[object]", entry.get("families") or [])]
        if families and family and family not in families:
            continue
        for row in cast("list[object]", entry.get("sizes") or []):
            if not isinstance(row, dict):
                continue
            fields = cast("dict[str, object]", row)
            for size in cast("list[object]", fields.get("size") or []):
                width, times, height = str(size).partition("x")
                if times and width.isdecimal() and height.isdecimal():
                    advices.append(
                        SizeAdvice(
                            width=int(width),
                            height=int(height),
                            label=str(fields.get("label") or ""),
                            cfg=_range(fields.get("cfg")),
                            best_cfg=_range(fields.get("best")),
                            source=source,
                        )
                    )
    return advices


def cfg_for(advices: Sequence[SizeAdvice], width: int, height: int) -> SizeAdvice | None:
    """The advice for a size: its own, or that of the size whose area, and then whose ratio, comes nearest."""
    known = [each for each in advices if each.best_cfg is not None]
    exact = next((each for each in known if (each.width, each.height) == (width, height)), None)
    area, ratio = max(1, width * height), width / max(1, height)

    def distance(each: SizeAdvice) -> tuple[float, float]:
        return abs(math.log(each.width * each.height / area)), abs(math.log(each.width / each.height / ratio))

    return exact or min(known, key=distance, default=None)


def _tables(table: JsonMapping) -> list[tuple[str, dict[str, Any]]]:
    return [(name, cast("dict[str, object]", entry)) for name, entry in table.items() if isinstance(entry, dict)]


def _range(value: object) -> tuple[float, float] | None:
    """The two ends of [low, high], or twice the same number."""
    if isinstance(value, int | float):
        return float(value), float(value)
    if isinstance(value, list):
        ends = [float(each) for each in cast("list[object]", value) if isinstance(each, int | float)]
        return (ends[0], ends[1]) if len(ends) == 2 else None
    return None
