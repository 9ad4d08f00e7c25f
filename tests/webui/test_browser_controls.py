"""What fills the controls: pasted parameters, dropped pictures, styles, small buttons and the keyboard."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.webui.conftest import Easel, Watched, open_page, seconds_until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.shared_page


def test_parameters_in_the_prompt_are_read_by_the_arrow(web: Watched) -> None:
    web.fill(
        "txt2img_prompt",
        "a dog\nNegative prompt: cat\nSteps: 33, Sampler: Euler a, Schedule type: Karras, CFG scale: 5.5, Seed: 77, "
        "Size: 256x320, Variation seed: 5, Variation seed strength: 0.25, Clip skip: 2",
    )
    web.page.click("#paste")
    web.wait_value("txt2img_prompt", "a dog")
    expected = {
        "txt2img_neg_prompt": "cat",
        "txt2img_steps": "33",
        "txt2img_sampling": "Euler a",
        "txt2img_scheduler": "Karras",
        "txt2img_cfg_scale": "5.5",
        "txt2img_seed": "77",
        "txt2img_width": "256",
        "txt2img_height": "320",
        "txt2img_subseed": "5",
        "txt2img_subseed_strength": "0.25",
    }
    for elem_id, value in expected.items():
        web.wait_value(elem_id, value)
    web.wait_text("txt2img_override_settings", "Clip skip: 2")
    assert web.page.is_visible("#txt2img_seed_extras")


def test_with_an_empty_prompt_the_arrow_brings_back_the_last_picture(web: Watched) -> None:
    web.fill("txt2img_prompt", "the last one")
    web.fill("txt2img_seed", 808)
    web.generate()
    web.wait_text("html_info_txt2img", "Seed: 808")
    open_page(web)
    web.page.click("#paste")
    web.wait_value("txt2img_prompt", "the last one")
    web.wait_value("txt2img_seed", "808")


def drop(page: Page, selector: str, content: bytes) -> None:
    """Drop a PNG on an element."""
    page.evaluate(
        """([selector, content]) => {
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], 'dropped.png', { type: 'image/png' }));
            for (const type of ['dragenter', 'dragover', 'drop']) {
                const event = new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
                document.querySelector(selector).dispatchEvent(event);
            }
        }""",
        [selector, base64.b64encode(content).decode()],
    )


def test_pictures_dropped_on_the_prompt_restore_their_settings_one_after_the_other(web: Watched, server: Easel) -> None:
    made: list[bytes] = []
    for seed in (611, 612):
        web.fill("txt2img_prompt", f"picture {seed}")
        web.fill("txt2img_seed", seed)
        web.generate()
        web.wait_text("html_info_txt2img", f"Seed: {seed}")
        seconds_until(lambda seed=seed: any(path.name.endswith(f"-{seed}.png") for path in server.pictures()))
        made.append(next(path for path in server.pictures() if path.name.endswith(f"-{seed}.png")).read_bytes())
    web.fill("txt2img_prompt", "something else")
    for seed, content in zip((611, 612), made, strict=True):
        drop(web.page, "#txt2img_prompt textarea", content)
        web.wait_value("txt2img_prompt", f"picture {seed}")
        web.wait_value("txt2img_seed", str(seed))


def test_a_file_dropped_where_nothing_takes_it_leaves_the_page_where_it_is(web: Watched) -> None:
    web.page.evaluate("addEventListener('drop', (event) => { window.dropTaken = event.defaultPrevented })")
    drop(web.page, "#txt2img_settings", b"some file")
    expect(web.page.locator("#easel_notices")).to_contain_text("Nothing takes a file here")
    assert web.page.evaluate("window.dropTaken") is True


def test_styles_are_written_into_the_prompts(web: Watched) -> None:
    web.fill("txt2img_prompt", "a house")
    web.page.click("#txt2img_styles input")
    web.page.click("#txt2img_styles li:has-text('Night')")
    web.page.keyboard.press("Escape")
    web.page.click("#txt2img_style_apply")
    web.wait_value("txt2img_prompt", "a house, night sky")
    web.wait_value("txt2img_neg_prompt", "day")


def test_what_is_asked_while_the_stream_of_answers_ends_is_answered_all_the_same(web: Watched) -> None:
    ended: list[str] = []

    def end_at_once(route: Route) -> None:
        # The server found nothing to answer, and sent the end, just before the press came.
        ended.append(route.request.url)
        route.fulfill(content_type="text/event-stream", body='data: {"msg": "close_stream"}\n\n')

    web.fill("txt2img_prompt", "a house")
    web.wait_text("txt2img_token_counter", "2/75")
    web.page.click("#txt2img_styles input")
    web.page.click("#txt2img_styles li:has-text('Night')")
    web.page.keyboard.press("Escape")
    web.page.evaluate("easel.keepNow()")
    web.page.wait_for_timeout(500)  # all that follows from it is over
    web.page.route("**/queue/data?**", end_at_once, times=1)
    web.page.click("#txt2img_style_apply")
    web.wait_value("txt2img_prompt", "a house, night sky")
    assert len(ended) == 1


def test_tokens_are_counted_as_one_types(web: Watched) -> None:
    web.wait_text("txt2img_token_counter", "0/75")
    web.fill("txt2img_prompt", "a red house")
    web.wait_text("txt2img_token_counter", "3/75")
    web.fill("txt2img_neg_prompt", ", ".join(["rain"] * 60))
    web.wait_text("txt2img_negative_token_counter", "119/150")


def test_the_sizes_are_swapped_and_the_prompts_cleared(web: Watched) -> None:
    web.fill("txt2img_width", 128)
    web.page.click("#txt2img_res_switch_btn")
    web.wait_value("txt2img_height", "128")
    web.wait_value("txt2img_width", "64")
    web.fill("txt2img_prompt", "words")
    web.page.once("dialog", lambda dialog: dialog.accept())
    web.page.click("#txt2img_clear_prompt")
    web.wait_value("txt2img_prompt", "")


def test_the_keyboard_changes_the_weight_of_a_word(web: Watched) -> None:
    web.fill("txt2img_prompt", "a red house")
    box = web.page.locator("#txt2img_prompt textarea")
    box.evaluate("(box) => { box.focus(); box.setSelectionRange(3, 3); }")
    web.page.keyboard.press("Control+ArrowUp")
    web.wait_value("txt2img_prompt", "a (red:1.1) house")
    web.page.keyboard.press("Control+ArrowUp")
    web.wait_value("txt2img_prompt", "a (red:1.2) house")
    web.page.keyboard.press("Control+ArrowDown")
    web.page.keyboard.press("Control+ArrowDown")
    web.wait_value("txt2img_prompt", "a red house")
    web.fill("txt2img_prompt", "a, <lora:x:1>")
    box.evaluate("(box) => { box.focus(); box.setSelectionRange(6, 6); }")
    web.page.keyboard.press("Control+ArrowUp")
    web.wait_value("txt2img_prompt", "a, <lora:x:1.05>")
    web.page.keyboard.press("Alt+ArrowLeft")
    web.wait_value("txt2img_prompt", "<lora:x:1.05>, a")


def test_a_pasted_size_goes_into_both_boxes_and_a_held_proportion_moves_the_other(web: Watched) -> None:
    page = web.page
    width = page.locator("#txt2img_width input[type=number]")

    def paste(text: str) -> None:
        width.evaluate(
            """(box, text) => {
              const clipboardData = new DataTransfer();
              clipboardData.setData('text', text);
              box.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
            }""",
            text,
        )

    paste("768 x 512")
    web.wait_value("txt2img_width", "768")
    web.wait_value("txt2img_height", "512")
    paste("no size")
    paste("99999×70")
    web.wait_value("txt2img_width", "2048")
    web.wait_value("txt2img_height", "72")
    paste("128x64")
    lock = page.locator("#txt2img_aspect_lock_btn")
    lock.click()
    web.fill("txt2img_width", 256)
    web.wait_value("txt2img_height", "128")
    page.click("#txt2img_res_switch_btn")
    web.wait_value("txt2img_height", "256")
    web.fill("txt2img_height", 512)
    web.wait_value("txt2img_width", "256")
    lock.click()
    web.fill("txt2img_width", 64)
    page.wait_for_timeout(200)
    assert web.value("txt2img_height") == "512"
    assert lock.get_attribute("aria-pressed") == "false"
    assert web.errors == []
