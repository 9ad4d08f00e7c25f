"""What all bodies of requests share: how leniently numbers, nulls and broken text are read."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from modules.foundation.json_text import whole_text
from modules.prompts.length import LONGEST_PROMPT


def _whole(value: object) -> Any:
    """Clients send 20.0, and some 7.5, where a whole number belongs; what is behind the point is dropped."""
    return int(value) if isinstance(value, float) and math.isfinite(value) else value


def readable(value: object) -> Any:
    """`value` with every text in it free of lone surrogates (half an emoji), which no file and no answer can hold.

    Raises ValueError for NaN and infinity, which JSON does not have either, although Python reads them.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number that can be used")
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, dict):
        return {readable(key): readable(item) for key, item in value.items()}
    return [readable(item) for item in value] if isinstance(value, list) else value


LARGEST = 1e9
"""Of numbers with a point; no quantity here comes near it."""

# The bounds stand first: behind a function they would not be seen in the document.
Whole = Annotated[int, Field(ge=-(2**63), le=2**64 - 1), BeforeValidator(_whole)]
Seed = Annotated[int, Field(ge=-(10**30), le=10**30), BeforeValidator(_whole)]
"""Wider than any seed: which ones there are is said by an error that names the field."""

FiniteNumber = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
ShortText = Annotated[str, Field(max_length=4096)]
"""A name, an address, an id."""

LongText = Annotated[str, Field(max_length=LONGEST_PROMPT)]
"""A prompt, an infotext."""

Base64 = Annotated[str, Field(max_length=2**30)]
"""A file; how large it may be is bounded by --max-request-mb, and its picture by --max-image-pixels."""

MAX_DEPTH = 100
"""How deeply lists and tables of a body may be nested."""


def _check_depth(values: object) -> None:
    """Raise ValueError for what is nested so deeply that nothing after this could walk through it."""
    level = [values]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, (dict, list))
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise ValueError(f"it is nested more than {MAX_DEPTH} deep")


class Body(BaseModel):
    """A request. Unknown keys are ignored, and null means that the key is not there."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: object) -> Any:
        if not isinstance(values, dict):
            return values
        _check_depth(values)
        # A number by itself is judged by its field, which the answer then names.
        return {
            key: value if isinstance(value, float) else readable(value)
            for key, value in values.items()
            if value is not None
        }
