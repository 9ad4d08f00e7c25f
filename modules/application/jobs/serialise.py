"""Requests as JSON text and pictures, and back: how they are kept while they wait.

It goes by the fields of the frozen dataclasses, so a new field of a request needs no line here. What JSON does not have
is written as an object with one key that begins with "$". A field that a later version no longer has is passed over,
one that an earlier version did not know gets its default.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import hashlib
import importlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from modules.foundation.picture_file import open_picture
from modules.foundation.plain import JsonObject
from modules.imaging.depth import eight_bits
from modules.imaging.pixelwise import bands

if TYPE_CHECKING:
    from PIL import Image

Pictures = dict[str, bytes]
"""PNG files by the SHA-256 of their pixels."""

_OURS = "modules."


class NotKeepable(TypeError):  # noqa: N818 - says what is wrong with the value
    """A value that cannot be written: an extension's object, a function."""


def to_text(value: object) -> tuple[str, Pictures]:
    """`value` as JSON text, and the pictures in it. Raises NotKeepable."""
    pictures: Pictures = {}
    return json.dumps(_plain(value, pictures)), pictures


def from_text(text: str, picture: Callable[[str], bytes]) -> Any:
    """The value that `to_text` wrote; `picture(hash)` gives the PNG file of each picture.

    Raises ValueError, TypeError, KeyError, AttributeError or ImportError for a text that this version cannot read.
    """
    try:
        return _value(json.loads(text), picture)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _plain(value: object, pictures: Pictures) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, enum.Enum):
        return {"$enum": [_name_of(type(value)), _plain(value.value, pictures)]}
    for kind in (int, float, str):
        if isinstance(value, kind):  # a subclass, numpy's float64 say
            return kind(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.init]
        return {"$data": [_name_of(type(value)), {name: _plain(getattr(value, name), pictures) for name in fields}]}
    if isinstance(value, Mapping):
        return _plain_mapping(cast(Mapping[object, object], value), pictures)
    return _plain_sequence(value, pictures)


def _plain_mapping(value: Mapping[object, object], pictures: Pictures) -> Any:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: _plain(item, pictures) for key, item in value.items()}
    return {"$map": [[_plain(key, pictures), _plain(item, pictures)] for key, item in value.items()]}


def _plain_sequence(value: object, pictures: Pictures) -> Any:
    if isinstance(value, list):
        return [_plain(item, pictures) for item in cast(list[object], value)]
    for name, kind in (("$tuple", tuple), ("$set", set), ("$frozenset", frozenset)):
        if isinstance(value, kind):
            return {name: [_plain(item, pictures) for item in cast(tuple[object, ...], value)]}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, Path):
        return {"$path": str(value)}
    from PIL import Image

    if isinstance(value, Image.Image):
        return {"$picture": _keep(value, pictures)}
    raise NotKeepable(f"A value of type {type(value).__name__} cannot be kept.")


def _value(plain: object, picture: Callable[[str], bytes]) -> Any:
    if isinstance(plain, list):
        return [_value(item, picture) for item in cast(list[object], plain)]
    if not isinstance(plain, dict):
        return plain
    plain = cast(JsonObject, plain)
    tag = next(iter(plain), "")
    if not tag.startswith("$"):
        return {key: _value(item, picture) for key, item in plain.items()}
    return _READERS[tag](plain[tag], picture)


def _data(content: Any, picture: Callable[[str], bytes]) -> Any:
    kind = _type_called(content[0])
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{content[0]} is no dataclass.")
    known = {field.name for field in dataclasses.fields(kind) if field.init}
    fields = {name: _value(item, picture) for name, item in content[1].items() if name in known}
    return cast(Callable[..., Any], kind)(**fields)


def _picture(content: Any, picture: Callable[[str], bytes]) -> Image.Image:
    image = open_picture(picture(content))
    image.load()
    return image


_READERS: Mapping[str, Callable[[Any, Callable[[str], bytes]], Any]] = {
    "$data": _data,
    "$picture": _picture,
    "$enum": lambda content, picture: _type_called(content[0])(_value(content[1], picture)),
    "$map": lambda content, picture: {_value(key, picture): _value(item, picture) for key, item in content},
    "$tuple": lambda content, picture: tuple(_value(content, picture)),
    "$set": lambda content, picture: set(_value(content, picture)),
    "$frozenset": lambda content, picture: frozenset(_value(content, picture)),
    "$bytes": lambda content, _: base64.b64decode(content),
    "$path": lambda content, _: Path(content),
}


def _keep(image: Image.Image, pictures: Pictures) -> str:
    """Put a picture, upright and in a mode that PNG has, among `pictures` and give its name."""
    from PIL import ImageOps

    image = eight_bits(ImageOps.exif_transpose(image))
    if "transparency" in image.info or image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif image.mode not in ("1", "L", "LA", "RGB", "RGBA"):
        image = image.convert("RGB")
    digest = hashlib.sha256(f"{image.mode} {image.size} ".encode())
    for band in bands(image):
        digest.update(band.tobytes())
    name = digest.hexdigest()
    if name not in pictures:
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=1)
        pictures[name] = buffer.getvalue()
    return name


def _name_of(kind: type) -> str:
    if not kind.__module__.startswith(_OURS):
        raise NotKeepable(f"A value of type {kind.__module__}.{kind.__qualname__} cannot be kept.")
    return f"{kind.__module__}:{kind.__qualname__}"


def _type_called(name: str) -> Any:
    """The class of ours with this name; no other is looked up."""
    module, _, qualified = name.partition(":")
    if not module.startswith(_OURS):
        raise TypeError(f"{name} is not one of Easel's types.")
    kind: object = importlib.import_module(module)
    for part in qualified.split("."):
        kind = getattr(kind, part)
    if not isinstance(kind, type):
        raise TypeError(f"{name} is no type.")
    return kind
