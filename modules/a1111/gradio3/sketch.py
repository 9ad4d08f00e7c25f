"""Pictures to draw on: Gradio 3's `gr.Image(tool=...)`, on the program's canvas.

Gradio 3 gave the function a picture for `tool="color-sketch"`, and for `tool="sketch"` (a mask painted over it) a dict
with `image` and `mask`, both of the picture's size; the mask is white where something was painted, black elsewhere.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import gradio as gr
from PIL import Image as PillowImage

from modules.a1111.gradio3.classes import old_class
from modules.a1111.types import ComponentValue
from modules.foundation.picture_file import open_picture
from modules.webui.canvas.component import Canvas
from modules.webui.canvas.value import CanvasValue, RefusedCanvas

MASK_COLOUR, PEN_COLOUR = "#ffffff", "#000000"
SKETCHES = ("sketch", "color-sketch")

EMPTY_SIZE = (512, 512)
"""Pixels of the white sheet that `source="canvas"` begins with where no `shape` is given."""

FORMER_EVENTS = ("edit", "upload", "clear", "input", "select")
"""Events of Gradio 3's pictures; whatever is done on a canvas changes it."""

TAKEN = frozenset({"label", "elem_id", "elem_classes", "visible", "render", "scale", "min_width"})


def mask_of(paint: PillowImage.Image | None, size: tuple[int, int]) -> PillowImage.Image:
    """White where `paint` (RGBA) is not clear, as an RGBA picture of `size`."""
    painted = PillowImage.new("L", size, 0)
    if paint is not None:
        alpha = paint.convert("RGBA").getchannel("A").point([0] + [255] * 255)
        painted = alpha if alpha.size == size else alpha.resize(size, PillowImage.Resampling.NEAREST)
    opaque = PillowImage.new("L", size, 255)
    return PillowImage.merge("RGBA", (painted, painted, painted, opaque))


@functools.cache
def sketch_class() -> Any:
    """The canvas with Gradio 3's arguments and values."""
    canvas: Any = old_class(Canvas)

    def __init__(self: Any, *positional: object, **named: Any) -> None:  # noqa: N807
        if positional:
            named["value"] = positional[0]
        self.tool = named.get("tool") or "sketch"
        self.wanted_type = named.get("type") or "numpy"
        self.image_mode = named.get("image_mode") or "RGB"
        canvas.__init__(self, **_canvas_keywords(self.tool, named))

    changed = dict.fromkeys(FORMER_EVENTS, canvas.change)
    attrs = {"__init__": __init__, "__module__": canvas.__module__, **changed}
    return type(canvas)("Canvas", (SketchValues, canvas), attrs)


def _canvas_keywords(tool: str, named: Mapping[str, Any]) -> dict[str, Any]:
    """The canvas's arguments for Gradio 3's of a sketch."""
    value = named.get("value")
    if value is None and named.get("source") == "canvas":
        width, height = named.get("shape") or EMPTY_SIZE
        value = PillowImage.new("RGB", (width, height), "white")
    kept = {name: each for name, each in named.items() if name in TAKEN}
    colour = named.get("brush_color") or (MASK_COLOUR if tool == "sketch" else PEN_COLOUR)
    return {**kept, "value": value, "paints": "mask" if tool == "sketch" else "colours", "colour": colour}


class SketchValues:
    """What a sketch takes and gives, ahead of the canvas's own."""

    GRADIO_CACHE: str
    tool: str
    wanted_type: str
    image_mode: str

    def preprocess(self, payload: ComponentValue) -> ComponentValue:
        """The picture, or picture and mask, as Gradio 3 gave them; None where there is no picture."""
        value: CanvasValue | RefusedCanvas | None = cast(Any, super()).preprocess(payload)
        if value is None:
            return None
        if isinstance(value, RefusedCanvas):
            raise gr.Error(str(value.error))
        picture = open_picture(value.picture)
        paint = open_picture(value.paint) if value.paint is not None else None
        if self.tool == "color-sketch":
            if paint is not None:
                paint = paint.convert("RGBA")
                paint = paint if paint.size == picture.size else paint.resize(picture.size)
                picture = PillowImage.alpha_composite(picture.convert("RGBA"), paint)
            return self._as_wanted(picture.convert(self.image_mode))
        mask = mask_of(paint, picture.size)
        return {"image": self._as_wanted(picture.convert(self.image_mode)), "mask": self._as_wanted(mask)}

    def postprocess(self, value: Any) -> Any:
        """Show a picture (PIL, an array, a path), or the picture of a dict with one."""
        if isinstance(value, dict):
            value = cast(dict[str, object], value).get("image")
        if value is not None and not isinstance(value, str | Path | CanvasValue):
            value = self._kept(value if isinstance(value, PillowImage.Image) else PillowImage.fromarray(value))
        return cast(Any, super()).postprocess(value)

    def _as_wanted(self, picture: PillowImage.Image) -> ComponentValue:
        if self.wanted_type == "pil":
            return picture
        if self.wanted_type == "filepath":
            return self._kept(picture)
        import numpy

        return numpy.asarray(picture)

    def _kept(self, picture: PillowImage.Image) -> str:
        """The path of a file with the picture, among those that the page may have."""
        from gradio.processing_utils import save_pil_to_cache

        return save_pil_to_cache(picture, cache_dir=self.GRADIO_CACHE, format="png")


@functools.cache
def image_class() -> Any:
    """gr.Image, which makes a sketch where its tool says so."""
    plain: object = old_class(gr.Image)
    kind: Any = type(plain)

    def make(cls: object, *positional: object, **named: object) -> Any:
        if cls is switching and named.get("tool") in SKETCHES:
            return sketch_class()(*positional, **named)
        named.pop("tool", None)
        return kind.__call__(cls, *positional, **named)

    def covers(cls: object, instance: object) -> bool:
        return kind.__instancecheck__(cls, instance) or (cls is switching and isinstance(instance, SketchValues))

    meta = type(kind.__name__, (kind,), {"__call__": make, "__instancecheck__": covers})
    attrs = {"_gradio_class": gr.Image, "__module__": gr.Image.__module__, "__doc__": gr.Image.__doc__}
    switching: object = meta("Image", (plain,), attrs)
    return switching
