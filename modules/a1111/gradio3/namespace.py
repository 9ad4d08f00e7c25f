"""The modules `gradio`, `gradio.components`, ... as extensions import them.

Everything that is not named here is Gradio's own: classes of blocks come derived (`classes.py`), all else as it is.
"""

from __future__ import annotations

import base64
import functools
import importlib
import inspect
import io
from types import ModuleType
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from modules.a1111.gradio3.classes import old_class
from modules.a1111.gradio3.keywords import listener_keywords
from modules.a1111.gradio3.listeners import old_chain
from modules.a1111.gradio3.sketch import image_class, sketch_class
from modules.a1111.gradio3.updates import translating, update
from modules.foundation.picture_file import open_picture
from modules.foundation.plain import JsonMapping, JsonObject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

VERSION = "3.41.2"
"""What A1111 1.10.1 runs on, and so what extensions' comparisons of versions were tried with."""

FORMER_MIXINS = (
    "Blurrable",
    "Changeable",
    "Clearable",
    "Editable",
    "Inputable",
    "Likeable",
    "Playable",
    "Releaseable",
    "Selectable",
    "Streamable",
    "Submittable",
    "Uploadable",
    "Clickable",
    "EventListenerMethod",
)
"""Classes of `gradio.events` that said which events a component has; now each has all of its own."""

FORMER_INPUTS = (
    "Audio",
    "Checkbox",
    "CheckboxGroup",
    "Dataframe",
    "Dropdown",
    "File",
    "Number",
    "Radio",
    "Slider",
    "Textbox",
    "Video",
)
"""Classes that stood in `gradio.inputs` and `gradio.outputs`."""


MISSING: object = object()


class OldModule(ModuleType):
    """A module of Gradio as an extension sees it: `special` names first, then those of the real module."""

    def __init__(self, name: str, real: ModuleType | None, special: JsonMapping) -> None:
        super().__init__(name)
        self.__dict__["_real"], self.__dict__["_special"] = real, special
        if real is not None:
            self.__file__ = getattr(real, "__file__", None)
            self.__path__ = list(getattr(real, "__path__", []))

    def __getattr__(self, name: str) -> Any:
        special: JsonMapping = self.__dict__["_special"]
        if name in special:
            return special[name]
        value = getattr(self.__dict__["_real"], name, MISSING)
        if value is MISSING:
            raise AttributeError(f"{self.__name__} has no {name!r}, neither today's nor Gradio 3's as it is known here")
        if inspect.isclass(value) and issubclass(value, Block):
            return old_class(value)
        if isinstance(value, ModuleType) and value.__name__.startswith("gradio."):
            return old_module(value.__name__)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__["_special"], *dir(self.__dict__["_real"] or ())})


@functools.cache
def old_module(name: str) -> OldModule:
    """`gradio` or one of its submodules, also those that are gone. Raises ImportError for one that never was."""
    special = _special().get(name, {})
    try:
        real = importlib.import_module(name)
    except ImportError:
        if name not in _special():
            raise
        real = None
    return OldModule(name, real, special)


@functools.cache
def _special() -> dict[str, JsonObject]:
    group = old_class(gr.Group)
    components: JsonObject = {
        "IOComponent": old_class(gr.components.Component),
        "Box": group,
        "Variable": old_class(gr.State),
        "Image": image_class(),
        "ImageMask": sketch_class(),
    }
    mixins = {name: type(name, (), {}) for name in FORMER_MIXINS}
    inputs = {name: old_class(getattr(gr, name)) for name in FORMER_INPUTS}
    outputs = {name: old_class(getattr(gr, name)) for name in (*FORMER_INPUTS, "HTML", "JSON", "Label")}
    return {
        "gradio": {
            **components,
            "__version__": VERSION,
            "update": update,
            "on": _on,
            "inputs": _Later("gradio.inputs"),
            "outputs": _Later("gradio.outputs"),
            "strings": ModuleType("gradio.strings"),
            "deprecation": _Later("gradio.deprecation"),
        },
        "gradio.components": components,
        "gradio.components.base": {"IOComponent": components["IOComponent"]},
        "gradio.blocks": {"update": update},
        "gradio.layouts": {"Box": group},
        "gradio.helpers": {"update": update},
        "gradio.events": mixins,
        "gradio.inputs": {**inputs, "Image": components["Image"]},
        "gradio.outputs": {**outputs, "Image": components["Image"]},
        "gradio.deprecation": {"GradioDeprecationWarning": DeprecationWarning, "GradioUnusedKwargWarning": UserWarning},
        "gradio.processing_utils": {
            "decode_base64_to_image": decode_base64_to_image,
            "encode_pil_to_base64": encode_pil_to_base64,
            "encode_array_to_base64": encode_array_to_base64,
            "save_pil_to_file": save_pil_to_file,
        },
        "gradio.strings": {},
    }


class _Later:
    """A module that is made when something of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(old_module(self._name), name)


def _on(*positional: Any, **named: Any) -> Any:
    """gr.on() with Gradio 3's arguments."""
    triggers = positional[0] if positional else named.pop("triggers", None)
    keywords = listener_keywords(positional[1:], named)
    keywords.pop("every", None)
    if callable(keywords.get("fn")):
        keywords["fn"] = translating(keywords["fn"], keywords.get("outputs"))
    return old_chain(gr.on(triggers, **keywords))


# Helpers that Gradio 3 had in `processing_utils`


def decode_base64_to_image(encoding: str) -> Image.Image:
    """A PIL picture from base64, with or without the head of a data URI."""
    content = encoding.split(";", 1)[1].split(",", 1)[1] if encoding.startswith("data:") else encoding
    return open_picture(base64.b64decode(content))


def encode_pil_to_base64(pil_image: Image.Image, format: str = "png") -> str:
    """A PIL picture as a data URI."""
    buffer = io.BytesIO()
    pil_image.save(buffer, format)
    return f"data:image/{format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def encode_array_to_base64(image_array: NDArray[np.uint8]) -> str:
    """A numpy array [H, W, C] of bytes as a data URI."""
    from PIL import Image

    return encode_pil_to_base64(Image.fromarray(image_array))


def save_pil_to_file(pil_image: Image.Image, dir: str | None = None, format: str = "png") -> Any:
    """A PIL picture in a temporary file that stays; the file object has its `name`."""
    import tempfile

    with tempfile.NamedTemporaryFile(delete=False, suffix=f".{format}", dir=dir) as file:
        pil_image.save(file, format=format)
    return file
