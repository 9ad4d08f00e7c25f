"""What helps with writing prompts: completion while typing, notes in the corner, and the panel of tools."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import expect

from tests.webui.conftest import Easel, Watched

pytestmark = pytest.mark.shared_page


def test_a_tag_is_completed_while_it_is_typed_and_taken_back(web: Watched, server: Easel) -> None:
    tag = f"tag{secrets.token_hex(3)}"
    (server.data / "tags").mkdir(exist_ok=True)
    (server.data / "tags" / f"{tag}.csv").write_text(f'{tag}_hair,0,9000,"other{tag}"\n{tag}_eyes_(x),4,100\n')
    page, list_ = web.page, web.page.locator(".prompt-completion")
    box = page.locator("#txt2img_prompt textarea")
    box.fill("")
    box.press_sequentially(f"1girl, {tag}")
    expect(list_.locator("li")).to_have_count(2)
    expect(list_.locator("li").first).to_contain_text("9.0k")
    assert list_.locator("li").nth(1).get_attribute("data-category") == "character"
    # Nothing is chosen yet: Enter is a line break, and closes the list with the word.
    box.press("ArrowDown")
    box.press("ArrowDown")
    expect(list_.locator("li").nth(1)).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == "prompt_completion_1"
    box.press("Enter")
    expect(box).to_have_value(f"1girl, {tag} eyes \\(x\\), ")
    expect(list_).to_have_count(0)
    box.press_sequentially(f"other{tag}")
    expect(list_).to_contain_text(f"← other{tag}")
    box.press("Tab")
    expect(box).to_have_value(f"1girl, {tag} eyes \\(x\\), {tag} hair, ")
    expect(box).to_be_focused()
    box.press("Control+z")
    expect(box).to_have_value(f"1girl, {tag} eyes \\(x\\), other{tag}")
    # Escape closes the list and nothing else; a finger takes what it touches.
    box.press_sequentially(f", {tag}")
    expect(list_).to_be_visible()
    box.press("Escape")
    expect(list_).to_have_count(0)
    box.press_sequentially("_h")
    list_.locator("li").first.click()
    expect(box).to_have_value(f"1girl, {tag} eyes \\(x\\), other{tag}, {tag} hair, ")
    assert web.errors == []
    (server.data / "tags" / f"{tag}.csv").unlink()


def test_a_style_brings_its_words_for_both_prompts(web: Watched) -> None:
    page = web.page
    page.click("#tab_img2img-button")
    box = page.locator("#img2img_prompt textarea")
    box.fill("")
    box.press_sequentially("a barn, Nigh")
    page.locator(".prompt-completion li[data-category=style]", has_text="Night").click()
    expect(box).to_have_value("a barn, night sky, ")
    web.wait_value("img2img_neg_prompt", "day")
    assert web.errors == []


def test_notes_are_counted_in_the_corner_and_show_their_place(web: Watched) -> None:
    page = web.page
    box = page.locator("#txt2img_prompt textarea")
    box.fill("blue eyes, eyes closed, (open")
    count = page.locator("#txt2img_prompt_row .prompt-notes-count")
    expect(count).to_be_visible()
    height = page.locator("#txt2img_prompt_row").bounding_box()
    count.click()
    assert page.locator("#txt2img_prompt_row").bounding_box() == height  # nothing moves
    page.click("#txt2img_prompt_row .prompt-notes button:has-text('closed nowhere')")
    chosen = box.evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)")
    assert chosen == "("
    box.fill("gloves")
    expect(count).to_be_hidden()
    negative = page.locator("#txt2img_neg_prompt textarea")
    negative.fill("bad hands, hands")  # what the other prompt says counts, too
    expect(count).to_have_text("1 note")
    negative.fill("")
    expect(count).to_be_hidden()
    with page.expect_request("**/prompts/notes"):  # which networks fit is another question with another model
        page.evaluate("easel.checkpointChanged()")
    assert web.errors == []


def test_tools_work_on_what_is_selected_and_the_builder_writes(web: Watched) -> None:
    page = web.page
    box = page.locator("#txt2img_prompt textarea")
    box.fill("lowres, text, lowres")
    box.evaluate("box => box.setSelectionRange(0, 12)")
    page.click("#txt2img_prompt_tools")
    page.click("#prompt_tools_weigh")
    expect(box).to_have_value("(lowres:0.9), (text:0.9), lowres")
    box.evaluate("box => box.setSelectionRange(0, 0)")
    page.click("#prompt_tools_deduplicate")
    expect(box).to_have_value("(lowres:0.9), (text:0.9)")
    box.press("Control+z")
    expect(box).to_have_value("(lowres:0.9), (text:0.9), lowres")

    box.fill("a [young:old:0.2] face, [cat:dog:0.7]")
    box.evaluate("box => box.setSelectionRange(25, 25)")
    slider = page.get_by_label("From this share of the steps")
    expect(slider).to_have_value("0.7")  # it follows the caret
    slider.focus()
    slider.press("ArrowRight")
    expect(box).to_have_value("a [young:old:0.2] face, [cat:dog:0.71]")
    box.focus()
    box.evaluate("box => box.setSelectionRange(5, 5)")
    expect(slider).to_have_value("0.2")
    slider.press("ArrowLeft")
    expect(box).to_have_value("a [young:old:0.19] face, [cat:dog:0.71]")
    page.get_by_label("Then").fill("ancient")
    slider.press("ArrowLeft")
    expect(box).to_have_value("a [young:ancient:0.18] face, [cat:dog:0.71]")

    page.click("#prompt_tools_builder")
    page.select_option(".prompt-tools-part select >> nth=1", "ko")
    expect(page.locator(".prompt-tools-part")).to_contain_text("머리")
    page.click(".prompt-tools-chips button[data-name=hanbok]")
    page.uncheck(".prompt-tools-part .prompt-tools-row label:has-text('Quality words') input")
    expect(page.locator(".prompt-tools-preview")).to_have_text("random color eyes, hanbok")
    page.click("button:has-text('Replace the prompt')")
    expect(box).to_have_value("random color eyes, hanbok")

    page.click("#prompt_tools_sizes")
    page.click(".prompt-tools-sizes button:has-text('512 × 768')")
    web.wait_value("txt2img_height", "768")
    page.click("#prompt_tools_price")
    expect(page.locator("#prompt_tools_price + output")).to_contain_text("Anlas")
    page.keyboard.press("Escape")
    expect(page.locator("#prompt_tools_panel")).to_have_count(0)
    expect(page.locator("#txt2img_prompt_tools")).to_be_focused()
    web.fill("txt2img_height", 64)
    assert web.errors == []


def test_steps_beyond_the_slider_can_be_typed(web: Watched, server: Easel) -> None:
    web.fill("txt2img_steps", 9999)
    web.wait_value("txt2img_steps", "4000")
    web.fill("txt2img_steps", 151)
    assert web.page.get_attribute("#txt2img_steps input[type=range]", "max") == "150"
    before = len(server.pictures())
    web.generate()
    assert len(server.pictures()) == before + 1
    web.wait_text("html_info_txt2img", "Steps: 151")
    web.fill("txt2img_steps", 4)
    assert web.errors == []
