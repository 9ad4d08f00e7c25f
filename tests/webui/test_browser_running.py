"""A run as the page shows it: progress, preview, interrupt, skip, and pages that come and go."""

from __future__ import annotations

import random
import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.webui.conftest import PATIENCE, Easel, Watched, open_page, seconds_until
from tests.webui.waiting_webui import LONG, TWO_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Request, Route

pytestmark = pytest.mark.shared_page


def long_run(web: Watched, **more: int) -> None:
    """Begin a run that takes a while, and wait until its progress is seen."""
    web.fill("txt2img_steps", LONG)
    for name, value in more.items():
        web.fill(f"txt2img_{name}", value)
    web.page.click("#txt2img_generate")
    web.page.wait_for_selector(".progressDiv")


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


def test_answers_that_come_before_their_call_has_a_number_leave_no_connection_open(web: Watched) -> None:
    page = web.page
    streams: set[Request] = set()

    def answer_late(route: Route) -> None:
        response = route.fetch()
        time.sleep(0.6)
        route.fulfill(response=response)

    def opened(request: Request) -> None:
        if "/queue/data?" in request.url:
            streams.add(request)

    def ended(request: Request) -> None:
        streams.discard(request)

    page.on("request", opened)
    page.on("requestfinished", ended)
    page.on("requestfailed", ended)
    long_run(web)
    assert streams  # what else is asked for is answered there, too
    page.route("**/queue/join?**", answer_late)
    web.fill("txt2img_prompt", "a red house")
    web.wait_text("txt2img_token_counter", "3/75")
    page.unroute("**/queue/join?**")
    page.click("#txt2img_interrupt")
    page.wait_for_selector("html[data-txt2img-state=idle]")
    end = time.monotonic() + PATIENCE
    while streams:
        assert time.monotonic() < end, "A connection stays open."
        page.wait_for_timeout(100)
    page.remove_listener("request", opened)


def test_a_run_that_is_refused_before_it_begins_is_over(web: Watched) -> None:
    page = web.page
    page.evaluate(
        """() => {
            const box = document.querySelector("#txt2img_prompt textarea");
            box.value = "a".repeat(1_000_001);
            box.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    page.click("#txt2img_generate")
    page.wait_for_selector(".toast-body")
    page.wait_for_selector("html[data-txt2img-state=idle]")
    assert page.is_visible("#txt2img_generate")
    assert page.evaluate("document.querySelector('#txt2img_prompt textarea').value.length") == 1_000_001
    web.fill("txt2img_prompt", "shorter")
    web.generate()
    web.wait_text("html_info_txt2img", "shorter")


ON_TOP = """(selector) => {
  const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
  return Boolean(document.elementFromPoint(x + width / 2, y + height / 2)?.closest(selector));
}"""


def test_a_preview_is_shown_while_the_picture_is_made_over_the_pictures_of_before(web: Watched) -> None:
    web.generate()
    web.page.wait_for_selector("#txt2img_gallery .preview")
    long_run(web)
    web.page.wait_for_function("() => document.querySelector('.livePreview img')?.naturalWidth > 0")
    web.page.locator(".progressDiv").scroll_into_view_if_needed()
    assert web.page.evaluate(ON_TOP, ".progressDiv")
    assert web.page.evaluate(ON_TOP, ".livePreview")
    # The bar is as full as its words say, from the first share on.
    web.page.wait_for_selector(".progressDiv:not([data-unknown])")
    told, shown = web.page.evaluate(
        """() => [
            parseInt(document.querySelector(".run-text").textContent),
            100 * document.querySelector(".progress").offsetWidth / document.querySelector(".run-track").offsetWidth,
        ]"""
    )
    assert abs(told - shown) < 5
    web.page.keyboard.press("Escape")
    web.page.wait_for_selector("html[data-txt2img-state=idle]")
    assert web.page.query_selector(".livePreview") is None


def test_with_several_batches_interrupt_first_finishes_the_batch(web: Watched) -> None:
    web.fill("txt2img_steps", TWO_SECONDS)
    web.fill("txt2img_batch_count", 20)
    web.fill("txt2img_seed", 31)
    web.page.click("#txt2img_generate")
    web.page.wait_for_function("() => /Batch/.test(document.querySelector('.run-text')?.textContent)")
    web.page.click("#txt2img_interrupt")
    web.page.wait_for_selector("html[data-txt2img-state=idle]")
    web.wait_text("html_info_txt2img", "Seed: 31")


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


def test_a_closed_page_loses_no_picture(new_web: Watched, server: Easel) -> None:
    before = len(server.pictures())
    new_web.fill("txt2img_batch_count", 3)
    new_web.page.click("#txt2img_generate")
    new_web.page.wait_for_selector(".progressDiv")
    new_web.page.wait_for_function("() => !/starting/.test(document.querySelector('.run-text')?.textContent)")
    new_web.page.close()
    seconds_until(lambda: len(server.pictures()) >= before + 3)


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


def test_the_save_buttons_keep_the_selected_picture_and_pack_it(web: Watched, server: Easel) -> None:
    seed = random.randrange(10**6, 10**9)  # the server is shared: others have saved pictures, too
    folder = server.data / "log" / "images"
    zips = len(list(folder.glob("*.zip")))
    web.fill("txt2img_seed", seed)
    web.page.click("#txt2img_generate")
    web.wait_text("html_info_txt2img", f"Seed: {seed}")
    web.page.click("#save_txt2img")
    assert re.search(rf"\d{{5}}-{seed}", web.wait_text("html_log_txt2img", "Saved"))
    assert len(list(folder.glob(f"*-{seed}*.png"))) == 1
    assert str(seed) in (folder / "log.csv").read_text(encoding="utf-8")
    web.page.click("#save_zip_txt2img")
    web.wait_text("html_log_txt2img", ".zip")
    assert len(list(folder.glob("*.zip"))) == zips + 1
    web.page.wait_for_selector("#download_files_txt2img a[href*='.zip']")
