"""Pictures to draw on: Gradio 3's `gr.Image(tool=...)`, on today's picture editor.

Gradio 3 gave the function a picture for `tool="color-sketch"`, and for `tool="sketch"` (a mask painted over it) a dict
with `image` and `mask`, both of the picture's size; the mask is white where something was painted, black elsewhere.
"""

from __future__ import annotations

import functools
import io
from typing import Any, cast

import gradio as gr
from PIL import Image as PillowImage

from modules.a1111.gradio3.classes import old_class

MASK_COLOUR = "#ffffff"
SKETCHES = ("sketch", "color-sketch")


def mask_of(layers: list[Any], size: tuple[int, int]) -> PillowImage.Image:
    """White where any layer is painted, as an RGBA picture of `size`."""
    painted = PillowImage.new("L", size, 0)
    for layer in layers:
        alpha = layer.convert("RGBA").getchannel("A").point(lambda value: 255 if value else 0)
        painted.paste(255, (0, 0), alpha if alpha.size == size else alpha.resize(size))
    opaque = PillowImage.new("L", size, 255)
    return PillowImage.merge("RGBA", (painted, painted, painted, opaque))


@functools.cache
def sketch_class() -> Any:
    """The picture editor with Gradio 3's arguments and values."""
    editor: Any = old_class(gr.ImageEditor)

    def __init__(self: Any, *positional: Any, **given: Any) -> None:  # noqa: N807
        self.tool = given.pop("tool", None) or "sketch"
        self.wanted_type = given.pop("type", "numpy")
        editor.__init__(self, *positional, **_editor_keywords(self.tool, given))

    attrs = {"__init__": __init__, "__module__": editor.__module__}
    return type(editor)("ImageEditor", (SketchValues, editor), attrs)


def _editor_keywords(tool: str, given: dict[str, Any]) -> dict[str, Any]:
    """The picture editor's arguments for Gradio 3's of a sketch."""
    colour = given.pop("brush_color", None)
    radius = given.pop("brush_radius", None)
    painted: list[str | tuple[str, float]] = [colour or MASK_COLOUR]
    brush = gr.Brush(
        default_size=radius or "auto",
        colors=painted if colour or tool == "sketch" else None,
        color_mode="fixed" if tool == "sketch" else "defaults",
    )
    kept = {key: value for key, value in given.items() if key not in ("source", "shape", "streaming", "format")}
    return {**kept, "type": "pil", "brush": brush, "layers": False, "format": "png", "transforms": ()}


class SketchValues:
    """What a sketch takes and gives, ahead of the picture editor's own."""

    GRADIO_CACHE: str
    tool: str
    wanted_type: str

    def preprocess(self, payload: Any) -> Any:
        """The picture, or picture and mask, as Gradio 3 gave them; None where there is no picture."""
        value: Any = cast(Any, super()).preprocess(payload)
        if not value or value.get("background") is None:
            return None
        background = value["background"]
        if self.tool == "color-sketch":
            return self._as_wanted((value["composite"] or background).convert("RGB"))
        mask = mask_of(value["layers"] or [], background.size)
        return {"image": self._as_wanted(background.convert("RGB")), "mask": self._as_wanted(mask)}

    def postprocess(self, value: Any) -> Any:
        """Show a picture, or the picture of a dict with one."""
        if isinstance(value, dict) and "image" in value:
            value = cast(dict[str, Any], value)["image"]
        return cast(Any, super()).postprocess(value)

    def _as_wanted(self, picture: PillowImage.Image) -> Any:
        if self.wanted_type == "pil":
            return picture
        if self.wanted_type == "filepath":
            from gradio.processing_utils import save_bytes_to_cache

            buffer = io.BytesIO()
            picture.save(buffer, "png")
            return save_bytes_to_cache(buffer.getvalue(), "image.png", cache_dir=self.GRADIO_CACHE)
        import numpy

        return numpy.asarray(picture)


@functools.cache
def image_class() -> Any:
    """gr.Image, which makes a sketch where its tool says so."""
    plain: Any = old_class(gr.Image)
    kind: Any = type(plain)

    def make(cls: Any, *positional: Any, **given: Any) -> Any:
        if cls is switching and given.get("tool") in SKETCHES:
            return sketch_class()(*positional, **given)
        given.pop("tool", None)
        return kind.__call__(cls, *positional, **given)

    def covers(cls: Any, instance: object) -> bool:
        return kind.__instancecheck__(cls, instance) or (cls is switching and isinstance(instance, SketchValues))

    meta = type(kind.__name__, (kind,), {"__call__": make, "__instancecheck__": covers})
    attrs = {"_gradio_class": gr.Image, "__module__": gr.Image.__module__, "__doc__": gr.Image.__doc__}
    switching: Any = meta("Image", (plain,), attrs)
    return switching
