"""Pages of cards of extensions, as they come to stand beside Easel's own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import gradio as gr
import torch
from safetensors.torch import save_file

from modules.a1111.cards_elsewhere import create_ui
from modules.a1111.extra_pages import show_pages
from modules.application.card_files import card_pages
from modules.foundation.plain import JsonObject
from tests.a1111.test_extensions import begun
from tests.extension_host.test_host import make

PAGE = """
from modules.script_callbacks import on_before_ui
from modules.ui_extra_networks import ExtraNetworksPage, quote_js, register_page

class Own(ExtraNetworksPage):
    def __init__(self):
        super().__init__("My Words")
        self.allow_negative_prompt = True
    def list_items(self):
        yield {"name": "plain", "prompt": quote_js('a "cat"'), "sort_keys": {"date_modified": "x"}}
        yield {"name": "joined", "prompt": '"<lora:x:" + opts.extra_networks_default_multiplier + ">"'}
        yield {"name": "own", "onclick": '"return mine(&quot;x&quot;)"'}
        yield None

class Taken(Own):
    def __init__(self):
        super().__init__()
        self.title, self.id_page = "Lora", "lora"

on_before_ui(lambda: (register_page(Own()), register_page(Taken())))
"""


def test_an_extension_draws_the_cards_into_a_tab_of_its_own(tmp_path: Path) -> None:
    make(tmp_path, "words", scripts__words_dot_py=PAGE)
    app, dialect = begun(tmp_path)
    try:
        dialect.callbacks.call("before_ui")
        show_pages(app, lambda title, why: None)
        lora = app.paths.lora / "film.safetensors"
        lora.parent.mkdir(parents=True)
        save_file({"lora_unet_x.alpha": torch.zeros(1)}, lora)
        app.networks.refresh()

        async def draw() -> dict[str, str]:
            with gr.Blocks() as page:
                create_ui(page, [], "mine")
            return {str(each.elem_id): str(each.value) for each in page.blocks.values() if isinstance(each, gr.HTML)}

        drawn = asyncio.run(draw())
        assert "cardClicked(&quot;mine&quot;, &quot;&lt;lora:film:1&gt;&quot;" in drawn["mine_lora_cards_html"]
        assert 'id="mine_my_words_cards"' in drawn["mine_my_words_cards_html"]
    finally:
        dialect.close()
        app.close()


def test_pages_of_extensions_show_their_cards_beside_easels_own(tmp_path: Path) -> None:
    make(tmp_path, "words", scripts__words_dot_py=PAGE)
    app, dialect = begun(tmp_path)
    try:
        own = [page.name for page in card_pages(app)]
        dialect.callbacks.call("before_ui")
        failed: list[tuple[str, str]] = []
        for _ in range(2):
            show_pages(app, lambda title, why: failed.append((title, why)))
        added = [page for page in card_pages(app) if page.name not in own]
        assert [(page.name, page.title, page.takes_negative) for page in added] == [("my_words", "My Words", True)]
        plain, joined, clicked = added[0].cards()
        assert (plain.prompt, plain.script) == ('a "cat"', None)
        assert joined.script is not None
        assert joined.script.startswith('cardClicked(easelTab(), "<lora:x:" + opts.')
        assert clicked.script == 'return mine("x")'
        assert {title for title, _ in failed} == {"Lora"}
    finally:
        dialect.close()
        app.close()


LISTING = """
import sys
from modules import script_callbacks, scripts

def cards():
    sys.path.append("extensions-builtin")
    from Lora.ui_extra_networks_lora import ExtraNetworksPageLora
    sys.path.remove("extensions-builtin")
    from modules.ui_extra_networks_textual_inversion import ExtraNetworksPageTextualInversion
    from modules.ui_extra_networks_checkpoints import ExtraNetworksPageCheckpoints
    kinds = (ExtraNetworksPageLora, ExtraNetworksPageTextualInversion, ExtraNetworksPageCheckpoints)
    return [[item for item in kind().list_items() if item] for kind in kinds]

script_callbacks.on_list_unets(lambda found: found.append(cards()))
"""


def test_an_extension_lists_the_programs_cards_by_the_classes_of_their_pages(tmp_path: Path) -> None:
    make(tmp_path, "listing", scripts__listing_dot_py=LISTING)
    app, dialect = begun(tmp_path)
    try:
        lora = app.paths.lora / "sub" / "film.safetensors"
        lora.parent.mkdir(parents=True)
        save_file({"lora_unet_x.alpha": torch.zeros(1)}, lora)
        app.networks.refresh()
        found: list[list[list[JsonObject]]] = []
        dialect.callbacks.call("list_unets", found)
        assert dialect.errors == {}
        (card,), embeddings, _ = found[0]
        assert card["name"] == "film"
        assert card["filename"] == str(lora)
        assert card["prompt"] == '"<lora:film:1>"'
        assert card["search_terms"] == ["/sub/film.safetensors"]
        assert embeddings == []
    finally:
        dialect.close()
        app.close()
