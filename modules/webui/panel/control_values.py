"""The values that a panel's controls sent, read with the type that each should have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from modules.foundation.errors import MAX_SHOWN, RequestError
from modules.foundation.plain import JsonObject
from modules.generation.count_limits import between
from modules.webui.canvas.value import CanvasValue, RefusedCanvas

LARGEST = 1e20
"""Of what a control may say; seeds have twenty digits, and nothing else comes near."""


class ControlValues:
    """Values by the control's name. What cannot be read raises RequestError that names the control by its label."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """Words; "" for an empty box."""
        return str(self._values.get(name) or "")

    def texts(self, name: str) -> tuple[str, ...]:
        """What was chosen among several."""
        value = self._values.get(name)
        return tuple(str(each) for each in value) if isinstance(value, list | tuple) else ()

    def canvas(self, name: str) -> CanvasValue | None:
        """What is on a canvas, or None; a path counts as a picture with nothing painted. Raises what was refused."""
        value = self._values.get(name)
        if isinstance(value, RefusedCanvas):
            raise value.error
        if isinstance(value, CanvasValue):
            return value
        return CanvasValue(picture=Path(str(value))) if value else None

    def fields(self, name: str) -> JsonObject:
        """Fields of a request by name; {} for none."""
        value = self._values.get(name)
        return {str(key): each for key, each in value.items()} if isinstance(value, Mapping) else {}

    def files(self, name: str) -> tuple[Path, ...]:
        """Files that were handed in."""
        return tuple(Path(each) for each in self.texts(name))

    def one_of(self, name: str, labels: Sequence[str]) -> int:
        """The place of a choice among its labels."""
        value = self.text(name)
        if value not in labels:
            raise RequestError(f"{value!r} is none of {', '.join(labels)}. Choose one.", name)
        return list(labels).index(value)

    def switch(self, name: str) -> bool:
        """Whether a checkbox is ticked."""
        return bool(self._values.get(name))

    def number(self, name: str, label: str) -> float:
        """The value of control `name` as a float."""
        value = self._values.get(name)
        if value is None or value == "":
            raise RequestError(f"{label} is empty. Enter a number.", name)
        try:
            number = float(str(value))
        except ValueError:
            raise RequestError(f"{label} must be a number; it is {str(value)[:MAX_SHOWN]!r}.", name) from None
        between(name, number, -LARGEST, LARGEST)
        # As JavaScript counts: parameters from the page say "CFG scale: 7", those from the API 7.0, as in A1111.
        return int(number) if number.is_integer() else number

    def whole(self, name: str, label: str) -> int:
        """The value of control `name` as an int."""
        return round(self.number(name, label))

    def seed(self, name: str, label: str) -> int:
        """A seed. An emptied box means the same as -1: choose one."""
        return -1 if self._values.get(name) in (None, "") else self.whole(name, label)
