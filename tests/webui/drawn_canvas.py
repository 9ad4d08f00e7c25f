"""A canvas of img2img as journeys use it: given pictures, drawn on, and looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page

from tests.webui.conftest import Easel, Watched

SIZE = (128, 96)


class Canvas:
    """A canvas of the page. Places are in pixels of its picture with the frame."""

    def __init__(self, page: Page, elem_id: str) -> None:
        self.page, self.elem_id = page, elem_id

    def part(self, name: str) -> Locator:
        return self.page.locator(f"#{self.elem_id} .canvas-{name}")

    def give(self, path: Path) -> None:
        """Put a picture on the canvas, and take up the brush where there is one."""
        self.part("file").set_input_files(path)
        self.wait_open()
        if self.part("button.brush").count():
            self.press("brush")

    def wait_open(self) -> None:
        self.page.wait_for_selector(f"#{self.elem_id} .easel-canvas[data-open]", state="attached")

    def press(self, name: str) -> None:
        self.part(f"button.{name}").click()

    def place(self, x: float, y: float) -> tuple[float, float]:
        self.part("area").scroll_into_view_if_needed()
        left, top, scale = self.part("stage").evaluate(
            "(it) => { const { x, y, width } = it.getBoundingClientRect(); return [x, y, width / it.offsetWidth] }"
        )
        return left + x * scale, top + y * scale

    def drag(self, *points: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.place(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.place(*point), steps=4)
        mouse.up()

    def mask_box(self, left: int, top: int, right: int, bottom: int) -> None:
        """Drag out a rectangle of exactly these pixels."""
        self.press("rectangle")
        self.drag((left + 0.3, top + 0.3), (right - 0.3, bottom - 0.3))

    def alpha(self) -> np.ndarray:
        """How much is painted, [height, width] 0..255, as the browser has it."""
        width, height, levels = self.part("paint").evaluate(
            """({ width, height }) => {
                const sheet = new OffscreenCanvas(width, height).getContext("2d");
                sheet.drawImage(document.querySelector("#ID .canvas-paint"), 0, 0);
                const levels = sheet.getImageData(0, 0, width, height).data.filter((_, place) => place % 4 === 3);
                return [width, height, Array.from(levels)];
            }""".replace("ID", self.elem_id)
        )
        return np.array(levels, np.uint8).reshape(height, width)

    def colour(self, colour: str) -> None:
        self.part("colour input").evaluate(
            "(box, colour) => { box.value = colour; box.dispatchEvent(new Event('input')) }", colour
        )


def open_canvas(web: Watched, mode: str, elem_id: str) -> Canvas:
    """The canvas of a sub tab of img2img, few steps set."""
    web.page.click("#tab_img2img-button")
    web.page.click(f"#{mode}-button")
    web.fill("img2img_steps", 2)
    return Canvas(web.page, elem_id)


def kept_files(server: Easel, name: str) -> list[Path]:
    """What is kept on the server of a canvas, the newest last."""
    files = (server.data / "sessions").glob(f"*/img2img-{name}.*")
    return sorted(files, key=lambda file: file.stat().st_mtime_ns)


def alpha_in(file: Path) -> np.ndarray:
    with Image.open(file) as paint:
        return np.asarray(paint.getchannel("A"))


def arrays(*paths: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(path).convert("RGB")).astype(int) for path in paths]


def box_mask(box: tuple[int, int, int, int], size: tuple[int, int] = SIZE) -> np.ndarray:
    mask = np.zeros((size[1], size[0]), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask
