"""`OptionInfo`: how scripts declare a setting."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from modules.a1111.types import ComponentValue, GradioComponent
from modules.foundation.plain import JsonObject


class OptionInfo:
    """One setting of an extension. `component` and `component_args` say how the settings page draws it."""

    do_not_save = False

    def __init__(
        self,
        default: ComponentValue = None,
        label: str = "",
        component: GradioComponent = None,
        component_args: GradioComponent = None,
        onchange: Callable[[], None] | None = None,
        section: tuple[str | None, ...] | None = None,
        refresh: Callable[[], None] | None = None,
        comment_before: str = "",
        comment_after: str = "",
        infotext: str | None = None,
        restrict_api: bool = False,
        category_id: str | None = None,
    ) -> None:
        self.default, self.label, self.component, self.component_args = default, label, component, component_args
        self.onchange, self.section, self.refresh = onchange, section, refresh
        self.comment_before, self.comment_after = comment_before, comment_after
        self.infotext, self.restrict_api, self.category_id = infotext, restrict_api, category_id

    def link(self, label: str, uri: str) -> OptionInfo:
        """Add a link before the setting."""
        self.comment_before += f"[<a href='{uri}' target='_blank'>{label}</a>]"
        return self

    def js(self, label: str, js_func: str) -> OptionInfo:
        """Add a button before the setting that calls a function of the page."""
        self.comment_before += f"[<a onclick='{js_func}(); return false'>{label}</a>]"
        return self

    def info(self, info: str) -> OptionInfo:
        """Add a remark."""
        self.comment_after += f"<span class='info'>({info})</span>"
        return self

    def html(self, html: str) -> OptionInfo:
        """Add HTML after the setting."""
        self.comment_after += html
        return self

    def needs_restart(self) -> OptionInfo:
        """Say that it acts at the next start."""
        self.comment_after += " <span class='info'>(requires restart)</span>"
        return self

    def needs_reload_ui(self) -> OptionInfo:
        """Say that it acts when the page is built again."""
        self.comment_after += " <span class='info'>(requires Reload UI)</span>"
        return self

    def arguments(self) -> JsonObject:
        """The arguments of the component, asked for again."""
        arguments: Any = self.component_args() if callable(self.component_args) else self.component_args
        return dict(arguments or {})


class OptionHTML(OptionInfo):
    """A text between settings."""

    do_not_save = True

    def __init__(self, text: str) -> None:
        super().__init__(str(text).strip(), label="", component=None)


class OptionDiv(OptionInfo):
    """A line between settings."""

    do_not_save = True

    def __init__(self) -> None:
        super().__init__("", label="", component=None)


def options_section(
    section_identifier: tuple[str | None, ...], options_dict: dict[str, OptionInfo]
) -> dict[str, OptionInfo]:
    """Put all options of a dict into one section of the settings page."""
    for option in options_dict.values():
        if len(section_identifier) == 2:
            option.section = section_identifier
        elif len(section_identifier) == 3:
            option.section, option.category_id = section_identifier[:2], section_identifier[2]
    return options_dict


def number_of(value: Any) -> Any:
    """The number that a text is; what is no text or no number, as it is."""
    if isinstance(value, str):
        for kind in (int, float):
            with contextlib.suppress(ValueError):
                return kind(value)
    return value
