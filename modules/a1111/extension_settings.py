"""Settings that extensions declare: collected by section, and registered with the program's own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from modules.a1111.current import OWNER
from modules.a1111.option_controls import section_of
from modules.a1111.option_info import OptionInfo
from modules.a1111.options import Options
from modules.application.application import Application
from modules.foundation.errors import EaselError

log = logging.getLogger(__name__)


class ExtensionSettings:
    """The sections that extensions have declared so far."""

    def __init__(self, app: Application, opts: Options, failed: Callable[[str, str], None]) -> None:
        self._app, self._opts, self._failed = app, opts, failed
        self._sections: dict[str, dict[str, OptionInfo]] = {}
        self.categories = Categories()

    def declare(self, options: Mapping[str, OptionInfo]) -> None:
        """Declare settings, each in its section. A section that cannot be declared is named in the log."""
        grouped: dict[tuple[str, str], dict[str, OptionInfo]] = {}
        for key, info in options.items():
            self._opts.add_label(key, info)
            if key not in self._app.settings.declared:
                grouped.setdefault((_title_of(info), info.category_id or ""), {})[key] = info
        taken = {section.title for section in self._app.settings.sections if section.title not in self._sections}
        for (title, category), members in grouped.items():
            # What is meant for a section of the program stands in one beside it.
            self._register(f"{title} (extensions)" if title in taken else title, category, members)

    def _register(self, title: str, category: str, members: Mapping[str, OptionInfo]) -> None:
        """Register a section with its former and these members."""
        everything = self._sections[title] = {**self._sections.get(title, {}), **members}
        registry = self._app.registries.settings
        registry.unregister(f"{OWNER}: {title}")
        try:
            registry.register(f"{OWNER}: {title}", section_of(title, category, everything.items(), self._failed))
        except EaselError as error:
            self._failed(title, str(error))
            log.warning("The settings of %s cannot be declared: %s", title, error)


class Categories:
    """`options.categories`: the groups that sections of settings name by their ids; extensions add some."""

    def __init__(self) -> None:
        self.mapping: dict[str, str] = {}

    def register_category(self, category_id: str, label: str) -> str:
        """Name a group."""
        self.mapping[category_id] = label
        return category_id


def _title_of(info: OptionInfo) -> str:
    return str(info.section[1]) if info.section and len(info.section) > 1 and info.section[1] else "Extensions"
