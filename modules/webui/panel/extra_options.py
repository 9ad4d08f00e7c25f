"""Settings beside the other controls of a panel, by `extra_options_txt2img` and `extra_options_img2img`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gradio.components import Component

from modules.foundation.plain import JsonObject
from modules.settings.declare import infotext_label
from modules.settings.model import Settings
from modules.webui.panel.control import Control, Offers, Props
from modules.webui.setting_controls import from_page, setting_control
from modules.webui.ui_config import UiConfig

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PREFIX = "setting "
"""What the names of these controls begin with, before the key."""


@dataclass(frozen=True, kw_only=True)
class SettingKind:
    """A control that shows what its setting has; it is not in ui-config.json."""

    setting: str
    field: FieldInfo
    settings: Settings
    lists: Mapping[str, Sequence[str]]

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """The control of the setting."""
        return setting_control(self.setting, self.field, self.settings, self.lists, **props)


def extra_options(
    keys: Sequence[str], declared: Mapping[str, FieldInfo], settings: Settings, lists: Mapping[str, Sequence[str]]
) -> list[Control]:
    """A control for each setting there is among `keys`."""

    def convert(key: str) -> Any:
        return lambda value: from_page(key, value, declared)

    return [
        Control(
            name=f"{PREFIX}{key}",
            label=str(declared[key].title or key),
            elem_id=f"{{tab}}_setting_{key}",
            kind=SettingKind(setting=key, field=declared[key], settings=settings, lists=lists),
            infotext=infotext_label(declared[key]) or "",
            convert=convert(key),
        )
        for key in keys
        if key in declared
    ]


def chosen_settings(values: Mapping[str, object]) -> JsonObject:
    """The settings that these controls choose for a picture, by key."""
    chosen = {name.removeprefix(PREFIX): value for name, value in values.items() if name.startswith(PREFIX)}
    known = Settings.model_fields
    return {key: from_page(key, value) if key in known else value for key, value in chosen.items()}
