"""What all bodies of requests share: how leniently numbers, nulls and broken text are read."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _whole(value: Any) -> Any:
    """Clients send 20.0, and some 7.5, where a whole number belongs; what is behind the point is dropped."""
    return int(value) if isinstance(value, float) and math.isfinite(value) else value


def readable(value: Any) -> Any:
    """`value` with every text in it free of lone surrogates (half an emoji), which no file and no answer can hold.

    Raises ValueError for NaN and infinity, which JSON does not have either, although Python reads them.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number that can be used")
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {readable(key): readable(item) for key, item in value.items()}
    return [readable(item) for item in value] if isinstance(value, list) else value


Whole = Annotated[int, BeforeValidator(_whole)]
FiniteNumber = Annotated[float, Field(allow_inf_nan=False)]


class Body(BaseModel):
    """A request. Unknown keys are ignored, and null means that the key is not there."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        # A number by itself is judged by its field, which the answer then names.
        return {
            key: value if isinstance(value, float) else readable(value)
            for key, value in values.items()
            if value is not None
        }
