"""Habits of A1111's users, one after another on one page: each is a journey of its own, the page is opened once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.webui.conftest import PATIENCE, Easel, Watched, open_page

INFOTEXT = """a red ball
second line
Negative prompt: ugly, "quoted, text"
Steps: 5, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 12345, Size: 64x128, Denoising strength: 0.5, \
Hires upscale: 2, Hires steps: 3, Hires upscaler: Latent, ControlNet 0: "Module: none, Model: x", Version: v1.6.0"""


@pytest.fixture(scope="module")
def shared(browser: Browser, server: Easel) -> Iterator[Watched]:
    """One page for all of these journeys."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    watched = Watched(page, server.url)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    open_page(watched)
    yield watched
    context.close()


@pytest.fixture
def habit(shared: Watched) -> Iterator[Watched]:
    """That page, on txt2img with small pictures of a plain prompt."""
    shared.page.click("#tab_txt2img-button")
    for name, value in (("prompt", "a red ball"), ("neg_prompt", ""), ("seed", 7), ("width", 64), ("height", 64)):
        shared.fill(f"txt2img_{name}", value)
    shared.fill("txt2img_steps", 2)
    yield shared
    assert shared.errors == []


def caret(web: Watched, first: int, last: int) -> None:
    """Select a part of the prompt."""
    box = web.page.locator("#txt2img_prompt textarea")
    box.focus()
    box.evaluate("(box, [first, last]) => box.setSelectionRange(first, last)", [first, last])


def test_pasted_parameters_are_read_by_the_arrow(habit: Watched) -> None:
    habit.fill("txt2img_prompt", INFOTEXT)
    habit.page.click("#txt2img_tools #paste")
    habit.wait_value("txt2img_seed", "12345")
    wanted = {"prompt": "a red ball\nsecond line", "neg_prompt": 'ugly, "quoted, text"', "steps": "5"}
    wanted |= {"sampling": "DPM++ 2M", "scheduler": "Karras", "width": "64", "height": "128", "hr_scale": "2"}
    for name, value in wanted.items():
        habit.wait_value(f"txt2img_{name}", value)
    expect(habit.page.locator("#txt2img_hr-checkbox input")).to_be_checked()
    habit.page.uncheck("#txt2img_hr-checkbox input")


@pytest.mark.parametrize(
    ("text", "part", "keys", "result"),
    [
        ("a red cat", (2, 5), ("Control+ArrowUp",), "a (red:1.1) cat"),
        ("a (red:1.2) cat", (3, 3), ("Control+ArrowDown",), "a (red:1.1) cat"),
        ("<lora:film:1>", (7, 7), ("Control+ArrowUp",), "<lora:film:1.05>"),
        ("one, two, three", (6, 6), ("Alt+ArrowLeft",), "two, one, three"),
        ("one, two, three", (1, 1), ("Alt+ArrowRight", "Alt+ArrowRight"), "two, three, one"),
    ],
)
def test_keys_change_weights_and_move_tags(
    habit: Watched, text: str, part: tuple[int, int], keys: tuple[str, ...], result: str
) -> None:
    habit.page.locator("#txt2img_prompt textarea").fill(text)
    caret(habit, *part)
    for key in keys:
        habit.page.keyboard.press(key)
    assert habit.value("txt2img_prompt") == result


def test_ctrl_enter_makes_the_picture_and_its_seed_is_used_again(habit: Watched) -> None:
    page = habit.page
    page.click("#txt2img_random_seed")
    habit.wait_value("txt2img_seed", "-1")
    page.locator("#txt2img_prompt textarea").focus()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("html[data-txt2img-state=running]")
    page.wait_for_selector("html[data-txt2img-state=idle]")
    seed = re.search(r"Seed: (\d+)", habit.wait_text("html_info_txt2img", "a red ball"))
    assert seed is not None
    page.click("#txt2img_reuse_seed")
    habit.wait_value("txt2img_seed", seed[1])


def test_a_style_is_written_into_both_prompts(habit: Watched) -> None:
    page = habit.page
    page.click("#txt2img_styles input")
    page.locator("ul[role=listbox] li", has_text="Night").click()
    page.keyboard.press("Escape")
    page.click("#txt2img_style_apply")
    habit.wait_value("txt2img_prompt", "a red ball, night sky")
    habit.wait_value("txt2img_neg_prompt", "day")


def test_a_folder_goes_through_img2img(habit: Watched, server: Easel, tmp_path: Path) -> None:
    page, (given, made) = habit.page, (tmp_path / "in", tmp_path / "out")
    habit.generate()
    given.mkdir()
    for name in ("a.png", "b.png"):
        (given / name).write_bytes(server.pictures()[-1].read_bytes())
    page.click("#tab_img2img-button")
    page.click("#img2img_batch_tab-button")
    page.get_by_role("tab", name="From directory").click()
    for name, value in (("batch_input_dir", given), ("batch_output_dir", made), ("steps", 2)):
        habit.fill(f"img2img_{name}", value)
    page.click("#img2img_generate")
    habit.wait_text("html_log_img2img", "2 of 2 pictures were made")
    assert sorted(path.name for path in made.iterdir()) == ["a.png", "b.png"]
    page.click("#img2img_img2img_tab-button")


def test_a_script_of_the_list_makes_its_grid(habit: Watched) -> None:
    page = habit.page
    page.click("#script_list input")
    page.locator("ul[role=listbox] li", has_text="X/Y/Z plot").first.click()
    page.fill("#script_txt2img_xyz_plot_x_values :is(textarea, input)", "1,2")
    habit.generate()
    habit.wait_text("html_info_txt2img", 'X Values: "1,2"')
    page.click("#script_list input")
    page.locator("ul[role=listbox] li", has_text="None").first.click()


def test_a_kept_picture_is_offered_as_file_and_archive(habit: Watched) -> None:
    habit.generate()
    habit.page.click("#save_txt2img")
    habit.wait_text("download_files_txt2img", ".png")
    habit.page.click("#save_zip_txt2img")
    habit.wait_text("download_files_txt2img", ".zip")
