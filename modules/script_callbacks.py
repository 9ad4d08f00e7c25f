"""Doorway: `modules.script_callbacks`; each `on_...` has a function called at that moment."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from modules.a1111.callbacks import (
    MOMENTS,
    AfterCFGCallbackParams,
    BeforeTokenCounterParams,
    CFGDenoisedParams,
    CFGDenoiserParams,
    ExtraNoiseParams,
    ImageGridLoopParams,
    ImageSaveParams,
    ScriptCallback,
    UiTrainTabParams,
)
from modules.a1111.current import current

__all__ = [
    "AfterCFGCallbackParams",
    "BeforeTokenCounterParams",
    "CFGDenoisedParams",
    "CFGDenoiserParams",
    "ExtraNoiseParams",
    "ImageGridLoopParams",
    "ImageSaveParams",
    "ScriptCallback",
    "UiTrainTabParams",
    "clear_callbacks",
    "remove_callbacks_for_function",
    "remove_current_script_callbacks",
]


def remove_callbacks_for_function(callback_func: Callable[..., Any]) -> None:
    """Call a function no more, at whatever moment."""
    current().callbacks.remove_function(callback_func)


def remove_current_script_callbacks() -> None:
    """Call the functions of the extension that asks no more."""
    current().callbacks.remove_of_file(current().loader.basedir())


INVOKED = {"app_reload_callback": "before_reload"}
"""Functions that call a moment, where they are not called like it."""


def clear_callbacks() -> None:
    """Call nothing any more."""
    current().callbacks.clear()


def __getattr__(name: str) -> Any:
    moment = name.removeprefix("on_")
    if name.startswith("on_") and moment in MOMENTS:

        def register(callback: Callable[..., Any], *, name: str | None = None) -> None:
            current().callbacks.add(moment, callback, name)

        return register
    if name.endswith("_callback") and (called := INVOKED.get(name, name.removesuffix("_callback"))) in MOMENTS:
        return functools.partial(current().callbacks.call, called)
    if name == "callback_map":
        return {f"callbacks_{moment}": list(current().callbacks.of(moment)) for moment in MOMENTS}
    raise AttributeError(f"module 'modules.script_callbacks' has no attribute {name!r}")
