"""Guests of the page: what attachments add to the generation panels, and to the page as a whole."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from modules.foundation.plain import JsonMapping


class PageGuest:
    """One guest. What is not overridden adds nothing.

    Components are gradio's, `tab` is "txt2img" or "img2img", sections are those of the setting `ui_reorder_list`.
    """

    name = ""

    def building(self) -> AbstractContextManager[None]:
        """Entered around the building of the page."""
        return contextlib.nullcontext()

    def draw(self, tab: str, section: str) -> None:
        """Draw what belongs at the end of a section; "scripts" is the last one."""

    def inputs(self, tab: str) -> Sequence[Any]:
        """The components whose values are sent with those of the panel. Asked once all is drawn."""
        return ()

    def keys(self, tab: str) -> Sequence[tuple[str, Any]]:
        """Components with their keys in ui-config.json, by which those of `inputs` are also kept. Once all is drawn."""
        return ()

    def fields(self, tab: str, values: Sequence[object]) -> JsonMapping:
        """Fields of the GenerationRequest that the values of `inputs` make."""
        return {}

    def outputs(self, tab: str) -> Sequence[Any]:
        """The components that may get values from the parameters of a picture."""
        return ()

    def pasted(self, tab: str, parameters: JsonMapping) -> Sequence[Any]:
        """New values of `outputs`, or updates that leave them as they are; `parameters` by label, {} for none."""
        return ()

    def sent(self, tab: str, parameters: JsonMapping) -> Sequence[Any]:
        """The same for a picture that is sent from another tab, with which less goes along."""
        return self.pasted(tab, {})

    def tabs(self) -> Iterable[Any]:
        """Further tabs (`AddedTab`), asked for when the panels are drawn, so that they may refer to them."""
        return ()

    def train_tabs(self, page: Any) -> Callable[[], None] | None:
        """What draws further tabs (`gr.Tab`) of the Train tab, None for none. The panels are drawn by then."""
        return None

    def drawn(self, page: Any) -> None:
        """All is drawn on `page` (a `modules.webui.builder.PageBuilder`): tie events that reach into other tabs."""

    def head(self) -> str:
        """Tags for the head of the document, ahead of all scripts of modules; asked for at each opening."""
        return ""
