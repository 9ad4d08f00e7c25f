"""Jobs and results in a browser: generate forever, the queue, pages that come and go, a killed server, the viewer."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.webui.conftest import PATIENCE, Easel, Watched, easel, free_port, open_page, seconds_until
from tests.webui.drawn_canvas import Canvas, open_canvas
from tests.webui.waiting_webui import HALF_A_SECOND, TWO_SECONDS

pytestmark = pytest.mark.shared_page

MORE_MADE = "(before) => parseInt(document.getElementById('easel_standing').innerText.match(/\\d+/)[0]) > before"
WHAT_LIES_ON_GENERATE = """() => {
  const { x, y, width, height } = document.getElementById('txt2img_generate').getBoundingClientRect();
  return document.elementFromPoint(x + width / 2, y + height / 2)?.closest('[id]').id;
}"""


@pytest.fixture(autouse=True)
def calm(server: Easel) -> Iterator[None]:
    """After each test nothing is left that would make pictures in the next one."""
    yield
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        for job in client.get("/api/v1/standing").json()["standing"]:
            if job["state"] in ("running", "paused"):
                client.post(f"/api/v1/standing/{job['id']}/stop", json={"stop": "now"})
        queue = client.get("/api/v1/queue").json()
        for job in (*queue["waiting"], *queue["running"]):
            client.post(f"/api/v1/jobs/{job['id']}/cancel")
        client.post("/api/v1/queue/resume")
        seconds_until(lambda: not client.get("/api/v1/queue").json()["running"])


def menu(web: Watched, entry: str) -> None:
    """Choose an entry of the menu of Generate."""
    web.page.locator("#txt2img_generate_box").click(button="right")
    web.page.click(f".easel-menu >> text={entry}")


def open_beside(page: Page, url: str) -> Watched:
    """Another page, which may find a run going on, and then has no Generate."""
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(url)
    page.wait_for_selector("html[data-inputs=restored]")
    page.wait_for_selector("#easel_queue_button")
    return Watched(page, url)


def idle(web: Watched) -> None:
    web.page.wait_for_selector("html[data-txt2img-state=idle]", timeout=PATIENCE * 1000)


def test_generate_forever_goes_on_without_the_page_and_is_stopped_from_another_browser(
    new_web: Watched, browser: Browser
) -> None:
    new_web.fill("txt2img_prompt", "forever and ever")
    new_web.fill("txt2img_steps", HALF_A_SECOND)
    menu(new_web, "Generate forever")
    note = new_web.page.locator("#easel_standing")
    expect(note).to_contain_text("Generating forever", timeout=PATIENCE * 1000)
    expect(note).to_contain_text(re.compile(r"([2-9]|\d\d) made"), timeout=PATIENCE * 1000)
    new_web.page.wait_for_function(
        "() => document.querySelector('#html_info_txt2img')?.textContent.includes('forever and ever')"
    )
    new_web.page.close()
    with browser.new_context() as context, context.new_page() as page:
        other = open_beside(page, new_web.url)
        note = page.locator("#easel_standing")
        expect(note).to_contain_text("Generating forever")
        before = int(re.findall(r"\d+", note.inner_text())[0])
        page.wait_for_function(MORE_MADE, arg=before)
        note.locator("button").click()
        expect(note).to_have_count(0, timeout=PATIENCE * 1000)
        other.wait_text("html_info_txt2img", "forever and ever")
    assert new_web.errors == []


def test_what_waits_is_seen_moved_paused_and_cancelled(web: Watched) -> None:
    page = web.page
    page.click("#easel_queue_button")
    page.click("#easel_queue >> text=Pause the queue")
    expect(page.locator("#easel_queue_button")).to_have_text("Queue paused")
    for words in ("the first", "the second", "the third"):
        web.fill("txt2img_prompt", words)
        menu(web, "Enqueue")
        expect(page.locator(f".queue-row:has-text('{words}')")).to_have_count(1)
    expect(page.locator(".toast-body")).not_to_have_count(0)
    assert page.evaluate(WHAT_LIES_ON_GENERATE) == "txt2img_generate"  # and not what was just said
    rows = page.locator(".queue-row[data-state=waiting], .queue-row[data-state=paused]")
    expect(rows).to_have_text([re.compile("the first"), re.compile("the second"), re.compile("the third")])
    expect(rows.first).to_contain_text("tiny")
    rows.nth(2).locator("text=Up").click()
    expect(rows).to_have_text([re.compile("the first"), re.compile("the third"), re.compile("the second")])
    rows.nth(1).locator("text=First").click()
    expect(rows).to_have_text([re.compile("the third"), re.compile("the first"), re.compile("the second")])
    rows.nth(0).locator("text=Cancel").click()
    expect(rows).to_have_count(2)
    rows.nth(0).locator("text=Pause").click()
    expect(rows.nth(0)).to_contain_text("paused")
    page.click("#easel_queue >> text=Resume the queue")
    web.wait_text("html_info_txt2img", "the second")
    expect(rows).to_have_text([re.compile("the first")])
    rows.nth(0).locator("text=Resume").click()
    web.wait_text("html_info_txt2img", "the first")
    cancelled = page.locator(".queue-row[data-state=interrupted]:has-text('the third')")
    cancelled.locator("text=Retry").click()
    web.wait_text("html_info_txt2img", "the third")
    page.click("#easel_queue_button")
    assert web.errors == []


def test_the_running_job_is_shown_on_another_device_and_stops_after_this_image(web: Watched, browser: Browser) -> None:
    web.fill("txt2img_prompt", "seen from afar")
    web.fill("txt2img_steps", TWO_SECONDS)
    web.fill("txt2img_batch_count", 9)
    web.page.click("#txt2img_generate")
    web.page.wait_for_function("() => /Step/.test(document.querySelector('.run-text')?.textContent)")
    with browser.new_context() as context, context.new_page() as page:
        other = open_beside(page, web.url)
        page.wait_for_selector(".progressDiv")
        page.wait_for_function("() => /Step/.test(document.querySelector('.run-text')?.textContent)")
        menu(other, "Stop after this image")
        idle(other)
        other.wait_text("html_info_txt2img", "seen from afar")
    idle(web)
    web.wait_text("html_log_txt2img", "fewer pictures were finished")
    assert web.errors == []


def test_the_last_pictures_come_back_and_can_be_kept(web: Watched, browser: Browser) -> None:
    web.fill("txt2img_prompt", "kept for later")
    web.fill("txt2img_seed", 12)
    web.generate()
    with browser.new_context() as context, context.new_page() as page:
        other = open_beside(page, web.url)
        other.wait_text("html_info_txt2img", "kept for later")
        page.click("#save_txt2img")
        other.wait_text("html_log_txt2img", "Saved")


def test_the_viewer_turns_zooms_compares_and_closes(web: Watched) -> None:
    page = web.page
    web.fill("txt2img_batch_count", 2)
    web.fill("txt2img_seed", 70)
    web.generate()
    expect(page.locator("#txt2img_gallery .thumbnails .thumbnail-item")).to_have_count(3)
    expect(page.locator("#txt2img_gallery .thumbnails .thumbnail-item").nth(2)).to_have_attribute("title", "Seed 71")
    page.click("#txt2img_gallery .preview .media-button")
    expect(page.locator("#lightboxModal")).to_be_visible()
    position = page.locator(".lightbox-position")
    expect(position).to_have_text("1 / 3")
    page.keyboard.press("ArrowRight")
    expect(position).to_have_text("2 / 3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(position).to_have_text("3 / 3")
    web.wait_text("html_info_txt2img", "Seed: 71")  # the gallery goes along
    expect(page.locator(".lightbox-frame")).to_have_attribute("data-crisp", "")
    page.keyboard.press("c")
    expect(page.locator(".lightbox-compare")).to_be_visible()
    page.keyboard.press("i")
    expect(page.locator(".lightbox-text")).to_contain_text("Seed: 71")
    page.keyboard.press("Escape")
    expect(page.locator("#lightboxModal")).to_have_count(0)
    assert page.locator("#modalImage").count() == 0
    assert web.errors == []


def test_a_favourite_is_found_in_the_history(web: Watched) -> None:
    page = web.page
    web.fill("txt2img_prompt", "my favourite by far")
    web.generate()
    page.click("#txt2img_favourite")
    expect(page.locator("text=A favourite")).to_be_visible()
    page.click("#tab_history-button")
    page.fill("#history_search", "favourite by far")
    page.select_option("#history_shown", "favourite")
    expect(page.locator(".virtual-cell")).to_have_count(1)
    expect(page.locator(".virtual-cell")).to_contain_text("♥")
    page.select_option("#history_shown", "")


def change_everything(web: Watched, canvas: Canvas) -> np.ndarray:
    """Type, choose and draw; gives what is painted."""
    page = web.page
    web.fill("txt2img_neg_prompt", "typed while it was away")
    web.fill("txt2img_seed", 321)
    page.check("#txt2img_hr-checkbox input")
    page.click("#txt2img_sampling input")
    page.get_by_role("option", name="Euler a", exact=True).click()
    page.locator("#txt2img_cfg_scale input[type=range]").press("ArrowRight")
    page.click("#tab_img2img-button")
    page.get_by_text("Crop and resize", exact=True).click()
    canvas.mask_box(10, 10, 30, 20)
    expect(canvas.part("note")).to_contain_text("could not be reached")
    painted = canvas.alpha()
    page.click("#tab_txt2img-button")
    return painted


def everything_is_back(web: Watched, canvas: Canvas, painted: np.ndarray) -> None:
    """What `change_everything` did is there."""
    page = web.page
    web.wait_value("txt2img_neg_prompt", "typed while it was away")
    web.wait_value("txt2img_seed", "321")
    expect(page.locator("#txt2img_hr-checkbox input")).to_be_checked()
    page.uncheck("#txt2img_hr-checkbox input")
    web.wait_value("txt2img_sampling", "Euler a")
    web.wait_value("txt2img_cfg_scale", "7.5")
    page.click("#tab_img2img-button")
    expect(page.get_by_label("Crop and resize")).to_be_checked()
    canvas.wait_open()
    seconds_until(lambda: np.array_equal(canvas.alpha(), painted))
    page.click("#tab_txt2img-button")


def test_a_killed_server_is_missed_and_found_again_with_prompt_queue_and_pictures(
    page: Page, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    shutil.copytree(data / "models", folder / "models")
    shutil.copy(data / "ui-config.json", folder)
    port = free_port()
    with easel(folder, port) as server:
        web = Watched(page, server.url)
        open_page(web)
        assert not page.is_visible("#txt2img_upscale")  # nothing was made yet
        web.fill("txt2img_prompt", "before the end")
        web.generate()
        web.fill("txt2img_prompt", "typed before the end")
        canvas = open_canvas(web, "img2img_inpaint_tab", "img2maskimg")
        canvas.give(server.pictures()[-1])
        page.click("#tab_txt2img-button")
        page.click("#easel_queue_button")
        page.click("#easel_queue >> text=Pause the queue")
        menu(web, "Enqueue")
        expect(page.locator(".queue-row[data-state=waiting]")).to_have_count(1)
        page.locator(".toast-close").click()
        page.wait_for_timeout(1000)  # what was typed is kept half a second later
        server.kill()
        expect(page.locator("#easel_notices")).to_contain_text("connection to Easel is lost", timeout=PATIENCE * 1000)
        painted = change_everything(web, canvas)
        page.click("#txt2img_generate")
        page.wait_for_timeout(1500)
        expect(page.locator(".toast-body")).to_have_count(0)  # it is said once
    with easel(folder, port) as server:
        expect(page.locator("#easel_notices .connection")).to_have_count(0, timeout=PATIENCE * 1000)
        open_page(web)
        web.wait_value("txt2img_prompt", "typed before the end")
        everything_is_back(web, canvas, painted)
        web.wait_text("html_info_txt2img", "before the end")
        page.fill("#txt2img_prompt textarea", "")
        page.locator("#txt2img_tools button.paste").click()
        web.wait_value("txt2img_prompt", "before the end")
        page.click("#easel_queue_button")
        expect(page.locator(".queue-row[data-state=waiting]")).to_contain_text("typed before the end")
        page.click("#easel_queue >> text=Resume the queue")
        web.wait_text("html_info_txt2img", "typed before the end")


def test_the_history_is_searched_chosen_from_thrown_away_and_sent(web: Watched, tmp_path: Path) -> None:
    page = web.page
    animal = f"walrus{secrets.token_hex(4)}"  # what another try left in the history has another name
    for seed in (501, 502):
        web.fill("txt2img_prompt", f"a {animal} in the history")
        web.fill("txt2img_seed", seed)
        web.generate()
    web.fill("txt2img_prompt", "something else")
    page.click("#tab_history-button")
    cells = page.locator(".virtual-cell")
    page.fill("#history_search", f"{animal} hist")
    expect(page.locator(".history-count")).to_have_text("2 pictures")
    page.fill("#history_seed", "501")
    expect(cells).to_have_count(1)
    page.fill("#history_seed", "")
    expect(cells).to_have_count(2)
    cells.nth(0).click()
    cells.nth(1).click(modifiers=["Shift"])
    expect(page.locator(".history-count")).to_have_text("2 of 2 chosen")
    page.click(".history-actions >> text=Compare parameters")
    expect(page.locator(".infotext-diff tr[data-differs] th")).to_have_text(["Seed"])
    page.click("dialog[open] >> text=Close")
    with page.expect_download() as download:
        page.click(".history-actions >> text=Table (CSV)")
    download.value.save_as(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text(encoding="utf-8").count(animal) == 2
    page.keyboard.press("Escape")
    expect(page.locator(".history-count")).to_have_text("2 pictures")
    cells.nth(1).click()
    page.click(".history-actions >> text=To txt2img")
    web.wait_value("txt2img_prompt", f"a {animal} in the history")
    page.click("#tab_history-button")
    thrown = f".virtual-cell[data-number='{cells.nth(1).get_attribute('data-number')}']"
    page.click(".history-actions >> text=Trash")
    expect(page.locator(".history-count")).to_have_text("1 picture")
    page.select_option("#history_shown", "trash")
    page.click(thrown)
    page.click(".history-actions >> text=Restore")
    expect(page.locator(".history-count")).to_have_text("0 pictures")
    page.select_option("#history_shown", "")
    expect(page.locator(".history-count")).to_have_text("2 pictures")
    assert web.errors == []


def test_what_the_page_wrote_into_a_prompt_is_undone_and_earlier_prompts_are_offered(web: Watched) -> None:
    page = web.page
    web.fill("txt2img_prompt", "an earlier prompt")
    web.generate()
    web.fill("txt2img_prompt", "typed by hand")
    box = page.locator("#txt2img_prompt textarea")
    page.locator("#txt2img_tools button.paste").click(button="right")
    page.click(".easel-menu >> text=an earlier prompt")
    expect(box).to_have_value("an earlier prompt")
    box.focus()
    page.keyboard.press("Control+z")
    expect(box).to_have_value("typed by hand")
    page.keyboard.press("Control+Shift+z")
    expect(box).to_have_value("an earlier prompt")
    page.keyboard.press("Control+End")
    page.keyboard.type(" and more")
    page.keyboard.press("Control+z")
    expect(box).to_have_value("an earlier prompt")
    web.wait_text("txt2img_token_counter", "3/75")  # Gradio has heard of it
    assert web.errors == []
