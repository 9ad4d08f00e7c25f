"""The page in a real browser, over a real engine with a tiny checkpoint: from words to a picture and back."""

from __future__ import annotations

import base64
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.webui.conftest import Easel, Watched, open_page, seconds_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

LONG = 150
"""Steps of a run that is to be met while it runs; at 256x256 the tiny checkpoint needs many seconds for them."""

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


def infotext_of(content: bytes) -> str:
    """The parameters in the bytes of a PNG."""
    with Image.open(io.BytesIO(content)) as picture:
        return picture.info["parameters"].strip()


def long_run(web: Watched, **more: int) -> None:
    """Begin a run that takes a while, and wait until its progress is seen."""
    web.fill("txt2img_steps", LONG)
    web.fill("txt2img_width", 256)
    web.fill("txt2img_height", 256)
    for name, value in more.items():
        web.fill(f"txt2img_{name}", value)
    web.page.click("#txt2img_generate")
    web.page.wait_for_selector(".progressDiv")


def test_every_element_is_in_the_document_from_the_start(web: Watched) -> None:
    assert [elem_id for elem_id in IDS if web.page.query_selector(f"[id='{elem_id}']") is None] == []
    assert web.page.is_visible("#txt2img_generate")
    assert not web.page.is_visible("#txt2img_interrupt")
    assert not web.page.is_visible("#settings_submit")


def test_the_page_complains_about_nothing_and_fetches_nothing_from_elsewhere(web: Watched) -> None:
    web.page.click("#tab_settings-button")
    web.page.click("#tab_pnginfo-button")
    web.page.click("#tab_txt2img-button")
    web.wait_text("txt2img_token_counter", "0/75")
    assert web.errors == []
    assert web.elsewhere == []


@pytest.mark.parametrize("width", [1280, 1920, 390])
def test_no_window_scrolls_sideways(web: Watched, width: int) -> None:
    web.page.set_viewport_size({"width": width, "height": 900})
    for tab in ("settings", "pnginfo", "txt2img"):
        web.page.click(f"#tab_{tab}-button")
        assert web.page.evaluate("document.documentElement.scrollWidth") <= width, tab


def test_the_colours_follow_the_flag_unless_the_address_asks_for_others(web: Watched) -> None:
    assert "__theme=light" in web.page.url
    assert web.page.evaluate("document.body.classList.contains('dark')") is False
    web.page.goto(f"{web.url}/?__theme=dark")
    web.page.wait_for_selector("body.dark #txt2img_generate")


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
    assert web.value("txt2img_prompt") == ""
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


def test_progress_is_seen_and_interrupt_stops_the_run(web: Watched) -> None:
    long_run(web)
    page = web.page
    assert page.is_visible("#txt2img_interrupt")
    assert page.is_visible("#txt2img_skip")
    assert not page.is_visible("#txt2img_generate")
    page.wait_for_function("() => /Step [1-9]\\d*\\/150/.test(document.querySelector('.run-text')?.textContent)")
    assert re.match(r"\d+% · Step", page.inner_text(".run-text"))
    page.wait_for_function("() => document.title.startsWith('[')")
    page.click("#txt2img_interrupt")
    page.wait_for_selector("html[data-txt2img-state=idle]")
    assert page.query_selector(".progressDiv") is None
    assert page.title() == "Easel"
    assert "Interrupted" in web.wait_text("html_log_txt2img", "Interrupted")


def test_a_preview_is_shown_while_the_picture_is_made(web: Watched) -> None:
    long_run(web)
    web.page.wait_for_function("() => document.querySelector('.livePreview img')?.naturalWidth > 0")
    web.page.keyboard.press("Escape")
    web.page.wait_for_selector("html[data-txt2img-state=idle]")
    assert web.page.query_selector(".livePreview") is None


def test_with_several_batches_interrupt_first_finishes_the_batch(web: Watched) -> None:
    web.fill("txt2img_batch_count", 20)
    web.fill("txt2img_seed", 31)
    web.page.click("#txt2img_generate")
    web.page.wait_for_function("() => /Batch/.test(document.querySelector('.run-text')?.textContent)")
    web.page.click("#txt2img_interrupt")
    web.page.wait_for_selector("html[data-txt2img-state=idle]")
    web.wait_text("html_info_txt2img", "Seed: 31")


def test_ctrl_enter_makes_a_picture(web: Watched) -> None:
    web.fill("txt2img_prompt", "by the keyboard")
    web.page.focus("#txt2img_prompt textarea")
    web.page.keyboard.press("Control+Enter")
    web.wait_text("html_info_txt2img", "by the keyboard")


def test_a_run_is_found_again_after_a_reload(web: Watched) -> None:
    web.fill("txt2img_prompt", "still there")
    long_run(web, seed=99)
    web.page.wait_for_function("() => /Step/.test(document.querySelector('.run-text')?.textContent)")
    web.page.reload()
    web.page.wait_for_selector(".progressDiv")
    web.page.wait_for_function("() => /Step/.test(document.querySelector('.run-text')?.textContent)")
    web.page.keyboard.press("Escape")
    web.page.wait_for_selector("html[data-txt2img-state=idle]")
    web.wait_text("html_log_txt2img", "Interrupted")
    assert web.page.evaluate("localStorage.getItem('txt2img_task_id')") is None


def test_a_closed_page_loses_no_picture(web: Watched, server: Easel) -> None:
    before = len(server.pictures())
    web.fill("txt2img_batch_count", 3)
    web.page.click("#txt2img_generate")
    web.page.wait_for_selector(".progressDiv")
    web.page.wait_for_function("() => !/starting/.test(document.querySelector('.run-text')?.textContent)")
    web.page.close()
    seconds_until(lambda: len(server.pictures()) >= before + 3)


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
    page.click("#setting_sd_model_checkpoint input")
    page.click("#setting_sd_model_checkpoint li:has-text('zz-broken')")
    seconds_until(lambda: "zz-broken" in (server.data / "config.json").read_text(encoding="utf-8"))
    try:
        web.generate()
        assert "zz-broken" in web.wait_text("html_log_txt2img", "zz-broken.safetensors")
        page.wait_for_selector("[data-testid=toast-body], .toast-body")
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


def test_styles_are_written_into_the_prompts(web: Watched) -> None:
    web.fill("txt2img_prompt", "a house")
    web.page.click("#txt2img_styles input")
    web.page.click("#txt2img_styles li:has-text('Night')")
    web.page.keyboard.press("Escape")
    web.page.click("#txt2img_style_apply")
    web.wait_value("txt2img_prompt", "a house, night sky")
    web.wait_value("txt2img_neg_prompt", "day")


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


def test_a_second_page_does_not_take_the_first_ones_run_and_its_waiting_run_is_interrupted_at_once(
    web: Watched, server: Easel
) -> None:
    long_run(web)
    web.page.wait_for_function("() => /Step/.test(document.querySelector('.run-text')?.textContent)")
    with web.page.context.new_page() as other_page:
        other = Watched(other_page, server.url)
        open_page(other)
        other.wait_text("txt2img_token_counter", "0/75")
        assert other_page.query_selector(".progressDiv") is None
        other.fill("txt2img_prompt", "the second in the queue")
        other_page.click("#txt2img_generate")
        other_page.wait_for_function("() => /In queue: 1.1/.test(document.querySelector('.run-text')?.textContent)")
        other_page.click("#txt2img_interrupt")
        other_page.wait_for_selector("html[data-txt2img-state=idle]")
        assert web.page.get_attribute("html", "data-txt2img-state") == "running"
    web.page.keyboard.press("Escape")
    web.page.wait_for_selector("html[data-txt2img-state=idle]")


def test_skip_leaves_the_batch_and_goes_on_with_the_next(web: Watched) -> None:
    long_run(web, batch_count=2)
    web.page.wait_for_function("() => /Batch 1.2 · Step/.test(document.querySelector('.run-text')?.textContent)")
    web.page.click("#txt2img_skip")
    web.page.wait_for_function("() => /Batch 2.2/.test(document.querySelector('.run-text')?.textContent)")
    web.page.keyboard.press("Escape")
    web.page.keyboard.press("Escape")
    web.page.wait_for_selector("html[data-txt2img-state=idle]")
