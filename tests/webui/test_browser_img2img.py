"""img2img in a real browser: pictures sent, masked, scaled and made by the folder; inputs that nothing can lose."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.webui.conftest import Watched, open_page

pytestmark = pytest.mark.shared_page


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A picture of 96x64 pixels and a mask for it."""
    mask = Image.new("L", (96, 64))
    mask.paste(255, (24, 16, 64, 48))
    pictures = {"picture": Image.effect_noise((96, 64), 60).convert("RGB"), "mask": mask}
    for name, picture in pictures.items():
        picture.save(tmp_path / f"{name}.png")
    return {name: tmp_path / f"{name}.png" for name in pictures}


def test_a_picture_is_sent_with_its_settings_and_made_anew(web: Watched) -> None:
    web.fill("txt2img_prompt", "sent over")
    web.fill("txt2img_seed", 321)
    web.generate()
    web.wait_text("html_info_txt2img", "Seed: 321")
    web.page.click("#txt2img_send_to_img2img")
    web.wait_value("img2img_prompt", "sent over")
    web.wait_value("img2img_seed", "321")
    web.page.wait_for_selector("#img2img_image img")
    assert web.page.get_attribute("html", "data-tab") == "img2img"
    web.generate("img2img")
    assert "Denoising strength: 0.75" in web.wait_text("html_info_img2img", "sent over")
    assert web.errors == []


def test_an_uploaded_mask_decides_what_is_painted_and_the_scale_how_large(web: Watched, files: dict[str, Path]) -> None:
    page = web.page
    page.click("#tab_img2img-button")
    assert not page.is_visible("#inpaint_controls")
    page.click("#img2img_inpaint_upload_tab-button")
    expect(page.locator("#inpaint_controls").first).to_be_visible()
    page.set_input_files("#img_inpaint_base input[type=file]", files["picture"])
    page.set_input_files("#img_inpaint_mask input[type=file]", files["mask"])
    page.wait_for_selector("#img_inpaint_mask img")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "run/predict" in request.url else None)
    page.click("#img2img_detect_image_size_btn")
    web.wait_value("img2img_width", "96")
    web.wait_value("img2img_height", "64")
    page.wait_for_timeout(1500)
    assert len(asked) < 10  # functions that hear of both sides do not call each other on and on
    web.fill("img2img_steps", 2)
    web.generate("img2img")
    assert "Mask blur: 4" in web.wait_text("html_info_img2img", "Size: 96x64")
    page.click("#img2img_tab_resize_by-button")
    web.fill("img2img_scale", 2)
    web.wait_text("img2img_scale_resolution_preview", "to 192×128")
    web.generate("img2img")
    web.wait_text("html_info_img2img", "Size: 192x128")


def test_without_a_picture_it_is_said_what_is_missing(web: Watched) -> None:
    web.page.click("#tab_img2img-button")
    web.generate("img2img")
    web.wait_text("html_log_img2img", "no picture to begin with")


def test_a_file_that_is_no_picture_is_named_where_it_was_given(
    web: Watched, files: dict[str, Path], tmp_path: Path
) -> None:
    page, broken = web.page, tmp_path / "no.png"
    broken.write_bytes(b"no picture")
    page.click("#tab_pnginfo-button")
    page.set_input_files("#pnginfo_image input[type=file]", broken)
    web.wait_text("pnginfo_html_info", "no.png")
    page.click("#tab_img2img-button")
    page.click("#img2img_inpaint_upload_tab-button")
    page.set_input_files("#img_inpaint_base input[type=file]", broken)
    page.set_input_files("#img_inpaint_mask input[type=file]", files["mask"])
    page.wait_for_selector("#img_inpaint_mask img")
    web.generate("img2img")
    web.wait_text("html_log_img2img", "no.png cannot be read as a picture")


def test_inputs_come_back_after_a_reload_pictures_too(new_web: Watched, files: dict[str, Path]) -> None:
    page = new_web.page
    new_web.fill("txt2img_prompt", "not to be lost")
    new_web.fill("txt2img_steps", 9)
    page.click("#tab_img2img-button")
    page.click("#img2img_inpaint_upload_tab-button")
    page.set_input_files("#img_inpaint_base input[type=file]", files["picture"])
    page.wait_for_selector("#img_inpaint_base img")
    with page.expect_response(lambda answer: "queue/data" in answer.url or "queue/join" in answer.url):
        new_web.fill("img2img_prompt", "nor this")
    page.wait_for_timeout(1500)
    open_page(new_web)
    new_web.wait_value("txt2img_prompt", "not to be lost")
    new_web.wait_value("txt2img_steps", "9")
    new_web.wait_value("img2img_prompt", "nor this")
    page.wait_for_selector("#img_inpaint_base img", state="attached")
    assert page.get_attribute("html", "data-mode_img2img") == "inpaint_upload"


def test_the_keyboard_changes_the_weight_inside_a_networks_tag(web: Watched) -> None:
    web.fill("txt2img_prompt", "a cat <lora:film:1> runs")
    box = web.page.locator("#txt2img_prompt textarea")
    box.evaluate("(box) => { box.focus(); box.setSelectionRange(10, 10); }")
    web.page.keyboard.press("Control+ArrowUp")
    web.wait_value("txt2img_prompt", "a cat <lora:film:1.05> runs")
    web.page.keyboard.press("Control+ArrowDown")
    web.wait_value("txt2img_prompt", "a cat <lora:film:1> runs")
