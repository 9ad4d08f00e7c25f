"""The settings of a running program and their file, config.json."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modules.foundation.atomic import write_json
from modules.foundation.errors import SettingsError
from modules.foundation.plain import JsonMapping, JsonObject
from modules.foundation.registry import Registry
from modules.foundation.text_files import read_json_object
from modules.settings.declare import Section
from modules.settings.model import SECTIONS, Settings, settings_with

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

log = logging.getLogger(__name__)


class SettingsStore:
    """Owner of the current settings. Reading `.current` gives a frozen value that never changes.

    `sections` are where settings are declared. Those of a section that is added later are read from what config.json
    has kept for them; when it goes, their values are kept on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._observers: list[Callable[[Settings, Settings], None]] = []
        self.problems: list[str] = []
        """What was wrong with the file when it was read, for those who changed it."""
        self._current = read_settings(path, self.problems.append)
        self.sections: Registry[type[Section]] = Registry("setting or section of settings", _names_in, SECTIONS)
        self.sections.observe(self._use_sections)
        self._written = self._current.model_dump()

    @property
    def current(self) -> Settings:
        """The settings as they are now."""
        return self._current

    @property
    def declared(self) -> Mapping[str, FieldInfo]:
        """The declarations of all settings, by key."""
        return type(self._current).model_fields

    def _use_sections(self) -> None:
        """Read the values again, by what is declared now."""
        with self._lock:
            kind = settings_with(section for section in self.sections if section not in SECTIONS)
            self._current = _lenient(self._current.model_dump(), self.path, kind)

    def observe(self, observer: Callable[[Settings, Settings], None]) -> None:
        """Have `observer(before, after)` called after each change that changed something."""
        self._observers.append(observer)

    def change(self, changes: JsonMapping, *, save: bool = True) -> Settings:
        """Apply `changes` together or not at all, and write config.json.

        Raises SettingsError when a value does not fit (nothing is changed) or the file cannot be written (the change
        then holds until the program ends).
        """
        with self._lock:
            before = self._current
            after = before.changed(changes)
            if after == before:
                return before
            self._current = after
        for observer in self._observers:
            observer(before, after)
        if save:
            self.save()
        return after

    def save(self) -> None:
        """Write config.json. Raises SettingsError when that fails."""
        with self._lock:
            before = self._current
            self._take_over()
            after = self._current
            try:
                write_json(self.path, self._current.model_dump())
                self._written = self._current.model_dump()
            except OSError as error:
                raise SettingsError(
                    f"The settings could not be written to {self.path}: {error.strerror}. "
                    "They hold until the program ends; make the file writable and save again."
                ) from error
        if after is not before:
            for observer in self._observers:
                observer(before, after)

    def _take_over(self) -> None:
        """What another program has written into the file since it was last read or written holds too, here and there.

        A key that was changed on both sides keeps the value of this side.
        """
        try:
            values = read_json_object(self.path, "What is set here is written.")
            in_file = _lenient(values, self.path, type(self._current)).model_dump()
        except (OSError, SettingsError):
            return
        in_memory = self._current.model_dump()
        missing = object()
        changes = {
            key: value
            for key, value in in_file.items()
            if value != self._written.get(key, missing)
            and in_memory.get(key, missing) == self._written.get(key, missing)
        }
        if changes:
            log.info("%s was changed by another program: %s", self.path, ", ".join(changes))
            self._current = self._current.changed(changes)


def read_settings(path: Path, tell: Callable[[str], object] | None = None) -> Settings:
    """Settings from a config.json, which need not exist.

    A value that does not fit is named in a warning and left at its default. A file that is no JSON is kept aside as
    `config.json.broken`, so that saving cannot destroy what could be rescued by hand; `tell` hears of it.
    """
    try:
        values = read_json_object(path, "Other settings are at their defaults.", tell)
    except OSError as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error.strerror}.") from error
    return _lenient(values, path)


def _names_in(section: type[Section]) -> tuple[str, ...]:
    """What a section declares, first of all its title."""
    return (section.title, *section.model_fields)


def _lenient(values: JsonObject, path: Path, kind: type[Settings] = Settings) -> Settings:
    while True:
        try:
            return kind.checked(values)
        except SettingsError as error:
            bad = _named_key(str(error))
            log.warning("%s: %s The default is used instead.", path, error)
            if bad not in values:
                raise
            values = {key: value for key, value in values.items() if key != bad}


def _named_key(message: str) -> str:
    return message.split("'")[1].split(".", maxsplit=1)[0]
