"""Nothing typed, chosen or drawn is lost, however soon after it the page goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from tests.webui.conftest import Easel, Watched, open_page, seconds_until
from tests.webui.opened_page import wait_opened
from tests.webui.test_browser_canvas import box_mask, open_canvas, picture

__all__ = ["picture"]

SOON = (0, 300)
"""Milliseconds after the last key."""


def again(web: Watched) -> None:
    web.page.reload()
    wait_opened(web.page)


def typed(page: Page, elem_id: str, text: str) -> None:
    """Type as people do."""
    box = page.locator(f"#{elem_id} textarea")
    box.fill("")
    box.press_sequentially(text, delay=10)


def test_what_was_typed_and_chosen_last_is_there_after_a_reload_at_once(new_web: Watched) -> None:
    page = new_web.page
    for pause, sampler in zip(SOON, ("Euler a", "Heun"), strict=True):
        typed(page, "txt2img_prompt", f"typed {pause} ms ago")
        page.wait_for_timeout(pause)
        again(new_web)
        new_web.wait_value("txt2img_prompt", f"typed {pause} ms ago")
        page.click("#txt2img_sampling input")
        page.get_by_role("option", name=sampler, exact=True).click()
        page.locator("#txt2img_cfg_scale input[type=range]").press("ArrowRight")
        chosen = new_web.value("txt2img_cfg_scale")
        page.wait_for_timeout(pause)
        again(new_web)
        new_web.wait_value("txt2img_sampling", sampler)
        new_web.wait_value("txt2img_cfg_scale", chosen)
        page.click("#tab_img2img-button")
        typed(page, "img2img_prompt", f"and {pause} ms ago")
        page.click("#img2img_inpaint_tab-button")
        page.wait_for_timeout(pause)
        again(new_web)
        new_web.wait_value("img2img_prompt", f"and {pause} ms ago")
        page.click("#tab_txt2img-button")
    assert new_web.errors == []


def test_what_was_typed_is_there_after_generate_or_in_a_new_tab_of_the_browser(new_web: Watched) -> None:
    page = new_web.page
    typed(page, "txt2img_prompt", "generated at once")
    page.keyboard.press("Control+Enter")
    again(new_web)
    new_web.wait_value("txt2img_prompt", "generated at once")
    page.wait_for_selector("html[data-txt2img-state=idle]")
    typed(page, "txt2img_prompt", "closed at once")
    other = page.context.new_page()
    page.close()
    web = Watched(other, new_web.url)
    open_page(web)
    web.wait_value("txt2img_prompt", "closed at once")


def test_what_is_typed_before_the_kept_inputs_are_back_is_not_replaced_by_them(new_web: Watched) -> None:
    page = new_web.page
    typed(page, "txt2img_prompt", "kept")
    again(new_web)
    page.reload(wait_until="commit")
    page.wait_for_selector("#txt2img_prompt textarea")
    # As a hasty hand does it, and in one go: nothing comes between.
    early = page.evaluate(
        """() => {
            const box = document.querySelector("#txt2img_neg_prompt textarea");
            box.value = "typed early";
            box.dispatchEvent(new Event("input", { bubbles: true }));
            return document.documentElement.dataset.inputs !== "restored";
        }"""
    )
    assert early
    wait_opened(page)
    new_web.wait_value("txt2img_prompt", "kept")
    new_web.wait_value("txt2img_neg_prompt", "typed early")


def test_a_value_that_cannot_be_worked_with_keeps_no_other_from_being_kept(new_web: Watched, server: Easel) -> None:
    new_web.page.locator("#txt2img_width input[type=number]").fill("3")
    typed(new_web.page, "txt2img_prompt", "beside a width of three")

    def is_kept() -> bool:
        files = (server.data / "sessions").glob("*/txt2img.json")
        return any("beside a width of three" in file.read_text(encoding="utf-8") for file in files)

    seconds_until(is_kept)


def test_a_stroke_is_there_after_a_reload_at_once(new_web: Watched, picture: Path) -> None:
    canvas = open_canvas(new_web, "img2img_inpaint_tab", "img2maskimg")
    canvas.give(picture)
    new_web.page.wait_for_selector("html[data-inputs=restored]")
    canvas.mask_box(10, 10, 50, 50)
    new_web.page.wait_for_timeout(100)
    again(new_web)
    canvas.wait_open()
    seconds_until(lambda: np.array_equal(canvas.alpha() == 255, box_mask((10, 10, 50, 50))))


def test_a_folder_that_cannot_be_written_is_said_once_and_the_browser_keeps_what_is_typed(
    new_web: Watched, server: Easel
) -> None:
    page, sessions = new_web.page, server.data / "sessions"
    aside = sessions.rename(server.data / "sessions aside")
    sessions.write_text("no folder", encoding="utf-8")
    try:
        typed(page, "txt2img_prompt", "kept by the browser")
        expect(page.locator("#easel_notices")).to_contain_text("stays in this browser alone")
        again(new_web)
        new_web.wait_value("txt2img_prompt", "kept by the browser")
    finally:
        sessions.unlink()
        aside.rename(sessions)
