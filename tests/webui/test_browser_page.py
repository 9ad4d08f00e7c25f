"""The page in a real browser, over a real engine with a tiny checkpoint: from words to a picture and back."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.webui.conftest import Easel, Watched, open_page, seconds_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.shared_page

IDS = re.findall(
    r"\S+",
    """
quicksettings setting_sd_model_checkpoint refresh_sd_model_checkpoint tabs tab_txt2img txt2img_toprow
txt2img_prompt_container txt2img_prompt_row txt2img_prompt txt2img_prompt_image txt2img_neg_prompt_row
txt2img_neg_prompt txt2img_actions_column txt2img_generate_box txt2img_interrupt txt2img_skip txt2img_interrupting
txt2img_generate txt2img_tools paste txt2img_clear_prompt txt2img_style_apply txt2img_restore_progress
txt2img_token_counter txt2img_token_button txt2img_negative_token_counter txt2img_negative_token_button
txt2img_styles_row txt2img_styles refresh_txt2img_styles txt2img_settings sampler_selection_txt2img txt2img_sampling
txt2img_scheduler txt2img_steps txt2img_column_size txt2img_width txt2img_height txt2img_dimensions_row
txt2img_res_switch_btn txt2img_column_batch txt2img_batch_count txt2img_batch_size txt2img_cfg_scale txt2img_seed_row
txt2img_seed txt2img_random_seed txt2img_reuse_seed txt2img_subseed_show txt2img_seed_extras txt2img_subseed_row
txt2img_subseed txt2img_random_subseed txt2img_reuse_subseed txt2img_subseed_strength txt2img_seed_resize_from_row
txt2img_seed_resize_from_w txt2img_seed_resize_from_h txt2img_override_settings_row txt2img_override_settings
txt2img_results txt2img_results_panel txt2img_gallery_container txt2img_gallery image_buttons_txt2img
html_info_txt2img html_log_txt2img generation_info_txt2img tab_pnginfo pnginfo_image pnginfo_generation_info
txt2img_tab tab_settings settings_submit settings_result settings settings_search settings_sd settings_saving-paths
column_settings_sampler-params setting_eta_noise_seed_delta setting_CLIP_stop_at_last_layers setting_samples_format
""",
)

COUNT_FRAMES = """() => new Promise((done) => {
  const now = performance.now;
  let asked = 0;
  performance.now = () => { asked += 1; return now.call(performance); };
  setTimeout(() => { performance.now = now; done(asked); }, 2000);
})"""


def infotext_of(content: bytes) -> str:
    """The parameters in the bytes of a PNG."""
    with Image.open(io.BytesIO(content)) as picture:
        return picture.info["parameters"].strip()


def test_every_element_is_in_the_document_from_the_start_and_nothing_is_complained_of(new_web: Watched) -> None:
    assert [elem_id for elem_id in IDS if new_web.page.query_selector(f"[id='{elem_id}']") is None] == []
    assert new_web.page.is_visible("#txt2img_generate")
    assert not new_web.page.is_visible("#txt2img_interrupt")
    assert not new_web.page.is_visible("#settings_submit")
    assert "__theme=light" in new_web.page.url
    assert new_web.page.evaluate("document.body.classList.contains('dark')") is False
    new_web.page.click("#tab_settings-button")
    new_web.page.click("#tab_pnginfo-button")
    new_web.page.click("#tab_txt2img-button")
    new_web.wait_text("txt2img_token_counter", "0/75")
    assert new_web.errors == []
    assert new_web.elsewhere == []
    # What was begun at the opening ends; a page that does nothing then counts nothing at each frame.
    assert any(new_web.page.evaluate(COUNT_FRAMES) < 10 for _ in range(20))


@pytest.mark.parametrize("width", [1280, 1920, 390])
def test_no_window_scrolls_sideways(web: Watched, width: int) -> None:
    web.page.set_viewport_size({"width": width, "height": 900})
    for tab in ("settings", "pnginfo", "txt2img"):
        web.page.click(f"#tab_{tab}-button")
        assert web.page.evaluate("document.documentElement.scrollWidth") <= width, tab


def test_the_address_may_ask_for_other_colours_than_the_flag(page: Page, server: Easel) -> None:
    page.goto(f"{server.url}/?__theme=dark")
    page.wait_for_selector("body.dark #txt2img_generate")


def test_a_picture_is_made_shown_saved_and_read_again(web: Watched, server: Easel) -> None:
    page = web.page
    assert web.value("txt2img_width") == "64"  # from ui-config.json
    web.fill("txt2img_prompt", "a red house on a green hill")
    web.fill("txt2img_neg_prompt", "rain")
    web.fill("txt2img_seed", 4242)
    before = len(server.pictures())
    web.generate()
    text = web.wait_text("html_info_txt2img", "Seed: 4242")
    assert text.startswith("a red house on a green hill\nNegative prompt: rain\nSteps: 4, Sampler: DPM++ 2M")
    assert "Time taken" in page.inner_text("#html_log_txt2img")
    seconds_until(lambda: len(server.pictures()) > before)
    saved = server.pictures()[-1]
    assert infotext_of(saved.read_bytes()) == text.strip()

    shown = page.get_attribute("#txt2img_gallery .media-button img", "src")
    assert shown is not None
    assert page.request.get(shown).body() == saved.read_bytes(), "the gallery shows the file as it is"
    with page.expect_download() as download:
        page.click("#txt2img_gallery button[aria-label=Download]")
    assert infotext_of(download.value.path().read_bytes()) == text.strip()

    open_page(web)
    web.wait_value("txt2img_prompt", "a red house on a green hill")
    web.fill("txt2img_prompt", "something else")
    page.click("#tab_pnginfo-button")
    page.set_input_files("#pnginfo_image input[type=file]", saved)
    assert "Seed: 4242" in web.wait_text("pnginfo_html_info", "a red house on a green hill")
    page.click("#txt2img_tab:enabled")
    web.wait_value("txt2img_prompt", "a red house on a green hill")
    assert page.is_visible("#txt2img_generate")
    assert (web.value("txt2img_neg_prompt"), web.value("txt2img_seed"), web.value("txt2img_steps")) == (
        "rain",
        "4242",
        "4",
    )
    assert web.errors == []
    assert web.elsewhere == []


def test_ctrl_enter_makes_a_picture(web: Watched) -> None:
    web.fill("txt2img_prompt", "by the keyboard")
    web.page.focus("#txt2img_prompt textarea")
    web.page.keyboard.press("Control+Enter")
    web.wait_text("html_info_txt2img", "by the keyboard")


def test_each_picture_of_a_batch_shows_its_own_parameters_and_lends_its_seed(web: Watched) -> None:
    page = web.page
    web.fill("txt2img_batch_count", 2)
    web.fill("txt2img_seed", 500)
    web.generate()
    web.wait_text("html_info_txt2img", "Seed: 500")
    page.click("#txt2img_gallery .thumbnails button >> nth=-1")
    web.wait_text("html_info_txt2img", "Seed: 501")
    page.click("#txt2img_reuse_seed")
    web.wait_value("txt2img_seed", "501")
    page.click("#txt2img_random_seed")
    web.wait_value("txt2img_seed", "-1")


def test_a_checkpoint_that_cannot_be_read_is_said_so_without_a_traceback(web: Watched, server: Easel) -> None:
    page = web.page
    web.choose("setting_sd_model_checkpoint", "zz-broken")
    seconds_until(lambda: "zz-broken" in (server.data / "config.json").read_text(encoding="utf-8"))
    try:
        page.click("#txt2img_generate")
        page.wait_for_selector("[data-testid=toast-body], .toast-body")  # it goes by itself
        assert "zz-broken" in web.wait_text("html_log_txt2img", "zz-broken.safetensors")
        assert "Traceback" not in page.inner_text("body")
    finally:
        page.request.post(f"{web.url}/sdapi/v1/options", data={"sd_model_checkpoint": "tiny.safetensors"})
    open_page(web)
    assert web.value("setting_sd_model_checkpoint").startswith("tiny")
    web.generate()
    web.wait_text("html_info_txt2img", "Steps: 4")


def test_a_picture_that_cannot_be_saved_stays_in_the_page(web: Watched, server: Easel) -> None:
    (server.data / "a-file").write_text("in the way", encoding="utf-8")
    options = f"{web.url}/sdapi/v1/options"
    web.page.request.post(options, data={"outdir_txt2img_samples": str(server.data / "a-file" / "below")})
    try:
        web.fill("txt2img_prompt", "kept in memory")
        web.generate()
        assert "a-file" in web.wait_text("html_log_txt2img", "a-file")
        shown = web.page.get_attribute("#txt2img_gallery .media-button img", "src")
        assert shown is not None
        answer = web.page.request.get(shown)
        assert answer.headers["content-type"] == "image/png"
        web.page.wait_for_function(
            "() => document.querySelector('#txt2img_gallery .media-button img').naturalWidth === 64"
        )
        web.wait_text("html_info_txt2img", "kept in memory")
    finally:
        web.page.request.post(options, data={"outdir_txt2img_samples": ""})


def test_settings_are_applied_kept_and_shown_again(web: Watched, server: Easel) -> None:
    page = web.page
    page.click("#tab_settings-button")
    page.click("#settings_sampler-params-button")
    web.fill("setting_eta_noise_seed_delta", 31337)
    page.click("#settings_submit")
    web.wait_text("settings_result", "1 setting changed: Eta noise seed delta.")
    assert json.loads((server.data / "config.json").read_text(encoding="utf-8"))["eta_noise_seed_delta"] == 31337
    # Another page changes another setting; applying here must not undo it.
    page.request.post(f"{web.url}/sdapi/v1/options", data={"s_noise": 0.9})
    page.click("#settings_submit")
    web.wait_text("settings_result", "Nothing was changed.")
    open_page(web)
    web.wait_value("setting_eta_noise_seed_delta", "31337")
    web.wait_value("setting_s_noise", "0.9")
    page.request.post(f"{web.url}/sdapi/v1/options", data={"s_noise": 1.0, "eta_noise_seed_delta": 0})


def test_the_settings_can_be_searched(web: Watched) -> None:
    web.page.click("#tab_settings-button")
    web.page.locator("#settings_search textarea, #settings_search input").first.fill("clip skip")
    web.page.wait_for_selector("#setting_CLIP_stop_at_last_layers", state="visible")
    assert not web.page.is_visible("#setting_samples_format")
    web.page.click("#settings_saving-images-button")
    assert web.page.is_visible("#setting_samples_format")
