"""The schemas of answers whose keys are settings or flags: read off the declarations, not written a second time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from modules.foundation.plain import JsonMapping, JsonObject
from modules.settings.flags import Flags
from modules.settings.known_options import known_options
from modules.settings.legacy_flags import KNOWN_DEFAULTS

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Responses = dict[int | str, JsonObject]


def options_schema(declared: Mapping[str, FieldInfo]) -> Responses:
    """The answer of GET options: each setting by its key."""
    titles = {key: field.title for key, field in declared.items()}
    defaults = {**known_options(), **{key: field.default for key, field in declared.items()}}
    return _answer("Options", {key: _property(titles.get(key), value) for key, value in defaults.items()})


def flags_schema() -> Responses:
    """The answer of GET cmd-flags: each flag by its name."""
    declared = {field.name: field for field in dataclasses.fields(Flags)}
    defaults = {**KNOWN_DEFAULTS, **{name: field.default for name, field in declared.items()}}
    helps = {name: field.metadata.get("help") for name, field in declared.items()}
    return _answer("Flags", {name: _property(helps.get(name), value) for name, value in defaults.items()})


def _answer(title: str, properties: JsonMapping) -> Responses:
    schema = {"title": title, "type": "object", "properties": properties}
    return {200: {"description": "All of them", "content": {"application/json": {"schema": schema}}}}


def _property(title: str | None, default: object) -> JsonObject:
    described: JsonObject = {"title": title} if title else {}
    default = list(default) if isinstance(default, tuple) else default
    # Clients made from the document must not refuse a setting that came to be of another kind.
    return described if default is None else {**described, "default": default}
