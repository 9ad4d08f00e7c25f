"""The dialog of the styles: written, renamed, deleted, copied from the prompts, told of when a file is broken."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import expect

from tests.webui.conftest import Easel, Watched, seconds_until

pytestmark = pytest.mark.shared_page


def choose(web: Watched, elem_id: str, name: str) -> None:
    """Choose from a dropdown by typing, as people do for a name that may be new."""
    box = web.page.locator(f"#{elem_id} input")
    box.click()
    box.fill(name)
    box.press("Enter")


def test_a_style_is_made_of_the_prompts_renamed_applied_and_deleted(web: Watched, server: Easel) -> None:
    name = f"style {secrets.token_hex(4)}"
    file, page = server.data / "styles.csv", web.page
    web.fill("txt2img_prompt", f"{{prompt}}, {name} light")
    web.fill("txt2img_neg_prompt", "grey, dull")
    page.click("#txt2img_styles_edit_button")
    choose(web, "txt2img_styles_edit_select", name)
    web.wait_value("txt2img_edit_style_name", name)
    page.click("#txt2img_style_copy")
    web.wait_value("txt2img_edit_style_neg_prompt", "grey, dull")
    page.click("#txt2img_edit_style_save")
    web.wait_text("txt2img_edit_style_message", "Saved in styles.csv")
    assert f'{name},"{{prompt}}, {name} light","grey, dull"' in file.read_text(encoding="utf-8")

    web.fill("txt2img_edit_style_name", f"{name} two")
    page.click("#txt2img_edit_style_save")
    seconds_until(lambda: f"\n{name} two," in file.read_text(encoding="utf-8"))
    assert f"\n{name}," not in file.read_text(encoding="utf-8")
    page.keyboard.press("Escape")
    assert not page.is_visible("#txt2img_styles_dialog")

    # The other tab has it at once.
    page.click("#tab_img2img-button")
    web.fill("img2img_prompt", "a barn")
    choose(web, "img2img_styles", f"{name} two")
    page.click("#img2img_style_apply")
    web.wait_value("img2img_prompt", f"a barn, {name} light")

    page.click("#tab_txt2img-button")
    page.click("#txt2img_styles_edit_button")
    choose(web, "txt2img_styles_edit_select", f"{name} two")
    web.wait_value("txt2img_edit_style_neg_prompt", "grey, dull")
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#txt2img_edit_style_delete")
    web.wait_text("txt2img_edit_style_message", "is deleted")
    assert name not in file.read_text(encoding="utf-8")
    assert "Night" in file.read_text(encoding="utf-8-sig")
    page.click("#txt2img_edit_style_close")
    expect(page.locator("#txt2img_styles_edit_button")).to_be_focused()
    assert web.errors == []


def test_what_cannot_be_saved_is_said_in_the_dialog_and_what_was_typed_stays(web: Watched) -> None:
    page = web.page
    page.click("#txt2img_styles_edit_button")
    web.fill("txt2img_edit_style_name", "#no style")
    web.fill("txt2img_edit_style_prompt", "words that stay")
    page.click("#txt2img_edit_style_save")
    web.wait_text("txt2img_edit_style_message", "cannot be called")
    assert web.value("txt2img_edit_style_prompt") == "words that stay"
    # The keyboard stays in the dialog.
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#txt2img_styles_dialog') !== null")
    page.keyboard.press("Escape")
    page.click("#txt2img_styles_edit_button")
    assert web.value("txt2img_edit_style_prompt") == "words that stay"
    assert web.errors == []
