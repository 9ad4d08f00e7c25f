"""Tabs of extensions: those of on_ui_tabs, and on_ui_train_tabs within the tabs of training."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from gradio.context import Context

from modules.a1111.callbacks import UiTrainTabParams
from modules.application.registries import AddedTab
from modules.webui.builder import PageBuilder

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect

PREVIEW_CONTROLS = ("prompt", "negative_prompt", "steps", "sampler", "cfg_scale", "seed", "width", "height")
"""The controls of txt2img whose values previews of a training are made with."""


def added_tabs(dialect: A1111Dialect, page_parts: dict[str, list[str]]) -> Iterator[AddedTab]:
    """on_ui_tabs: each returns its tabs as (blocks, title, id). What Blocks add to the page goes to `page_parts`."""
    made: list[Any] = []
    with _outside_the_page():
        for answer in dialect.callbacks.call("ui_tabs"):
            made += answer or ()
    for number, (blocks, title, elem_id) in enumerate(made):
        for part, value in getattr(blocks, "page_parts", {}).items():
            if isinstance(value, str):
                page_parts[part].append(value)
        yield AddedTab(
            name=_attribute_value(elem_id, number), label=str(title), build=lambda page, it=blocks: it.render()
        )


def draw_train_tabs(dialect: A1111Dialect, page: PageBuilder) -> None:
    """on_ui_train_tabs, to be called within tabs of the Train tab."""
    controls = page.panels["txt2img"].controls
    dialect.callbacks.call("ui_train_tabs", UiTrainTabParams([controls[name] for name in PREVIEW_CONTROLS]))


@contextlib.contextmanager
def _outside_the_page() -> Generator[None]:
    """Let extensions make Blocks of their own, which are not part of what is being drawn."""
    root, block = Context.root_block, Context.block
    Context.root_block = Context.block = None
    try:
        yield
    finally:
        Context.root_block, Context.block = root, block


def _attribute_value(elem_id: object, number: int) -> str:
    name = "".join(each if each.isalnum() or each in "_-" else "_" for each in str(elem_id or f"extension_{number}"))
    return html.escape(name)
