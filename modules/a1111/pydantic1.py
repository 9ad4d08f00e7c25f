"""`pydantic` as extensions import it: models with the rules of version 1, which A1111 has, over today's.

A field that may be None need not be given, and one whose default is None may be; a `Config` has its former names.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import types
from types import ModuleType
from typing import Annotated, Any, Optional, Union, get_args, get_origin

from modules.a1111.types import ExtensionFunction
from modules.foundation.plain import JsonMapping, JsonObject

CONFIG = {
    "allow_population_by_field_name": "populate_by_name",
    "anystr_lower": "str_to_lower",
    "anystr_strip_whitespace": "str_strip_whitespace",
    "max_anystr_length": "str_max_length",
    "min_anystr_length": "str_min_length",
    "orm_mode": "from_attributes",
    "schema_extra": "json_schema_extra",
    "validate_all": "validate_default",
}
"""Names in a `Config` and today's."""

FIELD = {"regex": "pattern", "min_items": "min_length", "max_items": "max_length"}
"""Arguments of `Field` and today's."""

CHOICES = ("include", "exclude", "by_alias", "exclude_unset", "exclude_defaults", "exclude_none")
"""Arguments of `json()` that say which fields."""

GONE = frozenset({"const", "unique_items", "allow_mutation", "env"})
"""Arguments of `Field` without a counterpart."""


class OldPydantic(ModuleType):
    """`pydantic`: what is changed here, and today's for the rest."""

    def __init__(self, real: ModuleType, changed: JsonMapping) -> None:
        super().__init__("pydantic")
        self.__dict__.update(changed)
        self.__dict__["_real"], self.__path__ = real, list(real.__path__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_real"], name)


@functools.cache
def old_pydantic() -> ModuleType:
    """The module that extensions import as `pydantic`."""
    import pydantic

    changed = {"BaseModel": _base_model(), "Field": _field, "root_validator": _root_validator}
    return OldPydantic(pydantic, changed)


def _base_model() -> type:
    import pydantic

    meta: Any = type(pydantic.BaseModel)

    def make(mcls: type, name: str, bases: tuple[type, ...], namespace: JsonObject, **named: object) -> Any:
        config = namespace.pop("Config", None)
        if inspect.isclass(config):
            namespace["model_config"] = {**_config_of(config), **namespace.get("model_config", {})}
        annotations = namespace.get("__annotations__", {})
        for field, kind in tuple(annotations.items()):
            _make_optional(namespace, annotations, field, kind)
        return meta.__new__(mcls, name, bases, namespace, **named)

    namespace: JsonObject = {"__new__": make, "__config__": type("Config", (), {}), "__fields__": property(_fields)}
    old_meta: Any = type(meta)("OldModelMeta", (meta,), namespace)
    return old_meta("BaseModel", (pydantic.BaseModel,), {"__module__": "pydantic.main", "json": _json})


def _json(model: Any, **arguments: Any) -> str:
    """`model.json()`: what is no choice of fields goes to `json.dumps`."""
    chosen = {name: arguments.pop(name) for name in CHOICES if name in arguments}
    form = {name: value for name, value in arguments.items() if name not in ("encoder", "models_as_dict")}
    return json.dumps(model.model_dump(mode="json", **chosen), **form)


class OldField:
    """An entry of `Model.__fields__`; whether the field is `required` may be written to."""

    def __init__(self, model: Any, name: str) -> None:
        self.__dict__.update(_model=model, name=name, alias=model.model_fields[name].alias or name)

    @property
    def field_info(self) -> Any:
        """Today's description of the field."""
        return self.__dict__["_model"].model_fields[self.__dict__["name"]]

    @property
    def required(self) -> bool:
        """Whether a value has to be given."""
        return self.field_info.is_required()

    @required.setter
    def required(self, value: bool) -> None:
        from pydantic.fields import FieldInfo

        if value != self.required:
            self.field_info.default = FieldInfo().default if value else None
            self.__dict__["_model"].model_rebuild(force=True)

    @property
    def type_(self) -> Any:
        """What it takes."""
        return self.field_info.annotation

    outer_type_ = annotation = type_

    def get_default(self) -> Any:
        """The value where none is given."""
        return None if self.required else self.field_info.get_default(call_default_factory=True)

    default = property(get_default)


def _fields(model: Any) -> dict[str, OldField]:
    return {name: OldField(model, name) for name in model.model_fields}


def _config_of(config: type) -> JsonObject:
    options = {name: getattr(config, name) for name in dir(config) if not name.startswith("_")}
    known: set[str] = set(_known_options())
    today = {CONFIG.get(name, name): value for name, value in options.items()}
    return {name: value for name, value in today.items() if name in known}


@functools.cache
def _known_options() -> frozenset[str]:
    from pydantic import ConfigDict

    return frozenset(ConfigDict.__annotations__)


def _make_optional(namespace: JsonObject, annotations: JsonObject, field: str, kind: object) -> None:
    from pydantic.fields import FieldInfo

    value = namespace.get(field, inspect.Parameter.empty)
    if _allows_none(kind):
        if value is inspect.Parameter.empty:
            namespace[field] = None
        elif isinstance(value, FieldInfo) and value.is_required() and not isinstance(kind, str):
            annotations[field], namespace[field] = Annotated[kind, value], None
    elif not isinstance(kind, str) and (value is None or (isinstance(value, FieldInfo) and value.default is None)):
        annotations[field] = Optional[kind]  # noqa: UP045 - the annotation is a value here


def _allows_none(kind: object) -> bool:
    if isinstance(kind, str):
        return kind.startswith(("Optional[", "typing.Optional[")) or kind.replace(" ", "").endswith("|None")
    return get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind)


def _field(default: object = ..., **arguments: Any) -> Any:
    """`Field` with its former arguments; those that it never had describe the field, as they did."""
    import pydantic

    known = inspect.signature(pydantic.Field).parameters
    today = {FIELD.get(name, name): value for name, value in arguments.items() if name not in GONE}
    further = {name: value for name, value in today.items() if name not in known}
    taken = {name: value for name, value in today.items() if name in known}
    if further and "json_schema_extra" not in taken:
        taken["json_schema_extra"] = further
    if "default_factory" in taken and default is ...:
        return pydantic.Field(**taken)
    return pydantic.Field(default, **taken)


def _root_validator(*functions: ExtensionFunction, pre: bool = False, **named: Any) -> Any:
    """`root_validator`, which may stand without arguments."""
    pydantic: Any = importlib.import_module("pydantic")
    if not pre:
        named.setdefault("skip_on_failure", True)
    made = pydantic.root_validator(pre=pre, **named)
    return made(functions[0]) if functions else made
