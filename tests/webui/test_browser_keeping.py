"""Nothing typed, chosen or drawn is lost, however soon after it the page goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.webui.conftest import Easel, Watched, open_page, seconds_until
from tests.webui.drawn_canvas import box_mask, open_canvas
from tests.webui.opened_page import wait_opened
from tests.webui.test_browser_canvas import picture

__all__ = ["picture"]

pytestmark = pytest.mark.shared_page


def again(web: Watched) -> None:
    web.page.reload()
    wait_opened(web.page)


def typed(page: Page, elem_id: str, text: str) -> None:
    """Type as people do."""
    box = page.locator(f"#{elem_id} textarea")
    box.fill("")
    box.press_sequentially(text, delay=10)


def choose(web: Watched, sampler: str) -> str:
    """Choose a sampler and move the CFG scale; gives the latter."""
    web.page.click("#txt2img_sampling input")
    web.page.get_by_role("option", name=sampler, exact=True).click()
    web.page.locator("#txt2img_cfg_scale input[type=range]").press("ArrowRight")
    return web.value("txt2img_cfg_scale")


def test_what_was_typed_or_chosen_last_is_there_after_a_reload_at_once(web: Watched) -> None:
    page = web.page
    typed(page, "txt2img_prompt", "typed at once")
    again(web)
    web.wait_value("txt2img_prompt", "typed at once")
    scale = choose(web, "Euler a")
    again(web)
    web.wait_value("txt2img_sampling", "Euler a")
    web.wait_value("txt2img_cfg_scale", scale)
    page.click("#tab_img2img-button")
    typed(page, "img2img_prompt", "and there")
    page.click("#img2img_inpaint_tab-button")
    again(web)
    web.wait_value("img2img_prompt", "and there")
    assert web.errors == []


def test_all_that_was_typed_and_chosen_is_there_after_a_reload_a_moment_later(web: Watched) -> None:
    page = web.page
    typed(page, "txt2img_prompt", "typed before")
    scale = choose(web, "Heun")
    page.click("#tab_img2img-button")
    typed(page, "img2img_prompt", "and there, too")
    page.wait_for_timeout(300)
    again(web)
    web.wait_value("txt2img_prompt", "typed before")
    web.wait_value("txt2img_sampling", "Heun")
    web.wait_value("txt2img_cfg_scale", scale)
    web.wait_value("img2img_prompt", "and there, too")
    assert web.errors == []


def test_what_was_typed_is_there_after_generate_or_in_a_new_tab_of_the_browser(web: Watched) -> None:
    page = web.page
    typed(page, "txt2img_prompt", "generated at once")
    page.keyboard.press("Control+Enter")
    again(web)
    web.wait_value("txt2img_prompt", "generated at once")
    # Where the picture was there before the page went, no run is found again.
    page.wait_for_selector("html:not([data-txt2img-state=running])")
    typed(page, "txt2img_prompt", "closed at once")
    page.close()
    other = Watched(web.page.context.new_page(), web.url)
    open_page(other)
    other.wait_value("txt2img_prompt", "closed at once")


def test_what_is_typed_before_the_kept_inputs_are_back_is_not_replaced_by_them(web: Watched) -> None:
    page = web.page
    typed(page, "txt2img_prompt", "kept")
    again(web)
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
    web.wait_value("txt2img_prompt", "kept")
    web.wait_value("txt2img_neg_prompt", "typed early")


def test_a_value_that_cannot_be_worked_with_keeps_no_other_from_being_kept(web: Watched, server: Easel) -> None:
    web.page.locator("#txt2img_width input[type=number]").fill("3")
    typed(web.page, "txt2img_prompt", "beside a width of three")

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
    web: Watched, server: Easel
) -> None:
    page, sessions = web.page, server.data / "sessions"
    aside = sessions.rename(server.data / "sessions aside")
    sessions.write_text("no folder", encoding="utf-8")
    try:
        typed(page, "txt2img_prompt", "kept by the browser")
        expect(page.locator("#easel_notices")).to_contain_text("stays in this browser alone")
        again(web)
        web.wait_value("txt2img_prompt", "kept by the browser")
    finally:
        sessions.unlink()
        aside.rename(sessions)
