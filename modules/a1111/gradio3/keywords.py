"""Keywords of Gradio 3 in today's words: of constructors, of event listeners, of updates."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping

import gradio as gr

from modules.foundation.plain import JsonMapping, JsonObject

log = logging.getLogger(__name__)

OWNER = "__easel_extension__"
"""The global by which a module of an extension says whose it is."""

HIDDEN_CLASS = "easel-hidden"
"""Hides a layout block that stays in the page; Gradio 6 has no such state for rows and columns."""

IGNORED = frozenset(
    {
        "analytics_enabled",
        "brush_color",
        "brush_radius",
        "default",
        "invert_colors",
        "mask_opacity",
        "max_rows",
        "mirror_webcam",
        "optional",
        "overflow_row_behaviour",
        "queue",
        "root_url",
        "shape",
        "show_copy_button",
        "show_download_button",
        "show_share_button",
        "status_tracker",
        "theme",
        "tooltip",
        "type_",
    }
)
"""Keywords that had a meaning once and have none, or one that changes nothing for the person at the page."""

PAGE_PARTS = frozenset({"css", "js", "head"})
"""Arguments of a Blocks that belong to the whole page now."""

RENAMED = {"_js": "js", "source": "sources", "default": "value"}

LISTENER_ORDER = (
    "fn",
    "inputs",
    "outputs",
    "api_name",
    "scroll_to_output",
    "show_progress",
    "queue",
    "batch",
    "max_batch_size",
    "preprocess",
    "postprocess",
    "cancels",
    "every",
    "_js",
)
"""Positional arguments of an event listener in Gradio 3.41."""

VARIANTS = frozenset({"primary", "secondary", "stop", "huggingface"})

_warned: set[tuple[str, str, str]] = set()


def owner_of_caller() -> str:
    """The extension whose code is nearest on the stack; "an extension" where none is."""
    frame = inspect.currentframe()
    while frame is not None:
        owner = frame.f_globals.get(OWNER)
        if owner:
            return str(owner)
        frame = frame.f_back
    return "an extension"


def warn_unknown(what: str, keyword: str) -> None:
    """Say once for each extension that a keyword means nothing to `what`."""
    seen = (owner_of_caller(), what, keyword)
    if seen not in _warned:
        _warned.add(seen)
        log.warning("%s gives %s the argument %r, which it does not have here; it is left out.", *seen)


def constructor_keywords(real: type, name: str, arguments: JsonMapping) -> JsonObject:
    """`arguments` as keywords of the Gradio class `real`. `name` is how the extension calls it."""
    parameters = inspect.signature(real.__init__).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    keywords: JsonObject = {}
    for key, value in arguments.items():
        new = RENAMED.get(key, key) if key not in parameters else key
        if new in parameters:
            keywords.setdefault(new, value)
        elif key in IGNORED:
            continue
        elif takes_any and not key.startswith("_") and (not issubclass(real, gr.Blocks) or key in PAGE_PARTS):
            keywords[key] = value
        else:
            warn_unknown(f"gr.{name}", key)
    return _values_of_today(parameters, keywords)


def _values_of_today(parameters: Mapping[str, inspect.Parameter], keywords: JsonObject) -> JsonObject:
    sources = keywords.get("sources")
    if isinstance(sources, str):
        keywords["sources"] = ["upload" if sources == "canvas" else sources]
    if "choices" in parameters and "value" in parameters:
        # Gradio 3 chose nothing where no value was given; today's chooses the first.
        keywords.setdefault("value", None)
    if "selected_index" in parameters:
        # A gallery of Gradio 3 was not for uploading.
        keywords.setdefault("interactive", False)
    if keywords.get("type") == "file":
        keywords["type"] = "filepath"
    if keywords.get("type") == "bytes":
        keywords["type"] = "binary"
    variant = keywords.get("variant")
    classes = keywords.get("elem_classes")
    if isinstance(classes, tuple | set):
        keywords["elem_classes"] = list(classes)
    if variant is not None and "link" in parameters and variant not in VARIANTS:
        keywords["variant"] = "secondary"
        if variant == "tool":
            keywords["elem_classes"] = ["tool", "written", *([classes] if isinstance(classes, str) else classes or ())]
    return keywords


def listener_keywords(positional: tuple[object, ...], arguments: JsonMapping) -> JsonObject:
    """The arguments of an event listener in today's words, without `every` and `fn`'s translation."""
    keywords = {**dict(zip(LISTENER_ORDER, positional, strict=False)), **arguments}
    keywords.pop("status_tracker", None)
    if "_js" in keywords:
        script = keywords.pop("_js")
        keywords["js"] = keywords.get("js") or script
    if "show_api" in keywords:
        shown = keywords.pop("show_api")
        keywords["api_visibility"] = "public" if shown else "private"
    if keywords.get("api_name") is False:
        del keywords["api_name"]
        keywords["api_visibility"] = "private"
    elif not keywords.get("api_name"):
        # It can be called all the same; described are the endpoints that their authors have named.
        keywords.setdefault("api_visibility", "undocumented")
    if isinstance(keywords.get("show_progress"), bool):
        keywords["show_progress"] = "full" if keywords["show_progress"] else "hidden"
    for key in ("queue", "scroll_to_output", "preprocess", "postprocess", "batch"):
        if keywords.get(key, ...) is None:
            del keywords[key]
    return keywords
