"""The Checkpoint Merger and Models tabs in a browser: the recipe told, made and chosen; what is there, and why not."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import expect

from tests.webui.conftest import PATIENCE, Watched

pytestmark = pytest.mark.shared_page


@pytest.fixture
def web(web: Watched) -> Watched:
    web.page.set_default_timeout(PATIENCE * 1000)
    return web


def test_a_merge_is_told_as_a_formula_made_and_chosen(web: Watched) -> None:
    page, name = web.page, f"merged-{secrets.token_hex(4)}"
    page.click("#tab_modelmerger-button")
    web.wait_text("modelmerger_interp_description", "Choose a model A")
    page.click("#modelmerger_merge")
    web.wait_text("modelmerger_note_models", "needs a model A")
    for which in ("primary", "secondary"):
        page.click(f"#modelmerger_{which}_model_name input")
        page.locator("ul[role=listbox] li", has_text="tiny.safetensors").first.click()
    web.wait_text("modelmerger_interp_description", "tiny × 0.7 + tiny × 0.3")
    web.fill("modelmerger_discard_weights", "(")
    page.click("#modelmerger_merge")
    expect(page.locator("#modelmerger_note_discard_weights .note.error")).to_be_visible(timeout=PATIENCE * 1000)
    web.fill("modelmerger_discard_weights", "")
    web.fill("modelmerger_custom_name", name)
    page.check("#modelmerger_choose_result input")
    page.click("#modelmerger_merge")
    web.wait_text("modelmerger_result", f"{name}.safetensors:")
    expect(page.locator("#setting_sd_model_checkpoint input")).to_have_value(
        re.compile(rf"^{name}\.safetensors"), timeout=PATIENCE * 1000
    )
    # The models stay chosen, also where their titles have got hashes meanwhile.
    expect(page.locator("#modelmerger_secondary_model_name input")).to_have_value(re.compile("^tiny.safetensors"))
    page.click("#setting_sd_model_checkpoint input")
    page.locator("ul[role=listbox] li", has_text="tiny.safetensors").first.click()
    page.uncheck("#modelmerger_choose_result input")
    assert web.errors == []


def test_model_files_are_listed_searched_and_broken_ones_say_why(web: Watched) -> None:
    page = web.page
    page.click("#tab_models-button")
    rows = page.locator(".virtual-row")
    expect(rows.filter(has_text="tiny").first).to_be_visible(timeout=PATIENCE * 1000)
    page.fill("#models_search", "zz-broken")
    expect(rows).to_have_count(1, timeout=PATIENCE * 1000)
    expect(rows.first).to_have_attribute("data-broken", "")
    page.fill("#models_search", "no such file anywhere")
    expect(page.locator(".models-empty")).to_contain_text("No file fits")
    page.fill("#models_search", "")
    page.select_option("#models_kind", "checkpoint")
    page.select_option("#models_state", "false")
    expect(rows.filter(has_text="zz-broken")).to_have_count(0)
    page.click("text=Unload the checkpoint")
    expect(page.locator(".notice", has_text="out of memory")).to_be_visible(timeout=PATIENCE * 1000)
    page.click(".models-downloads summary")
    page.fill("#models_url", "ftp://127.0.0.1/nothing.safetensors")
    page.click(".models-form button")
    expect(page.locator(".models-form .note.error")).to_be_visible(timeout=PATIENCE * 1000)
    page.fill("#models_url", "http://127.0.0.1:1/nothing.safetensors")
    page.click(".models-form button")
    expect(page.locator('.models-download[data-state="failed"]')).to_have_count(1, timeout=PATIENCE * 1000)
    # The first address was refused by the server, as it should be.
    assert [each for each in web.errors if "models/download" not in each] == []
