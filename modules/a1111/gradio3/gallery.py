"""The values of Gradio 3's galleries: for each picture a dict with its file, beside it the caption if there is one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast


def files_of(preprocess: Callable[..., Any]) -> Callable[..., Any]:
    """`preprocess` of today's gallery, giving event functions `{"name": PATH, "data": URL, "is_file": True}` each."""

    @functools.wraps(preprocess)
    def read(self: Any, payload: Any) -> list[Any]:
        shown: Sequence[tuple[Any, str | None]] = preprocess(self, payload) or ()
        return [_old_entry(media, caption) for media, caption in shown]

    return read


def _old_entry(media: Any, caption: str | None) -> Any:
    if not isinstance(media, str):
        return media if caption is None else [media, caption]
    file = {"name": media, "data": f"file={media}", "is_file": True}
    return file if caption is None else [file, caption]


def taking_files(postprocess: Callable[..., Any]) -> Callable[..., Any]:
    """`postprocess` of today's gallery, which also takes what Gradio 3's gave to event functions."""

    @functools.wraps(postprocess)
    def show(self: Any, value: Any) -> Any:
        return postprocess(self, [_new_entry(each) for each in value] if isinstance(value, list | tuple) else value)

    return show


def _new_entry(entry: Any) -> Any:
    if isinstance(entry, dict) and "name" in entry:
        return cast(dict[str, Any], entry)["name"]
    if isinstance(entry, list | tuple) and len(entry) == 2:
        return (_new_entry(entry[0]), entry[1])
    return entry
