"""A page that is left open over a night of pictures: whether its memory stays what it was."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import table

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

PICTURES = 300
READINGS = 6
MADE = "() => Number((document.querySelector('#easel_standing')?.textContent ?? '').match(/(\\d+) made/)?.[1] ?? 0)"

Figures = dict[str, float]


def measure(pictures: int = PICTURES, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Have the page generate forever, small pictures with live previews, until so many are made."""
    from playwright.sync_api import sync_playwright

    from benchmarks.page_server import chromium, serving_page

    readings: list[Figures] = []
    with (
        tempfile.TemporaryDirectory(prefix="easel-soak-") as folder,
        serving_page(Path(folder)) as url,
        sync_playwright() as playwright,
    ):
        browser = chromium(playwright)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(url)
        page.wait_for_selector("html[data-inputs=restored]", timeout=120_000)
        _begin(page)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        for reading in range(1, READINGS + 1):
            wanted = pictures * reading // READINGS
            page.wait_for_function(f"(wanted) => ({MADE})() >= wanted", arg=wanted, timeout=3_600_000)
            readings.append({"pictures": float(page.evaluate(MADE)), **_held(devtools)})
            say(f"  {_line(readings[-1])}")
        browser.close()
    return {"readings": readings}


def _begin(page: Page) -> None:
    for name, value in (("width", 64), ("height", 64), ("steps", 2)):
        box = page.locator(f"#txt2img_{name} input[type=number]")
        box.fill(str(value))
        box.blur()
    page.fill("#txt2img_prompt textarea", "a red circle on a blue background")
    page.locator("#txt2img_generate_box").click(button="right")
    page.click(".easel-menu >> text=Generate forever")


def _held(devtools: CDPSession) -> Figures:
    """What is left once all that can go is gone."""
    for _ in range(3):
        devtools.send("HeapProfiler.collectGarbage")
    metrics = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
    return {
        "MB of scripts' memory": metrics["JSHeapUsedSize"] / 1e6,
        "nodes": metrics["Nodes"],
        "listeners": metrics["JSEventListeners"],
    }


def _line(reading: Figures) -> str:
    return ", ".join(f"{value:,.1f} {name}" for name, value in reading.items())


def show(result: Mapping[str, Any]) -> str:
    """The readings, a line each."""
    rows = [[f"{value:,.1f}" for value in each.values()] for each in result["readings"]]
    return "A page that is open while pictures are made\n\n" + table(list(result["readings"][0]), rows)
