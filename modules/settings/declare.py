"""How a setting is declared: once, with type, default, label and what a page needs to draw it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from modules.foundation.plain import JsonObject


def setting(
    default: object,
    label: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    step: float | None = None,
    choices: Sequence[object] | str | None = None,
    infotext: str | None = None,
    restart: bool = False,
) -> Any:
    """Declare one setting inside a `Section`.

    `ge`, `le` and `step` make a slider. `choices` is the list to choose from, or the name of one that is only known at
    run time ("samplers", "checkpoints", ...). `infotext` is the label under which the setting stands in a picture's
    parameters and by which it is restored. `restart` marks one that is read at start-up only.
    """
    extra: JsonObject = {"step": step, "choices": choices, "infotext": infotext, "restart": restart or None}
    field: object = Field
    return field(
        default=default,
        title=label,
        ge=ge,
        le=le,
        json_schema_extra={key: value for key, value in extra.items() if value is not None},
    )


@dataclass(frozen=True, kw_only=True)
class SettingControl:
    """How the page draws a setting of an attachment's, where that is the attachment's own affair.

    Goes into the annotation of the field: `Annotated[str, SettingControl(...)]`. `draw(**arguments)` makes the
    component from label, elem_id, value and the like; `before` and `after` are HTML around it. `look_again` looks for
    choices and gives what the component is updated with; it gets a button of its own.
    """

    draw: Callable[..., Any]
    before: str = ""
    after: str = ""
    look_again: Callable[[], Any] | None = None


def control_of(field: FieldInfo) -> SettingControl | None:
    """The `SettingControl` of a setting, or None."""
    return next((each for each in field.metadata if isinstance(each, SettingControl)), None)


class Section(BaseModel):
    """A group of settings as one page of the settings tab shows it. Keys are A1111's, so its config.json loads."""

    model_config = ConfigDict(extra="allow", frozen=True, validate_default=False)

    title: ClassVar[str] = ""
    category: ClassVar[str] = ""


def choices_of(field: FieldInfo) -> Sequence[Any] | str | None:
    """The choices that `setting` was given, or None."""
    extra = field.json_schema_extra
    return extra.get("choices") if isinstance(extra, dict) else None  # type: ignore[return-value]


def infotext_label(field: FieldInfo) -> str | None:
    """The label under which the setting stands in a picture's parameters, or None."""
    extra = field.json_schema_extra
    return extra.get("infotext") if isinstance(extra, dict) else None  # type: ignore[return-value]
