"""The places of the pages of cards below the prompts: empty until static/cards/ fills the one that is opened."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr

from modules.application.cards import CardPage
from modules.webui.tab_bar import Tab, tab_bar, tab_rules

GENERATION = "generation"
"""The name of the tab that is no page of cards: the controls and the pictures."""


def card_tabs(tab: str, pages: Sequence[CardPage]) -> list[Tab]:
    """The tabs below the prompts of `tab`."""
    own = Tab(name=GENERATION, label="Generation", elem_id=f"{tab}_{GENERATION}")
    return [own, *(Tab(name=page.name, label=page.title, elem_id=f"{tab}_{page.name}") for page in pages)]


def card_rules(tab: str, pages: Sequence[CardPage]) -> str:
    """The style rules that show the chosen one."""
    return tab_rules(_group(tab), card_tabs(tab, pages))


def draw_card_tabs(tab: str, pages: Sequence[CardPage]) -> None:
    """Draw the bar that chooses among them."""
    tab_bar(_group(tab), card_tabs(tab, pages), "Generation, or cards to add to the prompt")


def draw_card_places(tab: str, pages: Sequence[CardPage]) -> None:
    """Draw the place of each page."""
    places = "".join(_place(f"{tab}_{html.escape(page.name, quote=True)}", page) for page in pages)
    # Scripts of A1111's extensions write a file's name there and press the button: the card gets the gallery's picture.
    helpers = (
        f'<div id="{tab}_preview_filename" hidden><textarea aria-label="File of a card\'s picture"></textarea></div>'
        f'<button type="button" id="{tab}_save_preview" hidden>Use the picture</button>'
    )
    gr.HTML(places + helpers, elem_classes=["cards-places"], apply_default_css=False)


def _place(elem_id: str, page: CardPage) -> str:
    own = ' data-own="yes"' if page.html else ""
    return (
        f'<div id="{elem_id}" class="cards-area tabitem" role="tabpanel" aria-label="{html.escape(page.title)}">'
        f'<div id="{elem_id}_prompts"></div><div id="{elem_id}_cards_html"{own}></div>'
        f'<button type="button" id="{elem_id}_extra_refresh_internal" hidden>Refresh</button>'
        f'<div id="{elem_id}_edit_user_metadata" hidden></div>'
        f'<div id="{elem_id}_edit_user_metadata_name" hidden><textarea aria-label="Name of a card"></textarea></div>'
        f'<button type="button" id="{elem_id}_edit_user_metadata_button" hidden>Edit</button></div>'
    )


def _group(tab: str) -> str:
    return f"{tab}_extra_tabs"
