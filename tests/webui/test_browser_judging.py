"""Pictures judged by keys and counted; what the next one takes is told below Generate."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import expect

from tests.webui.conftest import Watched

pytestmark = pytest.mark.shared_page


def test_a_picture_is_marked_in_the_viewer_and_counted_in_the_history(web: Watched) -> None:
    page, word = web.page, f"judged{secrets.token_hex(3)}"
    web.fill("txt2img_prompt", word)
    web.fill("txt2img_cfg_scale", 5)
    web.generate()
    expect(page.locator("#txt2img_estimate")).to_contain_text("About ", timeout=30_000)
    page.wait_for_selector("#txt2img_gallery .preview .media-button")
    page.click("#txt2img_gallery .preview .media-button")
    page.wait_for_selector("#lightboxModal img[src]")
    page.keyboard.press("g")
    expect(page.locator("#easel_notices")).to_contain_text("Marked: good")
    page.keyboard.press("Escape")
    web.fill("txt2img_cfg_scale", 6)
    web.generate()

    page.click("#tab_history-button")
    page.locator("#easel_history input[type=search], #easel_history input").first.fill(word)
    cells = page.locator("#easel_history [data-index]")
    expect(cells).to_have_count(2)
    page.click(".history-actions button:has-text('Count')")
    table = page.locator(".history-tally table")
    expect(table).to_contain_text("CFG scale")
    expect(table).to_contain_text("1 good of 1")
    page.click(".history-tally button:has-text('Close')")
    # The newest is first; its key marks it, and the same key takes that back.
    cells.first.click()
    page.keyboard.press("b")
    expect(cells.first).to_contain_text("bad")
    assert web.errors == []
