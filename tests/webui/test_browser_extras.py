"""The Extras tab in a browser: one picture, several, a folder, sent here and there, and over a reload."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import expect

from tests.webui.conftest import PATIENCE, Watched, open_page

pytestmark = pytest.mark.shared_page

PARAMETERS = "a red ball\nSteps: 4, Sampler: Euler, Seed: 7"


@pytest.fixture
def web(web: Watched) -> Watched:
    web.page.set_default_timeout(PATIENCE * 1000)
    web.page.click("#tab_extras-button")
    return web


def picture(folder: Path, size: tuple[int, int] = (40, 24)) -> Path:
    chunks = PngInfo()
    chunks.add_text("parameters", PARAMETERS)
    path = folder / f"{secrets.token_hex(4)}.png"
    Image.effect_noise(size, 60).convert("RGB").save(path, pnginfo=chunks)
    return path


def choose(web: Watched, elem_id: str, value: str) -> None:
    web.page.click(f"#{elem_id} input")
    web.page.locator("ul[role=listbox] li", has_text=re.compile(f"^\\W*{value}$")).click()


def test_a_picture_is_enlarged_saved_and_sent_on(web: Watched, tmp_path: Path) -> None:
    page, source = web.page, picture(tmp_path)
    web.generate("extras")
    web.wait_text("html_log_extras", "There is no picture yet")
    page.set_input_files("#extras_image input[type=file]", source)
    web.wait_text("extras_source_info", "40x24 PNG")
    choose(web, "extras_upscaler_1", "Lanczos")
    web.fill("extras_upscaling_resize", 2)
    web.generate("extras")
    assert "a red ball" in web.wait_text("html_info_extras", "Postprocess upscale by: 2")
    shown = page.locator("#extras_gallery .media-button img")
    expect(shown).to_have_js_property("naturalWidth", 80, timeout=PATIENCE * 1000)
    assert "extras-images" in (shown.get_attribute("src") or "")
    page.click("#extras_send_to_extras")
    web.wait_text("extras_source_info", "80x48 PNG")
    page.click("#extras_send_to_img2img")
    page.wait_for_selector("html[data-tab=img2img]")
    page.wait_for_selector("#img2img_image canvas")
    web.wait_value("img2img_width", "80")
    assert web.errors == []


def test_what_was_chosen_and_made_is_there_after_a_reload(web: Watched, tmp_path: Path) -> None:
    page, source = web.page, picture(tmp_path, (48, 32))
    page.set_input_files("#extras_image input[type=file]", source)
    web.wait_text("extras_source_info", "48x32 PNG")
    choose(web, "extras_upscaler_1", "Nearest")
    page.click("#extras_scale_to_tab-button")
    web.fill("extras_upscaling_resize_w", 64)
    web.fill("extras_upscaling_resize_h", 128)
    page.click("#upscaling_res_switch_btn")
    web.wait_value("extras_upscaling_resize_w", "128")
    page.wait_for_timeout(1500)  # what is typed is kept a moment later
    web.generate("extras")
    web.wait_text("html_info_extras", "Postprocess upscale to: 128x64")
    open_page(web)
    page.click("#tab_extras-button")
    web.wait_value("extras_upscaling_resize_w", "128")
    web.wait_value("extras_upscaler_1", "Nearest")
    web.wait_text("extras_source_info", "48x32 PNG")
    web.wait_text("html_info_extras", "Postprocess upscale to: 128x64")
    assert page.evaluate("document.documentElement.dataset.extras_resize_mode") == "to"
    page.click("#extras_scale_by_tab-button")
    assert web.errors == []


def test_of_several_files_and_of_a_folder_the_broken_one_is_named(web: Watched, tmp_path: Path) -> None:
    page = web.page
    one, two = picture(tmp_path), picture(tmp_path)
    broken = tmp_path / "zz-broken.png"
    broken.write_bytes(one.read_bytes()[:200])
    choose(web, "extras_upscaler_1", "Lanczos")
    page.click("#extras_batch_process_tab-button")
    page.set_input_files("#extras_image_batch input[type=file]", [one, broken, two])
    expect(page.locator("#extras_image_batch")).to_contain_text("zz-broken", timeout=PATIENCE * 1000)
    web.generate("extras")
    told = web.wait_text("html_log_extras", "2 pictures saved")
    assert "zz-broken.png is no picture that can be read" in told
    expect(page.locator("#extras_gallery .thumbnail-item").first).to_be_visible()
    page.click("#extras_batch_directory_tab-button")
    web.generate("extras")
    web.wait_text("html_log_extras", "Input directory is empty")
    web.fill("extras_batch_input_dir", tmp_path / "nowhere")
    web.generate("extras")
    web.wait_text("html_log_extras", "not a folder that exists")
    web.fill("extras_batch_input_dir", tmp_path)
    web.fill("extras_batch_output_dir", tmp_path / "results")
    web.generate("extras")
    web.wait_text("html_log_extras", str(tmp_path / "results"))
    assert {path.name for path in (tmp_path / "results").iterdir()} == {one.name, two.name}
    page.click("#extras_single_tab-button")
    assert web.errors == []


def test_pictures_come_from_the_gallery_and_from_png_info(web: Watched, tmp_path: Path) -> None:
    page = web.page
    page.click("#tab_txt2img-button")
    web.fill("txt2img_prompt", f"for extras {secrets.token_hex(4)}")
    web.generate()
    page.wait_for_selector("#txt2img_gallery .media-button img")
    page.click("#txt2img_send_to_extras")
    page.wait_for_selector("html[data-tab=extras]")
    web.wait_text("extras_source_info", "64x64 PNG")
    page.click("#tab_pnginfo-button")
    page.set_input_files("#pnginfo_image input[type=file]", picture(tmp_path, (136, 80)))
    web.wait_text("pnginfo_html_info", "a red ball")
    page.click("#extras_tab")
    page.wait_for_selector("html[data-tab=extras]")
    web.wait_text("extras_source_info", "136x80 PNG")
    for button, canvas in (("img2img_tab", "img2img_image"), ("inpaint_tab", "img2maskimg")):
        page.click("#tab_img2img-button")
        web.fill("img2img_prompt", "something else")
        page.click("#tab_pnginfo-button")
        page.click(f"#tab_pnginfo #{button}")
        page.wait_for_selector("html[data-tab=img2img]")
        page.wait_for_selector(f"#{canvas} .easel-canvas[data-open]")
        web.wait_value("img2img_prompt", "a red ball")
        web.wait_value("img2img_width", "136")
    assert web.errors == []
