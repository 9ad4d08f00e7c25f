"""Takes the picture of the page that the README shows: `venv/bin/python -m docs.images.take` from the project's folder.

Needs what the tests need (Playwright and a Chromium) and the starter model.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.conftest import BROWSER_FLAGS, browser_executable
from tests.webui.conftest import easel

HERE = Path(__file__).parent
PROMPT, SEED, SIZE, NUMBER = "a red house on a green hill, night sky", "200", "256", "4"
WINDOW = {"width": 1360, "height": 900}


def main(theme: str = "light") -> None:
    """Make a few pictures in a fresh data folder and write page.png (or page-dark.png)."""
    data = Path(tempfile.mkdtemp(prefix="easel-picture-"))
    try:
        with easel(data, 7899, "--theme", theme) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_executable(), args=list(BROWSER_FLAGS))
            page = browser.new_page(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
            page.goto(server.url)
            page.wait_for_selector("#txt2img_generate[title]")
            page.fill("#txt2img_prompt textarea", PROMPT)
            for elem_id, value in (("seed", SEED), ("width", SIZE), ("height", SIZE), ("batch_size", NUMBER)):
                page.fill(f"#txt2img_{elem_id} input:not([type=range])", value)
                page.keyboard.press("Tab")
            page.click("#txt2img_generate")
            page.wait_for_selector("html[data-txt2img-state=running]")
            page.wait_for_selector("html[data-txt2img-state=idle]", timeout=300_000)
            page.wait_for_function("() => document.querySelector('#txt2img_gallery .media-button img')?.complete")
            page.mouse.move(2, 2)
            page.wait_for_timeout(1000)
            shot = Image.open(io.BytesIO(page.screenshot()))
            browser.close()
        # 256 colours of its own are enough for a page and a drawing, and a quarter of the bytes.
        name = "page.png" if theme == "light" else f"page-{theme}.png"
        shot.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(HERE / name, optimize=True)
    finally:
        shutil.rmtree(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
