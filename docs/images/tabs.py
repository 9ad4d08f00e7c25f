"""Pictures of each tab of the page, light and dark, on a desktop and on a phone, for docs/page.md.

`venv/bin/python -m docs.images.tabs` from the project's folder makes them all, with the starter model and in a browser
of this machine; `... settings history` those of two tabs.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

from benchmarks.page_server import chromium, serving_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parent / "tabs"
READY = "html[data-inputs=restored]"
PROMPT = "a red circle above a blue square, plain background"


@dataclass(frozen=True, kw_only=True)
class Device:
    """What the page is looked at with."""

    name: str
    width: int
    height: int
    scale: float = 1.0


DEVICES = (Device(name="desktop", width=1360, height=860), Device(name="phone", width=390, height=844, scale=1.5))
THEMES = ("light", "dark")


def main() -> int:
    """Make them all, or those of the tabs that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tabs", nargs="*", help="tabs by name (txt2img, settings, ...); all unless given")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="easel-screenshots-") as data,
        serving_page(Path(data)) as url,
        sync_playwright() as playwright,
    ):
        browser = chromium(playwright)
        _make_something(browser, url)
        for device in DEVICES:
            for theme in THEMES:
                page = _opened(browser, url, device, theme)
                for tab, screenshot in _tabs(page, arguments.tabs):
                    _write(screenshot, arguments.folder / f"{tab}-{device.name}-{theme}.webp")
                    print(f"{tab}, {device.name}, {theme}")
                page.context.close()
        browser.close()
    return 0


def _make_something(browser: Browser, url: str) -> None:
    """A few pictures, so that the history is not empty."""
    page = _opened(browser, url, DEVICES[0], "light")
    page.locator("#txt2img_batch_count input[type=number]").fill("4")
    page.locator("#txt2img_batch_count input[type=number]").blur()
    _generate(page)
    page.context.close()


def _generate(page: Page) -> None:
    page.locator("#txt2img_prompt textarea").fill(PROMPT)
    page.click("#txt2img_generate")
    page.wait_for_selector("html[data-txt2img-state=running]")
    page.wait_for_selector("html[data-txt2img-state=idle]")


def _opened(browser: Browser, url: str, device: Device, theme: str) -> Page:
    size = ViewportSize(width=device.width, height=device.height)
    touch = device.name == "phone"
    context = browser.new_context(
        viewport=size, device_scale_factor=device.scale, has_touch=touch, is_mobile=touch, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{url}/?__theme={theme}")
    page.wait_for_selector(READY)
    return page


def _tabs(page: Page, wanted: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The tabs by name, with what each looks like."""
    _generate(page)
    page.click("#txt2img_send_to_inpaint")
    page.wait_for_selector("#img2maskimg canvas", state="visible")
    buttons: list[str] = page.evaluate("[...document.querySelectorAll('.tab-bar-tab [role=tab]')].map(({ id }) => id)")
    for button in buttons:
        name = button.removeprefix("tab_").removesuffix("-button")
        if not wanted or name in wanted:
            page.click(f"#{button}")
            page.evaluate("() => window.scrollTo(0, 0)")
            page.wait_for_timeout(900)  # until lists have come
            yield name, page.screenshot()


def _write(screenshot: bytes, path: Path) -> None:
    with Image.open(io.BytesIO(screenshot)) as picture:
        picture.convert("RGB").save(path, quality=62, method=6)


if __name__ == "__main__":
    sys.exit(main())
