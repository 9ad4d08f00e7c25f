"""The settings tab in a browser: marks, the way back, files, defaults, actions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.webui.conftest import Easel, Watched, seconds_until

pytestmark = pytest.mark.shared_page


def test_a_setting_is_changed_marked_and_brought_back(web: Watched, tmp_path: Path) -> None:
    page = web.page
    page.click("#tab_settings-button")
    page.fill("#settings_search textarea, #settings_search input", "jpeg_quality")
    web.fill("setting_jpeg_quality", 57)
    page.click("#settings_submit")
    web.wait_text("settings_result", "1 setting changed")
    setting = page.locator("#setting_jpeg_quality")
    expect(setting).to_have_attribute("data-changed", "")
    page.fill("#settings_search textarea, #settings_search input", "")
    page.check("#settings_only_changed")
    expect(setting).to_be_visible()
    expect(page.locator("#setting_webp_lossless")).to_be_hidden()
    with page.expect_download() as download:
        page.click("#settings_export")
    download.value.save_as(tmp_path / "settings.json")
    assert json.loads((tmp_path / "settings.json").read_text(encoding="utf-8"))["jpeg_quality"] == 57
    setting.locator(".setting-reset").click()
    web.wait_value("setting_jpeg_quality", "80")
    expect(setting).not_to_have_attribute("data-changed", "")
    page.set_input_files("#settings_import", str(tmp_path / "settings.json"))
    web.wait_value("setting_jpeg_quality", "57")
    broken = tmp_path / "broken.json"
    broken.write_text("[1, 2", encoding="utf-8")
    page.set_input_files("#settings_import", str(broken))
    expect(page.locator("#easel_notices")).to_contain_text("broken.json holds no settings")
    setting.locator(".setting-reset").click()
    web.wait_value("setting_jpeg_quality", "80")
    page.uncheck("#settings_only_changed")
    assert web.errors == []


def test_what_the_controls_hold_becomes_what_they_begin_with(web: Watched, server: Easel) -> None:
    page = web.page
    web.fill("txt2img_cfg_scale", 9.5)
    page.click("#tab_settings-button")
    page.click("#settings_tab_defaults-button")

    def shows_the_change() -> bool:
        page.click("#ui_defaults_view")  # what was typed is kept a moment later
        page.wait_for_timeout(300)
        return "txt2img/CFG Scale" in page.inner_text("#ui_defaults_review")

    seconds_until(shows_the_change)
    page.click("#ui_defaults_apply")
    web.wait_text("ui_defaults_review", "from the next start")
    kept = json.loads((server.data / "ui-config.json").read_text(encoding="utf-8"))
    assert kept["txt2img/CFG Scale/value"] == 9.5
    assert kept["mine/own"] == 1  # keys of others stay
    page.click("#settings_tab_without_effect-button")
    expect(page.locator("#settings_tab_without_effect")).to_contain_text("gradio_theme")
    page.click("#settings_show_all_pages")
    expect(page.locator("#setting_webp_lossless")).to_be_visible()
    expect(page.locator("#setting_gradio_theme")).to_be_visible()
    page.click("#settings_show_one_page")
    expect(page.locator("#setting_webp_lossless")).to_be_hidden()
    page.click("#settings_tab_licenses-button")
    page.click("#licenses summary >> nth=0")
    expect(page.locator("#licenses pre").first).to_contain_text("Apache License")
    page.click("#settings_tab_actions-button")
    page.click("#sett_unload_sd_model")
    expect(page.locator("#easel_notices")).to_contain_text("The checkpoint is unloaded")
    assert web.errors == []
