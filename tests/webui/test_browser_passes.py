"""The second pass and the refiner on the page: what is open, what is said of sizes, and "upscale this one"."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.webui.conftest import Watched

pytestmark = pytest.mark.shared_page


def test_a_switch_opens_its_part_and_says_how_large_the_picture_becomes(web: Watched) -> None:
    page = web.page
    assert not page.is_visible("#txt2img_hr_scale")
    assert not page.is_visible("#txt2img_switch_at")
    page.check("#txt2img_hr-checkbox input")
    page.check("#txt2img_enable-checkbox input")
    expect(page.locator("#txt2img_hr_scale")).to_be_visible()
    expect(page.locator("#txt2img_switch_at")).to_be_visible()
    web.wait_text("txtimg_hr_finalres", "from 64×64 to 128×128")
    web.fill("txt2img_hr_resize_x", 96)
    web.wait_text("txtimg_hr_finalres", "to 96×96")


def test_a_picture_is_upscaled_in_its_place(web: Watched) -> None:
    page = web.page
    web.fill("txt2img_seed", 515)
    web.fill("txt2img_steps", 1)
    web.fill("txt2img_batch_size", 2)
    web.generate()
    web.wait_text("html_info_txt2img", "Seed: 515")
    page.check("#txt2img_hr-checkbox input")
    web.fill("txt2img_hr_scale", 1.5)
    page.uncheck("#txt2img_hr-checkbox input")
    page.locator("#txt2img_gallery .thumbnails button").last.click()
    web.wait_text("html_info_txt2img", "Seed: 516")
    page.click("#txt2img_upscale")
    text = web.wait_text("html_info_txt2img", "Hires upscale: 1.5")
    assert "Seed: 516" in text
    page.wait_for_selector("html[data-txt2img-state=idle]")
    assert page.locator("#txt2img_gallery .thumbnails button").count() == 3
    assert web.errors == []
