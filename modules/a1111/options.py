"""`shared.opts`: settings as scripts read and write them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from modules.a1111 import unused_settings
from modules.a1111.option_info import OptionInfo
from modules.a1111.program_options import program_options
from modules.a1111.types import ComponentValue
from modules.foundation.plain import JsonMapping, JsonObject
from modules.settings.known_options import FOLDERS
from modules.settings.model import Settings

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect

log = logging.getLogger(__name__)


class Options:
    """`shared.opts`: reading gives the settings of the job that runs, or else those of the program.

    Writing changes the program's, without saving them, and those of the job's further generations. Keys that nothing
    declares are read from config.json all the same.
    """

    _own: ClassVar[frozenset[str]] = frozenset(
        {"_dialect", "_labels", "_is_filled", "data_labels", "restricted_opts", "_onchange"}
    )

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect
        self._labels: dict[str, OptionInfo] = {}
        self._is_filled = False
        self.restricted_opts: set[str] = set()
        self._onchange: dict[str, Callable[[], None]] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in Options._own:
            raise AttributeError(name)
        settings = self._dialect.settings
        try:
            value = getattr(settings, name)
        except AttributeError:
            pass
        else:
            if name == "sd_model_checkpoint" and not value:
                # No choice means the first that is found, and extensions ask which that is.
                info = self._dialect.app.selected_checkpoint
                return value if info is None else info.title
            # An empty setting is the usual folder; extensions open what stands in it.
            return value or str(self._dialect.app.paths.data / FOLDERS[name]) if name in FOLDERS else value
        if name in self._labels:
            return self._labels[name].default
        if (template := self._dialect.shared.options_templates.get(name)) is not None:
            # Asked for while scripts are loaded, and declared when all of them are.
            return template.default
        if name in unused_settings.DEFAULTS:
            return unused_settings.DEFAULTS[name]
        raise AttributeError(f"There is no setting {name!r}; declare it with opts.add_option in on_ui_settings.")

    def __setattr__(self, name: str, value: object) -> None:
        if name in Options._own:
            object.__setattr__(self, name, value)
        else:
            self._dialect.job.change_settings({name: value}, save=False)

    @property
    def data_labels(self) -> dict[str, OptionInfo]:
        """What is declared, by key: by extensions, and once it is asked for also by the program."""
        if not self._is_filled:
            self._is_filled = True
            self._labels.update({**program_options(self._dialect.app), **self._labels})
        return self._labels

    @property
    def data(self) -> JsonObject:
        """All settings as a dict; writing to it changes them as setting an attribute does."""
        values = self._dialect.settings.model_dump()
        return _Data(self, {**values, "sd_model_checkpoint": self.sd_model_checkpoint})

    def __contains__(self, name: str) -> bool:
        return name in self.data or name in self._labels

    def set(self, key: str, value: object, is_api: bool = False, run_callbacks: bool = True) -> bool:
        """Change a setting; whether it was another before."""
        if getattr(self, key, None) == value:
            return False
        self._dialect.job.change_settings({key: value}, save=False)
        if run_callbacks and (called := self._labels.get(key)) is not None and called.onchange is not None:
            called.onchange()
        return True

    def get_default(self, key: str) -> ComponentValue:
        """The default value of a setting."""
        declared = self._dialect.app.settings.declared.get(key)
        if declared is not None:
            return declared.default
        return self._labels[key].default if key in self._labels else None

    def add_option(self, key: str, info: OptionInfo) -> None:
        """Declare a setting."""
        self._dialect.extension_settings.declare({key: info})

    def add_label(self, key: str, info: OptionInfo) -> None:
        """An extension has declared a setting."""
        self._labels[key] = info

    def onchange(self, key: str, func: Callable[[], None], call: bool = True) -> None:
        """Have a function called when a setting changes, and at once."""
        self._onchange[key] = func
        if call:
            func()

    def changed(self, before: Settings, after: Settings) -> None:
        """Settings were changed: call what waits for it."""
        called = {key: info.onchange for key, info in self._labels.items() if info.onchange is not None}
        for key, function in {**called, **self._onchange}.items():
            if function is not None and getattr(before, key, None) != getattr(after, key, None):
                function()

    def save(self, filename: str | None = None) -> None:
        """Write config.json."""
        self._dialect.app.settings.save()

    def dumpjson(self) -> str:
        """Every setting with its labels, as the page's scripts know them."""
        import json

        return json.dumps(dict(self.data), default=str)

    def cast_value(self, key: str, value: ComponentValue) -> ComponentValue:
        """A value as its setting wants it."""
        default = self.get_default(key)
        if value is None or default is None:
            return value
        if isinstance(default, bool):
            return str(value).lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value)
        return type(default)(value) if isinstance(default, int | float | str) else value


class _Data(JsonObject):
    """All settings; what is written goes to the settings as well."""

    def __init__(self, options: Options, values: JsonMapping) -> None:
        super().__init__(values)
        self._options = options

    def __setitem__(self, key: str, value: object) -> None:
        super().__setitem__(key, value)
        setattr(self._options, key, value)

    def update(self, *others: object, **named: object) -> None:
        for key, value in dict(*others, **named).items():
            self[key] = value
