"""Pages of cards in a tab of an extension: `ui_extra_networks.create_ui` and what goes with it."""

from __future__ import annotations

from collections.abc import Sequence

from modules.a1111.current import current
from modules.a1111.gradio3.namespace import old_module
from modules.a1111.program_cards import ProgramPage
from modules.a1111.types import GradioComponent
from modules.application.card_files import card_pages
from modules.application.cards import CardPage


class ExtraNetworksUi:
    """The cards that were drawn for `tabname`; a click on one adds to `#TABNAME_prompt`."""

    def __init__(self, tabname: str) -> None:
        self.tabname = tabname
        self.pages: list[GradioComponent] = []
        self.stored_extra_pages: list[CardPage] = []


def create_ui(interface: GradioComponent, unrelated_tabs: Sequence[GradioComponent], tabname: str) -> ExtraNetworksUi:
    """Draw every page of cards, one below another, into the block at hand."""
    gr = old_module("gradio")
    ui = ExtraNetworksUi(tabname)
    ui.stored_extra_pages = card_pages(current().app)
    for page in ui.stored_extra_pages:
        html = page.html(tabname) if page.html is not None else ProgramPage(page).create_html(tabname)
        with gr.Accordion(page.title, open=False):
            ui.pages.append(gr.HTML(html, elem_id=f"{tabname}_{page.name}_cards_html"))
    return ui


def setup_ui(ui: ExtraNetworksUi, gallery: GradioComponent) -> None:
    """Nothing: previews are chosen in the dialogs of the cards on the generation tabs."""
