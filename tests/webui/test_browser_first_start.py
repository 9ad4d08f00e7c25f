"""The page of an Easel that was just installed: the starter model alone, and nothing that was kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from modules.webui.first_start import PROMPT
from tests.webui.conftest import PATIENCE, Easel, Watched, easel, free_port, open_page
from tests.webui.opened_page import wait_opened


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Easel]:
    """A server over an empty folder."""
    with easel(tmp_path_factory.mktemp("fresh"), free_port(), "--api") as running:
        yield running


def test_the_first_prompt_makes_a_picture_and_what_is_typed_instead_stays(page: Page, fresh: Easel) -> None:
    web = Watched(page, fresh.url)
    open_page(web)
    page.wait_for_timeout(1100)  # nothing was touched for a while: opening the page again is still the first start
    open_page(web)
    assert [web.value(f"txt2img_{name}") for name in ("prompt", "width", "height")] == [PROMPT, "256", "256"]
    web.wait_text("txt2img_token_counter", "10/75")
    web.fill("txt2img_steps", 2)
    web.generate()
    assert "Size: 256x256" in web.wait_text("html_info_txt2img", PROMPT)
    web.fill("txt2img_prompt", "")
    page.wait_for_timeout(1500)  # what was typed is kept half a second later
    open_page(web)
    assert (web.value("txt2img_prompt"), web.value("txt2img_steps")) == ("", "2")


def test_the_page_is_read_in_a_language_that_comes_with_the_program(page: Page, fresh: Easel) -> None:
    web = Watched(page, fresh.url)
    page.on("pageerror", lambda error: web.errors.append(str(error)))
    assert page.request.post(f"{fresh.url}/sdapi/v1/options", data={"localization": "ru_RU"}).ok
    open_page(web)
    expect(page.locator("#txt2img_generate")).to_have_text("Создать")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_attribute(
        "placeholder", "Чего на картинке быть не должно"
    )
    page.click("#tab_img2img-button")
    expect(page.locator("#img2img_mask_mode")).to_contain_text("Менять под маской")
    expect(page.locator("#img2img_generate")).to_have_attribute("title", "Создать картинку (Ctrl+Enter)")
    shown = page.locator("#img2img_gallery .empty").evaluate("(empty) => getComputedStyle(empty, '::after').content")
    assert "Здесь появятся ваши картинки." in shown
    # A choice is sent as what it is, whatever it is called here.
    page.get_by_text("Обрезать и изменить").click()
    page.click("#tab_txt2img-button")
    web.fill("txt2img_prompt", "красный дом")
    web.fill("txt2img_steps", 1)
    web.generate()
    web.wait_text("html_info_txt2img", "красный дом")
    assert page.request.post(f"{fresh.url}/sdapi/v1/options", data={"localization": "None"}).ok
    assert web.errors == []


def test_a_file_that_cannot_be_read_is_told_of_when_the_page_is_opened(page: Page, fresh: Easel) -> None:
    styles = fresh.data / "styles.csv"
    styles.write_text("night,dark\nday,bright\n", encoding="utf-8")
    open_page(Watched(page, fresh.url))
    expect(page.locator(".toast-body")).to_contain_text("styles.csv")
    assert styles.read_text(encoding="utf-8") == "night,dark\nday,bright\n"
    styles.unlink()


def test_the_page_is_opened_again_when_easel_is_back_from_a_restart_that_was_asked_for_here(
    page: Page, fresh: Easel
) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    wanted = {"quicksettings_list": ["sd_model_checkpoint", "CLIP_stop_at_last_layers"]}
    assert page.request.post(f"{fresh.url}/sdapi/v1/options", data=wanted).ok
    web = Watched(page, fresh.url)
    open_page(web)
    web.fill("txt2img_prompt", "over the restart")
    page.click("#easel_footer_restart")
    page.wait_for_selector("#quicksettings #setting_CLIP_stop_at_last_layers", timeout=PATIENCE * 1000)
    wait_opened(page)
    web.wait_value("txt2img_prompt", "over the restart")
