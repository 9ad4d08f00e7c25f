"""Pages of cards in a tab of an extension: `ui_extra_networks.create_ui` and what goes with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from modules.a1111.current import current
from modules.a1111.extra_pages import ExtraNetworksPage
from modules.a1111.gradio3.namespace import old_module
from modules.a1111.types import GradioComponent
from modules.application.card_files import card_pages
from modules.application.cards import CardPage, tag_text
from modules.foundation.plain import JsonObject


class ExtraNetworksUi:
    """The cards that were drawn for `tabname`; a click on one adds to `#TABNAME_prompt`."""

    def __init__(self, tabname: str) -> None:
        self.tabname = tabname
        self.pages: list[GradioComponent] = []
        self.stored_extra_pages: list[CardPage] = []


class _Drawn(ExtraNetworksPage):
    """A page of the program's own, drawn as extensions draw theirs."""

    def __init__(self, page: CardPage) -> None:
        super().__init__(page.title)
        self.id_page, self._page = page.name, page

    def list_items(self) -> Iterator[JsonObject | None]:
        weight = current().app.settings.current.extra_networks_default_multiplier
        for card in self._page.cards():
            text = tag_text(self._page.tag, card.name, {}, weight) if card.prompt is None else card.prompt
            yield {
                "name": card.name,
                "filename": None,
                "preview": card.preview,
                "description": card.description,
                "prompt": json.dumps(text),
                "negative_prompt": json.dumps(card.negative),
                "user_metadata": {},
            }


def create_ui(interface: GradioComponent, unrelated_tabs: Sequence[GradioComponent], tabname: str) -> ExtraNetworksUi:
    """Draw every page of cards, one below another, into the block at hand."""
    gr = old_module("gradio")
    ui = ExtraNetworksUi(tabname)
    ui.stored_extra_pages = card_pages(current().app)
    for page in ui.stored_extra_pages:
        html = page.html(tabname) if page.html is not None else _Drawn(page).create_html(tabname)
        with gr.Accordion(page.title, open=False):
            ui.pages.append(gr.HTML(html, elem_id=f"{tabname}_{page.name}_cards_html"))
    return ui


def setup_ui(ui: ExtraNetworksUi, gallery: GradioComponent) -> None:
    """Nothing: previews are chosen in the dialogs of the cards on the generation tabs."""
