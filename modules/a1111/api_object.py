"""`modules.api.api`: pictures as text, and the class whose routes are the program's own."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.foundation.errors import EaselError
from modules.foundation.picture_file import open_picture

if TYPE_CHECKING:
    from PIL.Image import Image

    from modules.a1111.script import Script


def decode_base64_to_image(encoding: str) -> Image:
    """A picture from base64 or a data URI. Raises fastapi's HTTPException for what is none."""
    from fastapi import HTTPException

    try:
        text = encoding.split(",", 1)[1] if encoding.startswith("data:") else encoding
        return open_picture(base64.b64decode(text))
    except (EaselError, ValueError, OSError) as error:
        raise HTTPException(status_code=500, detail="Invalid encoded image") from error


def encode_pil_to_base64(image: Image) -> bytes:
    """A picture as base64, in the format of the settings, with its text."""
    from modules.a1111.saving import opts, picture_text
    from modules.imaging.encode import encode

    if isinstance(image, str):
        return image.encode()
    text = picture_text({"parameters": image.info["parameters"]} if image.info.get("parameters") else {})
    data = encode(image, opts().samples_format, text=text, quality=opts().jpeg_quality)
    return base64.b64encode(data)


def encode_pil_to_png(image: Image) -> bytes:
    """A picture as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def validate_sampler_name(name: str) -> str:
    """The name, if there is such a sampler. Raises fastapi's HTTPException."""
    from fastapi import HTTPException

    from modules.a1111.samplers import all_samplers_map

    if all_samplers_map.get(name) is None:
        raise HTTPException(status_code=400, detail="Sampler not found")
    return name


def script_name_to_index(name: str, scripts: Iterable[Script]) -> int:
    """The place of a script among others by its title. Raises fastapi's HTTPException."""
    from fastapi import HTTPException

    titles = [script.title().lower() for script in scripts]
    if name.lower() not in titles:
        raise HTTPException(status_code=422, detail=f"Script '{name}' not found")
    return titles.index(name.lower())


def upscaler_to_index(name: str) -> int:
    """The place of an upscaler. Raises fastapi's HTTPException."""
    from fastapi import HTTPException

    names = [each.name.lower() for each in current().shared.sd_upscalers]
    if name.lower() not in names:
        raise HTTPException(status_code=400, detail=f"Invalid upscaler, needs to be one of these: {', '.join(names)}")
    return names.index(name.lower())


def api_middleware(app: Any) -> None:
    """Nothing: what the program does around requests is there. Extensions add their own after calling it."""


class Api:
    """The API's routes are the program's; extensions add theirs to `app` in on_app_started."""

    def __init__(self, app: Any, queue_lock: object = None) -> None:
        self.app, self.queue_lock = app, queue_lock

    def add_api_route(self, path: str, endpoint: object, **kwargs: object) -> Image:
        """Add a route."""
        return self.app.add_api_route(path, endpoint, **kwargs)
