"""The canvases of img2img in a real browser: drawn, masked, copied, outpainted, kept; and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Page, expect

from tests.conftest import new_page
from tests.webui.conftest import PATIENCE, Easel, Watched, open_page, seconds_until
from tests.webui.drawn_canvas import SIZE, Canvas, alpha_in, arrays, box_mask, kept_files, open_canvas


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    info = PngInfo()
    info.add_text("parameters", "where it came from")
    Image.effect_noise(SIZE, 60).convert("RGB").save(tmp_path / "picture.png", pnginfo=info)
    return tmp_path / "picture.png"


@pytest.fixture
def drawing(drawing_page: Page, server: Easel) -> Iterator[Watched]:
    """The page of `drawing_page`, with nothing on any canvas."""
    drawing_page.locator(".easel-canvas[data-open] .canvas-button.remove").evaluate_all(
        "(buttons) => buttons.forEach((button) => button.click())"
    )
    expect(drawing_page.locator(".easel-canvas[data-open]")).to_have_count(0)
    watched = Watched(drawing_page, server.url)
    with watched.listening():
        yield watched


@pytest.fixture(scope="module")
def drawing_page(browser: Browser, server: Easel) -> Iterator[Page]:
    """One page for journeys that draw, one after another, and leave the other controls be."""
    page = new_page(browser)
    open_page(Watched(page, server.url))
    yield page
    if browser.is_connected():
        page.context.close()


def test_what_is_masked_is_painted_and_all_else_stays_bit_for_bit(
    drawing: Watched, server: Easel, picture: Path
) -> None:
    canvas = open_canvas(drawing, "img2img_inpaint_tab", "img2maskimg")
    canvas.give(picture)
    canvas.mask_box(24, 16, 72, 56)
    assert np.array_equal(canvas.alpha() == 255, box_mask((24, 16, 72, 56)))
    drawing.fill("img2img_mask_blur", 0)
    drawing.page.click("#img2img_detect_image_size_btn")
    drawing.wait_value("img2img_width", "128")
    drawing.wait_value("img2img_height", "96")
    drawing.generate("img2img")
    drawing.wait_text("html_info_img2img", "Size: 128x96")
    before, after = arrays(picture, server.pictures()[-1])
    changed = (before != after).any(axis=2)
    assert changed[16:56, 24:72].mean() > 0.5
    assert not changed[~box_mask((24, 16, 72, 56))].any()
    expect(canvas.part("button.undo")).to_be_enabled()  # the drawing is still there
    assert drawing.errors == []


def test_a_mask_outlives_tabs_and_a_reload_and_the_picture_keeps_what_it_says(
    web: Watched, server: Easel, picture: Path
) -> None:
    canvas = open_canvas(web, "img2img_inpaint_tab", "img2maskimg")
    canvas.give(picture)
    canvas.drag((20, 20), (90, 70))
    drawn = canvas.alpha()
    web.page.click("#tab_txt2img-button")
    web.page.click("#tab_img2img-button")
    assert np.array_equal(canvas.alpha(), drawn)
    seconds_until(
        lambda: any(np.array_equal(alpha_in(file), drawn) for file in kept_files(server, "inpaint_picture.paint"))
    )
    paint = next(file for file in kept_files(server, "inpaint_picture.paint") if np.array_equal(alpha_in(file), drawn))
    (kept,) = paint.parent.glob("img2img-inpaint_picture.picture.*")
    assert kept.read_bytes() == picture.read_bytes()
    open_page(web)
    canvas.wait_open()
    seconds_until(lambda: canvas.alpha().shape == drawn.shape)
    assert np.array_equal(canvas.alpha(), drawn)


def test_what_is_drawn_last_goes_along_with_generate_and_copies(drawing: Watched, picture: Path) -> None:
    canvas = open_canvas(drawing, "img2img_img2img_sketch_tab", "img2img_sketch")
    canvas.give(picture)
    canvas.colour("#ff0000")
    canvas.mask_box(8, 8, 40, 24)
    drawing.page.click("#img2img_copy_to_sketch >> text=inpaint >> nth=0")  # before anything can have been sent
    copied = Canvas(drawing.page, "img2maskimg")
    copied.wait_open()
    address = copied.part("picture").get_attribute("src")
    answer = drawing.page.request.get(str(address))
    shown = picture.with_name("copied.png")
    shown.write_bytes(answer.body())
    before, after = arrays(picture, shown)
    box = box_mask((8, 8, 40, 24))
    assert (after[box] == (255, 0, 0)).all()
    assert np.array_equal(after[~box], before[~box])
    assert drawing.errors == []


def test_inpaint_sketch_paints_over_the_colours_alone(drawing: Watched, server: Easel, picture: Path) -> None:
    canvas = open_canvas(drawing, "img2img_inpaint_sketch_tab", "inpaint_sketch")
    expect(drawing.page.locator("#img2img_mask_alpha")).to_be_visible()
    canvas.give(picture)
    canvas.colour("#0000ff")
    canvas.mask_box(64, 32, 112, 80)
    drawing.fill("img2img_mask_blur", 0)
    drawing.fill("img2img_denoising_strength", 0.4)
    drawing.page.click("#img2img_detect_image_size_btn")
    drawing.wait_value("img2img_width", "128")
    drawing.generate("img2img")
    drawing.wait_text("html_info_img2img", "Denoising strength: 0.4")
    before, after = arrays(picture, server.pictures()[-1])
    box = box_mask((64, 32, 112, 80))
    assert (before != after).any(axis=2)[box].mean() > 0.5
    assert np.array_equal(before[~box], after[~box])


def test_a_picture_grows_when_its_frame_is_dragged(web: Watched, server: Easel, picture: Path) -> None:
    canvas = open_canvas(web, "img2img_inpaint_tab", "img2maskimg")
    canvas.give(picture)
    canvas.mask_box(0, 0, 16, 16)
    canvas.press("frame")
    mouse = web.page.mouse
    handle = canvas.part("handles button[title='Right edge']")
    box = handle.bounding_box()
    assert box is not None
    scale = canvas.place(1, 0)[0] - canvas.place(0, 0)[0]
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + box["width"] / 2 + 33 * scale, box["y"] + box["height"] / 2, steps=5)
    mouse.up()
    web.wait_value("img2img_width", "160")
    web.wait_value("img2img_height", "96")
    assert canvas.alpha().shape == (96, 160)
    handle.focus()
    web.page.keyboard.press("ArrowRight")
    web.wait_value("img2img_width", "168")
    canvas.press("undo")
    web.wait_value("img2img_width", "160")
    web.fill("img2img_mask_blur", 0)
    web.generate("img2img")
    web.wait_text("html_info_img2img", "Size: 160x96")
    before, after = arrays(picture, server.pictures()[-1])
    kept = ~box_mask((0, 0, 16, 16))
    assert np.array_equal(after[:, :128][kept], before[kept])
    assert not np.array_equal(after[:16, :16], before[:16, :16])
    assert web.errors == []


def test_where_only_masked_looks_is_drawn(drawing: Watched, picture: Path) -> None:
    canvas = open_canvas(drawing, "img2img_inpaint_tab", "img2maskimg")
    canvas.give(picture)
    canvas.mask_box(40, 30, 60, 50)
    drawing.fill("img2img_mask_blur", 0)
    drawing.fill("img2img_inpaint_full_res_padding", 4)
    drawing.fill("img2img_width", 64)
    drawing.fill("img2img_height", 64)
    expect(canvas.part("line.region")).to_have_count(0)
    drawing.page.check("#img2img_inpaint_full_res input[value='Only masked']")
    line = canvas.part("line.region")
    expect(line).to_have_count(1, timeout=PATIENCE * 1000)
    area = canvas.part("area").bounding_box()
    assert area is not None

    def corners() -> list[tuple[float, float]]:
        places = [point.split(",") for point in str(line.get_attribute("points")).split(" ")]
        return [(float(x) + area["x"] + 1, float(y) + area["y"] + 1) for x, y in (places[0], places[2])]

    def is_drawn() -> bool:
        wanted = [canvas.place(36, 26), canvas.place(64, 54)]
        area.update(canvas.part("area").bounding_box() or {})
        return bool(np.allclose(corners(), wanted, atol=1))

    seconds_until(is_drawn)
    drawing.page.check("#img2img_inpaint_full_res input[value='Whole picture']")
    expect(line).to_have_count(0, timeout=PATIENCE * 1000)


def test_strokes_are_undone_erased_and_made_again(drawing: Watched, picture: Path) -> None:
    canvas = open_canvas(drawing, "img2img_inpaint_tab", "img2maskimg")
    canvas.give(picture)
    canvas.drag((20, 20), (60, 60))
    first = canvas.alpha()
    canvas.mask_box(80, 10, 120, 90)
    both = canvas.alpha()
    drawing.page.keyboard.press("Control+z")
    assert np.array_equal(canvas.alpha(), first)
    drawing.page.keyboard.press("Control+y")
    assert np.array_equal(canvas.alpha(), both)
    canvas.press("erase")
    canvas.mask_box(80, 10, 120, 90)
    assert np.array_equal(canvas.alpha(), first)
    canvas.press("erase")
    canvas.press("clear")
    assert not canvas.alpha().any()
    canvas.press("undo")
    assert np.array_equal(canvas.alpha(), first)


def test_an_outline_is_filled_and_a_lasso_fills_itself(drawing: Watched, picture: Path) -> None:
    canvas = open_canvas(drawing, "img2img_inpaint_tab", "img2maskimg")
    canvas.give(picture)
    canvas.drag((20, 20), (100, 20), (100, 70), (20, 70), (20, 20))
    canvas.press("fill")
    drawing.page.mouse.click(*canvas.place(60, 45))
    assert (canvas.alpha()[20:70, 20:100] > 128).all()
    assert not canvas.alpha()[:, 115:].any()
    canvas.press("clear")
    canvas.press("lasso")
    canvas.drag((30, 10), (90, 10), (30, 80))
    alpha = canvas.alpha()
    assert alpha[20, 40] == 255
    assert alpha[70, 80] == 0


def test_keys_and_wheel_do_what_the_settings_say(drawing: Watched, picture: Path) -> None:
    canvas = open_canvas(drawing, "img2img_inpaint_tab", "img2maskimg")
    canvas.give(picture)
    page = drawing.page
    page.mouse.move(*canvas.place(64, 48))
    size = canvas.part("brush input").first
    before = int(size.input_value())
    page.keyboard.press("w")
    assert int(size.input_value()) > before
    page.keyboard.press("q")
    page.keyboard.press("q")
    assert int(size.input_value()) < before
    width = canvas.part("stage").bounding_box()
    page.keyboard.down("Alt")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Alt")
    larger = canvas.part("stage").bounding_box()
    assert width is not None
    assert larger is not None
    assert larger["width"] > width["width"]
    page.keyboard.press("r")
    assert canvas.part("stage").bounding_box() == width
    page.keyboard.press("s")
    page.wait_for_selector("#img2maskimg .easel-canvas[data-maximised]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#img2maskimg .easel-canvas:not([data-maximised])")
    assert not page.locator("#img2maskimg .easel-canvas[data-overlap]").count()
    page.locator("#img2img_prompt textarea").focus()
    page.mouse.move(*canvas.place(64, 48))
    page.keyboard.type("wq")
    drawing.wait_value("img2img_prompt", "wq")


def test_a_drawing_stays_when_the_server_cannot_be_reached_and_is_sent_later(web: Watched, picture: Path) -> None:
    canvas = open_canvas(web, "img2img_inpaint_tab", "img2maskimg")
    canvas.give(picture)
    web.page.route("**/gradio_api/upload*", lambda route: route.abort())
    canvas.mask_box(10, 10, 50, 50)
    expect(canvas.part("note")).to_contain_text("could not be reached")
    web.page.unroute("**/gradio_api/upload*")
    web.page.click("#img2img_detect_image_size_btn")
    web.wait_value("img2img_width", "128")
    expect(canvas.part("note")).to_be_hidden()
    assert np.array_equal(canvas.alpha() == 255, box_mask((10, 10, 50, 50)))


def test_a_file_that_is_no_picture_changes_nothing(drawing: Watched, picture: Path, tmp_path: Path) -> None:
    canvas = open_canvas(drawing, "img2img_img2img_tab", "img2img_image")
    canvas.give(picture)
    (tmp_path / "no.png").write_text("no picture")
    canvas.part("file").set_input_files(tmp_path / "no.png")
    expect(canvas.part("note")).to_contain_text("no.png cannot be shown")
    expect(canvas.part("picture")).to_be_visible()
    canvas.press("remove")
    expect(canvas.part("invitation")).to_be_visible()


def test_a_large_picture_is_masked_to_the_pixel(web: Watched, server: Easel, tmp_path: Path) -> None:
    Image.new("RGB", (3000, 2000), "teal").save(tmp_path / "large.png")
    canvas = open_canvas(web, "img2img_inpaint_tab", "img2maskimg")
    canvas.give(tmp_path / "large.png")
    canvas.drag((500, 500), (2500, 1500))
    paint = canvas.part("paint")
    assert paint.evaluate("(paint) => [paint.width, paint.height]") == [3000, 2000]

    def is_kept() -> bool:
        files = [file for file in kept_files(server, "inpaint_picture") if file.stem.endswith(".paint")]
        if not files:
            return False
        with Image.open(files[-1]) as kept:
            return kept.size == (3000, 2000)

    seconds_until(is_kept)


@pytest.mark.parametrize("mode", ["sketch", "inpaint", "img2img"])
def test_a_picture_dragged_from_the_page_is_the_file_itself(drawing: Watched, picture: Path, mode: str) -> None:
    first = open_canvas(drawing, "img2img_img2img_tab", "img2img_image")
    first.give(picture)
    ids = {"sketch": "img2img_sketch", "inpaint": "img2maskimg", "img2img": "img2img_image"}
    tabs = {"sketch": "img2img_img2img_sketch_tab", "inpaint": "img2img_inpaint_tab", "img2img": "img2img_img2img_tab"}
    drawing.page.click(f"#{tabs[mode]}-button")
    canvas = Canvas(drawing.page, ids[mode])
    canvas.part("area").evaluate(
        """async (area, bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(bytes)], "dropped.png", { type: "image/png" }));
            area.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        list(picture.read_bytes()),
    )
    canvas.wait_open()
    drawing.page.evaluate(
        """(bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(bytes)], "pasted.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list(picture.read_bytes()),
    )
    expect(canvas.part("picture")).to_be_visible()
    assert drawing.errors == []
