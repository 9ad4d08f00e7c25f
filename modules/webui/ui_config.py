"""The user's defaults for the controls of the page: ui-config.json, with A1111's keys."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.foundation.atomic import write_json
from modules.foundation.plain import JsonObject
from modules.foundation.text_files import read_json_object

log = logging.getLogger(__name__)

ComponentArguments = JsonObject
"""Keyword arguments to build a control with; or the values of the file."""


class UiConfig:
    """What ui-config.json says, asked while the controls are being built.

    Each method is given the built-in values of a control and answers with the keyword arguments to build it with. What
    the file lacks is noted, and `write` adds it, so that the file lists everything that can be changed. Keys that no
    control asks for are kept as they are.

    A key is `where/label/field`; for controls that A1111 keeps in a script, `where` is `customscript/FILE/TAB`. The
    shorter `TAB/label/field` of its older versions is understood where the long key is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        """Why the file, or a part of it, cannot be read or written; told on the page."""
        self._is_kept = False
        self._values = self._read()
        self._missing: ComponentArguments = {}

    def _read(self) -> ComponentArguments:
        otherwise = "Other controls begin with their built-in defaults."
        try:
            return read_json_object(self.path, otherwise, self.problems.append)
        except OSError as error:
            self._is_kept = self.path.exists()
            self._warn(f"{self.path} cannot be read: {error.strerror}. {otherwise}")
            return {}

    def _warn(self, sentence: str) -> None:
        self.problems.append(sentence)
        log.warning("%s", sentence)

    def slider(self, key: str, *, value: float, minimum: float, maximum: float, step: float) -> ComponentArguments:
        """Arguments of a slider. A value outside the range is moved into it."""
        shown = self._visible(key)
        chosen = self._number(key, "value", value)
        least = self._number(key, "minimum", minimum)
        most = self._number(key, "maximum", maximum)
        stride = self._number(key, "step", step)
        if least >= most or stride <= 0:
            log.warning("%s: %s has no sensible range; the built-in one is used.", self.path, key)
            least, most, stride = minimum, maximum, step
        return {**shown, "value": min(max(chosen, least), most), "minimum": least, "maximum": most, "step": stride}

    def number(self, key: str, *, value: float) -> ComponentArguments:
        """Arguments of a number box."""
        return {**self._visible(key), "value": self._number(key, "value", value)}

    def checkbox(self, key: str, *, value: bool) -> ComponentArguments:
        """Arguments of a checkbox."""
        return {**self._visible(key), "value": self._typed(key, "value", value, (bool,))}

    def text(self, key: str, *, value: str = "") -> ComponentArguments:
        """Arguments of a text box."""
        return {**self._visible(key), "value": self._typed(key, "value", value, (str,))}

    def choice(self, key: str, choices: Sequence[str], *, value: str) -> ComponentArguments:
        """Arguments of a dropdown. A value that is not among the choices (any more) gives way to the built-in one."""
        shown = self._visible(key)
        chosen = self._typed(key, "value", value, (str,))
        if chosen not in choices:
            log.warning("%s: %s cannot be %r here; it is %r now.", self.path, key, chosen, value)
            chosen = value
        return {**shown, "choices": list(choices), "value": chosen}

    def choices(self, key: str, choices: Sequence[str], *, value: Sequence[str] = ()) -> ComponentArguments:
        """Arguments of a dropdown for several; values that are not among the choices are left out."""
        shown = self._visible(key)
        chosen = self._typed(key, "value", list(value), (list,))
        return {**shown, "choices": list(choices), "value": [name for name in chosen if name in choices]}

    def button(self, key: str) -> ComponentArguments:
        """Arguments of a button."""
        return self._visible(key)

    def begins_with(self, key: str) -> object | None:
        """The value that the file has for a control; None for controls that it does not know."""
        return self._values.get(f"{key}/value")

    def change(self, values: Mapping[str, object]) -> None:
        """Have controls begin with other `values` from the next start on; raises OSError where that is not possible."""
        write_json(self.path, {**self._values, **{f"{key}/value": value for key, value in values.items()}})

    def write(self) -> None:
        """Add what is missing to the file. A folder without write permission costs a warning, no more."""
        if not self._missing or self._is_kept:  # what cannot be read must not be replaced
            return
        try:
            write_json(self.path, {**self._values, **self._missing})
        except OSError as error:
            self._warn(f"{self.path} could not be written: {error.strerror}. The page works without it.")

    def _visible(self, key: str) -> ComponentArguments:
        # "hidden" keeps the element in the document, where scripts expect it.
        return {} if self._typed(key, "visible", True, (bool,)) else {"visible": "hidden"}

    def _number(self, key: str, field: str, default: float) -> float:
        return self._typed(key, field, default, (int, float))

    def _typed(self, key: str, field: str, default: object, types: tuple[type, ...]) -> Any:
        value = self._get(f"{key}/{field}", default)
        # In Python True is an int; in a configuration file it is a mistake where a number belongs.
        if isinstance(value, types) and (bool in types or not isinstance(value, bool)):
            return value
        log.warning("%s: %s/%s cannot be %r; the built-in default is used.", self.path, key, field, value)
        return default

    def _get(self, key: str, default: object) -> Any:
        if key in self._values:
            return self._values[key]
        parts = key.split("/", 2)
        value = self._values.get(parts[2], default) if parts[0] == "customscript" else default
        self._missing[key] = value
        return value
