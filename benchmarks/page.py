"""The page in a browser: until it can be used, how much it is, and how soon it answers while pictures are made."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import history, page_lists
from benchmarks.report import Spread, table
from benchmarks.startup import STARTER

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

KEYS = 120
"""Keys that are pressed while pictures are made."""

USABLE = "html[data-inputs=restored]"
"""What the page's scripts say once everything that was kept is back and everything typed from now on is kept."""

Figures = dict[str, float]


def measure(
    rounds: int, say: Callable[[str], None] = print, pictures: int = history.PICTURES, *, generating: bool = True
) -> dict[str, Any]:
    """Open the page `rounds` times in a browser that never saw it, and once more each in one that did."""
    from playwright.sync_api import sync_playwright

    from benchmarks.page_server import chromium, serving_page
    from modules.application.database import Database
    from modules.application.history import History

    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as folder:
        data = Path(folder)
        say(f"  writing {pictures:,} pictures into the history")
        database = Database(data / "easel.sqlite")
        history.fill(History(database, data), pictures)
        database.close()
        page_lists.fill(data)
        with serving_page(data) as url, sync_playwright() as playwright:
            browser = chromium(playwright)
            opened = [_opened(browser, url, say) for _ in range(rounds)]
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(url)
            page.wait_for_selector(USABLE, timeout=120_000)
            typed = _typed(page, say) if generating and STARTER.exists() else None
            grid = history.grid(page, pictures) if pictures else None
            lists = _lists(browser, url)
            browser.close()
    names = opened[0]
    return {
        "rounds": rounds,
        "opening": {name: Spread.of([each[name] for each in opened]).as_dict() for name in names},
        "typing": typed,
        "grid": grid,
        "lists": lists,
    }


def _lists(browser: Browser, url: str) -> Figures:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(url)
    page.wait_for_selector(USABLE, timeout=120_000)
    return page_lists.measure(page)


def _opened(browser: Browser, url: str, say: Callable[[str], None]) -> Figures:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    first = _seconds_to_usable(page, lambda: page.goto(url))
    used = metrics_of(devtools)["TaskDuration"]
    devtools.send("HeapProfiler.collectGarbage")
    held = metrics_of(devtools)
    figures: Figures = {
        "seconds to usable": first,
        "processor seconds of its thread": used,
        "MB of scripts' memory": held["JSHeapUsedSize"] / 1e6,
        **page.evaluate(COUNTS),
    }
    figures["seconds to usable, again"] = _seconds_to_usable(page, page.reload)
    context.close()
    say(f"  usable after {first:.2f} s, again after {figures['seconds to usable, again']:.2f} s")
    return figures


def _seconds_to_usable(page: Page, go: Callable[[], object]) -> float:
    begin = time.perf_counter()
    go()
    page.wait_for_selector(USABLE, timeout=120_000)
    return time.perf_counter() - begin


def metrics_of(devtools: CDPSession) -> Figures:
    """What the browser has counted of the page so far, by its names."""
    return {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}


COUNTS = """() => {
  const [page] = performance.getEntriesByType('navigation');
  const files = performance.getEntriesByType('resource');
  const told = window.gradio_config;
  return {
    'MB of the document': page.decodedBodySize / 1e6,
    'MB of all files': (page.transferSize + files.reduce((sum, file) => sum + file.transferSize, 0)) / 1e6,
    'requests': files.length + 1,
    'elements': document.querySelectorAll('*').length,
    'components': told.components.length,
    'events': told.dependencies.length,
    'triggers of events': told.dependencies.reduce((sum, each) => sum + each.targets.length, 0),
  };
}"""


def _typed(page: Page, say: Callable[[str], None]) -> Figures:
    """Seconds from a key to the frame that shows it, without and with a picture being made."""
    page.fill("#txt2img_steps input[type=number]", "150")
    page.fill("#txt2img_batch_count input[type=number]", "50")
    page.evaluate(WATCH_KEYS)
    idle = _keys(page)
    page.click("#txt2img_generate")
    page.wait_for_selector("html[data-txt2img-state=running]", timeout=120_000)
    busy = _keys(page)
    still = page.locator("html[data-txt2img-state=running]").count()
    page.click("#txt2img_interrupt")
    page.wait_for_selector("html[data-txt2img-state=idle]", timeout=120_000)
    if not still:
        say("  the picture was finished before all keys were pressed")
    return {
        "key until shown, median": idle[len(idle) // 2],
        "key until shown, 95 of 100": idle[len(idle) * 95 // 100],
        "while a picture is made, median": busy[len(busy) // 2],
        "while a picture is made, 95 of 100": busy[len(busy) * 95 // 100],
    }


WATCH_KEYS = """() => {
  window.measuredKeys = [];
  document.addEventListener('keydown', (event) => {
    // What follows the frame runs when it is drawn.
    requestAnimationFrame(() => setTimeout(() => window.measuredKeys.push(performance.now() - event.timeStamp)));
  }, true);
}"""


def _keys(page: Page) -> list[float]:
    box = page.locator("#txt2img_prompt textarea")
    box.fill("")
    page.evaluate("() => { window.measuredKeys = [] }")
    box.press_sequentially(("a red circle on blue, " * KEYS)[:KEYS], delay=60, timeout=300_000)
    page.wait_for_function(f"() => window.measuredKeys.length >= {KEYS}")
    return sorted(each / 1000 for each in page.evaluate("() => window.measuredKeys"))


def show(result: Mapping[str, Any]) -> str:
    """The tables of one result."""
    rows = [
        [name, *(_figure(name, spread[part]) for part in ("min", "median", "max"))]
        for name, spread in result["opening"].items()
    ]
    head = f"The page, opened {result['rounds']} times\n\n"
    opening = head + table(["", "least", "median", "greatest"], rows)
    others = {**(result["typing"] or {}), **(result["grid"] or {}), **result["lists"]}
    return opening + "\n\n" + table(["", ""], [[name, _milliseconds(name, value)] for name, value in others.items()])


def _figure(name: str, value: float) -> str:
    return f"{value:.2f}" if "seconds" in name or "MB" in name else f"{value:,.0f}"


def _milliseconds(name: str, value: float) -> str:
    return f"{value:.0f}" if name.startswith("cells") else f"{value * 1000:.1f} ms"
