"""The pages of cards below the prompts."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from safetensors.numpy import save_file

from tests.webui.conftest import Easel, Watched, seconds_until

pytestmark = pytest.mark.shared_page


def put_lora(data: Path, name: str, width: int = 768, notes: dict[str, object] | None = None) -> None:
    path = data / "models" / "Lora" / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    key = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
    save_file({key: np.zeros((1, width), np.float32)}, path)
    if notes:
        path.with_suffix(".json").write_text(json.dumps(notes), encoding="utf-8")


def open_cards(web: Watched, tab: str, page: str) -> None:
    web.page.click(f"#{tab}_{page}-button")
    web.page.wait_for_selector(f"#{tab}_{page}_extra_refresh")
    web.page.click(f"#{tab}_{page}_extra_refresh")


def test_a_press_on_a_card_puts_its_network_into_the_prompt_and_another_takes_it_out(
    web: Watched, server: Easel
) -> None:
    mark, page = secrets.token_hex(4), web.page
    put_lora(server.data, f"{mark}/old/film{mark}", notes={"activation text": "grainy", "negative text": "sharp"})
    put_lora(server.data, f"{mark}/ink{mark}")
    put_lora(server.data, f"{mark}/large{mark}", 2048)
    put_lora(server.data, f"{mark}/.kept/secret{mark}")
    web.fill("txt2img_prompt", "a house")
    open_cards(web, "txt2img", "lora")
    page.fill("#txt2img_lora_extra_search", mark[:3])
    cards = page.locator("#txt2img_lora_cards .card")
    expect(cards.filter(has_text=f"film{mark}")).to_be_visible()
    # Hidden folders only when four letters are searched, other families not at all until they are asked for.
    expect(cards.filter(has_text=f"secret{mark}")).to_have_count(0)
    page.fill("#txt2img_lora_extra_search", mark)
    expect(cards).to_have_count(3)
    page.click("#txt2img_lora .cards-link")
    expect(cards).to_have_count(4)

    page.click(f"#txt2img_lora_cards .card[data-name='film{mark}']")
    web.wait_value("txt2img_prompt", f"a house <lora:film{mark}:1> grainy")
    web.wait_value("txt2img_neg_prompt", "sharp")
    expect(page.locator("#txt2img_lora_cards .card-main[aria-pressed=true]")).to_have_count(1)
    page.click(f"#txt2img_lora_cards .card[data-name='film{mark}']")
    web.wait_value("txt2img_prompt", "a house")
    web.wait_value("txt2img_neg_prompt", "")

    # By folder, and by the keyboard.
    page.click(f"#txt2img_lora_dirs button:text-is('{mark}/old')")
    expect(cards).to_have_count(1)
    cards.locator(".card-main").focus()
    page.keyboard.press("Enter")
    web.wait_value("txt2img_prompt", f"a house <lora:film{mark}:1> grainy")
    page.click("#txt2img_generation-button")
    assert page.is_visible("#txt2img_steps")
    assert web.errors == []


def test_notes_and_a_picture_are_written_in_the_editor_of_a_card(web: Watched, server: Easel) -> None:
    name, page = f"edited{secrets.token_hex(4)}", web.page
    put_lora(server.data, name)
    page.click("#tab_img2img-button")
    web.fill("img2img_prompt", "")
    open_cards(web, "img2img", "lora")
    page.fill("#img2img_lora_extra_search", name)
    card = page.locator(f"#img2img_lora_cards .card[data-name='{name}']")
    card.hover()
    card.locator(".edit-button").click()
    editor = "#img2img_lora_edit_user_metadata"
    page.fill(f"{editor}_activation_text", "warm light")
    page.fill(f"{editor}_preferred_weight", "0.65")
    page.fill(f"{editor}_description", "<b>for</b> evenings")
    page.click(f"{editor}_save")
    expect(page.locator(editor)).to_be_hidden()
    notes = server.data / "models" / "Lora" / f"{name}.json"
    seconds_until(notes.exists)
    assert json.loads(notes.read_text(encoding="utf-8"))["preferred weight"] == 0.65
    # As text, unless the setting says that it is HTML.
    expect(card.locator(".description")).to_have_text("<b>for</b> evenings")
    card.click()
    web.wait_value("img2img_prompt", f"<lora:{name}:0.65> warm light")
    web.fill("img2img_prompt", "")
    assert web.errors == []


def test_the_card_of_a_checkpoint_chooses_it(web: Watched) -> None:
    page = web.page
    open_cards(web, "txt2img", "checkpoints")
    card = page.locator("#txt2img_checkpoints_cards .card[data-name='tiny']")
    expect(card.locator(".card-main")).to_have_attribute("aria-pressed", "true")
    broken = page.locator("#txt2img_checkpoints_cards .card[data-name='zz-broken']")
    expect(broken.locator(".description")).to_contain_text("zz-broken")
    card.click()
    expect(card.locator(".card-main")).to_have_attribute("aria-pressed", "true")
    page.click("#txt2img_generation-button")
    assert web.errors == []
