"""The program's own settings as extensions find them in `opts.data_labels`, beside those of extensions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from modules.a1111 import unused_settings
from modules.a1111.option_info import OptionInfo
from modules.foundation.plain import JsonObject
from modules.settings.declare import choices_of, control_of, infotext_label

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from modules.application.application import Application


def program_options(app: Application) -> dict[str, OptionInfo]:
    """All settings that Easel declares, and those of A1111 that change nothing here, each as an OptionInfo."""
    options: dict[str, OptionInfo] = {}
    for section in app.settings.sections:
        place = (section.title.lower().replace(" ", "_"), section.title)
        for key, field in section.model_fields.items():
            if control_of(field) is None:
                options[key] = _info(app, key, field, place, section.category)
    for key, default in unused_settings.DEFAULTS.items():
        options.setdefault(key, OptionInfo(default, key))
    return options


def acts_by_itself() -> None:
    """`onchange` of the program's settings: nothing is left to be done by who changes one."""


def _info(app: Application, key: str, field: FieldInfo, place: tuple[str | None, ...], category: str) -> OptionInfo:
    from modules.webui.setting_controls import usual_component

    named = choices_of(field)
    kind, _ = usual_component(key, field, {named: ()} if isinstance(named, str) else {})
    return OptionInfo(
        field.get_default(call_default_factory=True),
        str(field.title or key),
        kind,
        partial(_arguments, app, key, field),
        onchange=acts_by_itself,
        section=place,
        infotext=infotext_label(field),
        category_id=category or None,
    )


def _arguments(app: Application, key: str, field: FieldInfo) -> JsonObject:
    from modules.webui.choices import named_choices
    from modules.webui.setting_controls import usual_component

    arguments: dict[str, Any] = usual_component(key, field, named_choices(app))[1]
    return arguments
