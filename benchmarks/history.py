"""How long the history of many pictures takes: search, filters, parts of the list, marks; and its grid in a browser."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import Spread, table

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from modules.application.history import History

PICTURES = 100_000
WORDS = (
    *("castle", "river", "mountain", "portrait of", "an old sailor", "watercolour", "oil painting", "city", "night"),
    *("rain", "neon", "forest", "light", "fog", "cat", "dog", "owl", "robot", "detailed", "sharp", "soft", "morning"),
    *("evening", "winter", "autumn", "ruins", "temple", "garden", "flowers", "bridge", "harbour"),
)
SAMPLERS = ("Euler a", "DPM++ 2M", "DPM++ SDE", "UniPC", "DDIM")

Times = dict[str, float]


def measure(
    rounds: int, say: Callable[[str], None] = print, pictures: int = PICTURES, *, browser: bool = True
) -> dict[str, Any]:
    """Seconds of each question, and of the grid where a browser can be started."""
    from modules.application.database import Database
    from modules.application.history import History

    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as folder:
        data = Path(folder)
        database = Database(data / "easel.sqlite")
        history = History(database, data)
        say(f"  writing {pictures:,} pictures into the history")
        begin = time.perf_counter()
        fill(history, pictures)
        filled = time.perf_counter() - begin
        times = [_once(history) for _ in range(rounds)]
        database.close()
        shown = _in_a_browser(data, pictures, say) if browser else None
        size = (data / "easel.sqlite").stat().st_size
    return {"pictures": pictures, "bytes": size, "filled": filled, "questions": _spreads(times), "grid": shown}


def fill(history: History, pictures: int, seed: int = 0) -> None:
    """Put invented pictures into the history, with parameters of the usual length."""
    chance = random.Random(seed)
    for first in range(0, pictures, 5000):
        rows: list[tuple[Any, ...]] = []
        for number in range(first, min(first + 5000, pictures)):
            prompt = ", ".join(chance.choices(WORDS, k=30))
            model, sampler = f"model-{chance.randrange(20)}", chance.choice(SAMPLERS)
            infotext = (
                f"{prompt}\nNegative prompt: blurry, bad hands\nSteps: 25, Sampler: {sampler}, CFG scale: 7, "
                f"Seed: {number}, Size: 512x512, Model: {model}, " + "Version: 1.10.1, " * 12
            )
            path = f"outputs/txt2img-images/{number:06d}.png"
            rows.append(
                (
                    *(
                        f"{number:024x}",
                        f"job-{number // 4}",
                        "sample",
                        1.7e9 + number,
                        path,
                        512,
                        512,
                        str(number),
                        "-1",
                    ),
                    *(prompt, "blurry, bad hands", model, "abcd", "ink" if number % 7 == 0 else "", infotext, sampler),
                    f"{number:032x}",
                )
            )
        history.insert(rows)


def _once(history: History) -> Times:
    from modules.application.history_search import Search

    everything, words = Search(), Search(text="watercolour harb")
    numbers = history.numbers(everything)
    middle = numbers[len(numbers) // 2]
    return {
        "all numbers": _timed(lambda: history.numbers(everything)),
        "first part of 100": _timed(lambda: history.search(everything, limit=100)),
        "a part in the middle": _timed(lambda: history.search(everything, before=middle, limit=100)),
        "words, all that fit": _timed(lambda: history.numbers(words)),
        "words and filters": _timed(
            lambda: history.numbers(Search(text="owl", model="model-7", sampler="DPM", network="ink"))
        ),
        "one seed": _timed(lambda: history.numbers(Search(seed=numbers[-1]))),
        "a rating that few have": _timed(lambda: history.numbers(Search(rating=5))),
        "counts by model": _timed(lambda: history.counts(everything, "model")),
        "by pixels": _timed(lambda: history.with_pixels(f"{77:032x}")),
        "500 marked": _timed(lambda: history.change(numbers[:500], {"rating": 4})),
    }


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _in_a_browser(data: Path, pictures: int, say: Callable[[str], None]) -> Times | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        say("  the grid: left out, playwright is not installed")
        return None
    from benchmarks.page_server import chromium, serving_page

    with serving_page(data) as url, sync_playwright() as playwright:
        browser = chromium(playwright)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(url)
        page.wait_for_selector("html[data-inputs=restored]", timeout=120_000)
        times = grid(page, pictures)
        browser.close()
    return times


def grid(page: Page, pictures: int) -> Times:
    """Seconds until the first cells and after a search, and the frames of a scroll through the whole grid.

    `page` is the page of an Easel with so many invented pictures, ready to be used.
    """
    opened = page.evaluate(OPEN)
    frames = page.evaluate(SCROLL)
    begin = time.perf_counter()
    page.fill("#history_search", "watercolour harb")
    page.wait_for_function(
        "all => !document.querySelector('.history-count').textContent.includes(all)", arg=f"{pictures:,}"
    )
    searched = time.perf_counter() - begin
    cells = page.locator(".virtual-cell").count()
    return {
        "until the first cells": opened,
        "frame of a scroll, median": frames[len(frames) // 2] / 1000,
        "frame of a scroll, 95 of 100": frames[len(frames) * 95 // 100] / 1000,
        "typed until filtered": searched,
        "cells in the document": float(cells),
    }


OPEN = """async () => {
  const begin = performance.now();
  document.querySelector('#tab_history-button').click();
  while (!document.querySelector('.virtual-cell[aria-label]')) {
    await new Promise(requestAnimationFrame);
  }
  return (performance.now() - begin) / 1000;
}"""

SCROLL = """async () => {
  const grid = document.querySelector('.virtual-grid');
  const frames = [];
  let last = performance.now();
  for (let step = 1; step <= 120; step++) {
    grid.scrollTop = grid.scrollHeight * step / 120;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  return frames.sort((one, other) => one - other);
}"""


def _spreads(times: list[Times]) -> dict[str, Any]:
    return {name: Spread.of([each[name] for each in times]).as_dict() for name in times[0]}


def show(result: Mapping[str, Any]) -> str:
    """The table of one result."""
    rows = [
        [name, f"{spread['min'] * 1000:.1f} / {spread['median'] * 1000:.1f} / {spread['max'] * 1000:.1f} ms"]
        for name, spread in result["questions"].items()
    ]
    for name, value in (result["grid"] or {}).items():
        rows.append([f"grid: {name}", f"{value:.0f}" if name.startswith("cells") else f"{value * 1000:.1f} ms"])
    head = f"{result['pictures']:,} pictures, {result['bytes'] / 1e6:.0f} MB, filled in {result['filled']:.1f} s\n"
    return head + table(["question", "least / median / greatest"], rows)
