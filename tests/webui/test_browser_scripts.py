"""The list of scripts in a real browser: choosing one, its controls, what they make, and what is kept of them."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, expect

from tests.webui.conftest import PATIENCE, Watched, open_page

LONG = PATIENCE * 1000


def choose(web: Watched, where: str, entry: str) -> None:
    """Choose an entry of a dropdown, and wait until it is chosen."""
    box = web.page.locator(f"{where} input").first
    box.click()
    box.fill(entry)
    box.press("Enter")
    expect(box).to_have_value(entry, timeout=LONG)


def values(web: Watched, letter: str) -> Locator:
    """The boxes for the values of an axis that are seen."""
    boxes = web.page.get_by_label(f"{letter} values")
    return boxes.locator("visible=true")


def test_a_plot_is_asked_for_swapped_made_and_still_there_after_a_reload(web: Watched) -> None:
    page, xyz = web.page, "#script_txt2img_xyz_plot"
    web.fill("txt2img_prompt", "a plot of a house")
    web.fill("txt2img_seed", 77)
    expect(page.locator(f"{xyz}_x_type")).to_be_hidden()
    choose(web, "#txt2img_script_container #script_list", "X/Y/Z plot")
    expect(page.locator(f"{xyz}_x_type")).to_be_visible()
    expect(page.locator("#script_txt2img_prompt_matrix_margin_size")).to_be_hidden()

    choose(web, f"{xyz}_x_type", "Steps")
    web.fill("script_txt2img_xyz_plot_x_values", "1,2")
    choose(web, f"{xyz}_y_type", "Schedule type")
    expect(page.locator(f"{xyz}_y_values")).to_be_hidden(timeout=LONG)
    page.locator("#xyz_grid_fill_y_tool_button").first.click()
    chosen = page.locator("#txt2img_script_container .token")
    expect(chosen.filter(has_text="Karras")).to_have_count(1, timeout=LONG)
    page.locator("#xy_grid_swap_axes_button").first.click()
    web.wait_value("script_txt2img_xyz_plot_x_type", "Schedule type")
    web.wait_value("script_txt2img_xyz_plot_y_values", "1,2")
    expect(chosen.filter(has_text="Karras")).to_have_count(1, timeout=LONG)
    page.locator(f"{xyz}_csv_mode input").check()
    box = page.locator(f"{xyz}_x_values textarea")
    expect(box).to_have_value(re.compile("Automatic,Uniform,Karras"), timeout=LONG)
    web.fill("script_txt2img_xyz_plot_x_values", "Karras, Exponential")

    web.generate()
    text = web.wait_text("html_info_txt2img", "Script: X/Y/Z plot")
    assert 'X Type: Schedule type, X Values: "Karras, Exponential", Y Type: Steps, Y Values: "1,2"' in text
    page.wait_for_timeout(800)  # what is typed is kept half a second later

    open_page(web)
    web.wait_value("script_txt2img_xyz_plot_x_values", "Karras, Exponential")
    expect(page.locator("#txt2img_script_container #script_list input").first).to_have_value("X/Y/Z plot")
    expect(page.locator(f"{xyz}_csv_mode input")).to_be_checked()
    web.fill("script_txt2img_xyz_plot_x_values", "")
    choose(web, "#txt2img_script_container #script_list", "None")
    expect(page.locator(f"{xyz}_x_type")).to_be_hidden()
    web.fill("txt2img_prompt", text)
    page.click("#paste")
    web.wait_value("script_txt2img_xyz_plot_x_values", "Karras, Exponential")
    expect(page.locator("#txt2img_script_container #script_list input").first).to_have_value("X/Y/Z plot", timeout=LONG)
    choose(web, "#txt2img_script_container #script_list", "None")
    assert web.errors == []


def test_prompts_come_out_of_a_file_and_a_matrix_out_of_a_prompt(web: Watched, tmp_path: Path) -> None:
    page, lines = web.page, tmp_path / "lines.txt"
    lines.write_text('first of the file\n--prompt "second of the file" --steps 2\n', encoding="utf-8")
    choose(web, "#txt2img_script_container #script_list", "Prompts from file or textbox")
    page.locator("#txt2img_script_container input[type=file]").set_input_files(lines)
    box = page.get_by_label("List of prompt inputs").locator("visible=true")
    expect(box).to_have_value(re.compile("second of the file"), timeout=LONG)
    web.fill("txt2img_prompt", "")
    web.generate()
    web.wait_text("html_info_txt2img", "first of the file")
    page.click("#txt2img_gallery .thumbnails button >> nth=1")
    assert "Steps: 2" in web.wait_text("html_info_txt2img", "second of the file")

    choose(web, "#txt2img_script_container #script_list", "Prompt matrix")
    web.fill("txt2img_prompt", "a garden|in spring|at night")
    web.generate()
    page.wait_for_function("() => document.querySelectorAll('#txt2img_gallery .thumbnails button').length === 5")
    page.click("#txt2img_gallery .thumbnails button >> nth=4")
    web.wait_text("html_info_txt2img", "a garden, in spring, at night")
    choose(web, "#txt2img_script_container #script_list", "None")
    assert web.errors == []


def test_a_style_sheet_comes_back_from_its_parameters(web: Watched) -> None:
    page, sheet = web.page, "script_txt2img_style_sheet"
    fields = 'Script: Style sheet, Style sheet words: "by one, two\\nflat color", Style sheet weights: "0.4, 0.8"'
    more = "Style sheet together: 2, Style sheet place: end"
    web.fill("txt2img_prompt", f"a cat\nSteps: 2, Seed: 3, Size: 64x64, {fields}, {more}")
    page.click("#paste")
    web.wait_value(f"{sheet}_words", "by one, two\nflat color")
    web.wait_value(f"{sheet}_weights", "0.4, 0.8")
    web.wait_value(f"{sheet}_together", "2")
    expect(page.locator(f"#{sheet}_place").get_by_label("end")).to_be_checked()
    expect(page.locator("#txt2img_script_container #script_list input").first).to_have_value(
        "Style sheet", timeout=LONG
    )
    choose(web, "#txt2img_script_container #script_list", "None")
    assert web.errors == []


def test_loopback_makes_rounds_out_of_a_picture(web: Watched, tmp_path: Path) -> None:
    page = web.page
    Image.effect_noise((64, 64), 60).convert("RGB").save(tmp_path / "begin.png")
    page.click("#tab_img2img-button")
    page.click("#img2img_img2img_tab-button")
    page.set_input_files("#img2img_image input[type=file]", tmp_path / "begin.png")
    page.wait_for_selector("#img2img_image img")
    web.fill("img2img_width", 64)
    web.fill("img2img_height", 64)
    web.fill("img2img_steps", 2)
    choose(web, "#img2img_script_container #script_list", "Loopback")
    web.fill("script_loopback_loops", 2)
    web.fill("script_loopback_final_denoising_strength", 0.25)
    web.generate("img2img")
    page.wait_for_function("() => document.querySelectorAll('#img2img_gallery .thumbnails button').length === 3")
    web.wait_text("html_info_img2img", "Final denoising strength: 0.25")
    choose(web, "#img2img_script_container #script_list", "None")
    assert web.errors == []
