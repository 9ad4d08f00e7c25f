"""gr.Image(tool=...) and gr.ImageMask of extensions: the program's canvas, with Gradio 3's values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import numpy
import pytest
from gradio.utils import get_upload_folder
from PIL import Image

from modules.foundation.picture_file import open_picture
from tests.a1111.gradio3.conftest import Run

PAINTED = (2, 3, 10, 8)
MASK = "import gradio as gr\nwith gr.Blocks():\n    made = gr.ImageMask(type='pil')"


def drawn(**arguments: Any) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return f"import gradio as gr\nwith gr.Blocks():\n    made = gr.Image({given})"


def opened(path: str) -> Image.Image:
    return open_picture(Path(path)).convert("RGB")


@pytest.fixture
def payload() -> str:
    """What the browser sends for a blue picture of 20x12 with some red over it."""
    folder = Path(get_upload_folder()) / "of-a-test"
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 12), "blue").save(folder / "picture.png")
    paint = Image.new("RGBA", (20, 12), (0, 0, 0, 0))
    paint.paste((255, 0, 0, 120), PAINTED)
    paint.save(folder / "paint.png")
    return json.dumps({"picture": str(folder / "picture.png"), "paint": str(folder / "paint.png"), "soft": False})


@pytest.mark.parametrize("made_by", [drawn(tool="sketch", source="upload", type="pil"), MASK])
def test_a_sketch_gives_picture_and_mask_of_the_pictures_size(extension: Run, payload: str, made_by: str) -> None:
    value = extension(made_by)["made"].preprocess(payload)
    assert (value["image"].mode, value["image"].size, value["mask"].size) == ("RGB", (20, 12), (20, 12))
    assert value["mask"].convert("L").getbbox() == PAINTED
    assert value["mask"].getchannel("A").getextrema() == (255, 255)
    assert value["mask"].convert("L").getpixel((4, 4)) == 255


def test_a_sketch_without_paint_has_a_black_mask(extension: Run, payload: str) -> None:
    told = {**json.loads(payload), "paint": None}
    value = extension(drawn(tool="sketch"))["made"].preprocess(json.dumps(told))
    assert value["image"].shape == (12, 20, 3)
    assert value["mask"].shape == (12, 20, 4)
    assert value["mask"][..., :3].max() == 0


def test_a_colour_sketch_gives_the_picture_as_painted(extension: Run, payload: str) -> None:
    value = extension(drawn(tool="color-sketch"))["made"].preprocess(payload)
    assert isinstance(value, numpy.ndarray)
    assert value.shape == (12, 20, 3)
    assert value[4, 4, 0] > 100
    assert tuple(value[0, 0]) == (0, 0, 255)
    path = extension(drawn(tool="color-sketch", type="filepath"))["made"].preprocess(payload)
    assert opened(path).size == (20, 12)


def test_no_picture_is_none_and_a_file_that_is_no_upload_is_refused(extension: Run, tmp_path: Path) -> None:
    made = extension(drawn(tool="sketch"))["made"]
    assert made.preprocess(None) is None
    assert made.preprocess("") is None
    (tmp_path / "private.png").write_bytes(b"")
    with pytest.raises(gr.Error, match="private"):
        made.preprocess(json.dumps({"picture": str(tmp_path / "private.png")}))


def test_pictures_of_any_kind_are_shown_and_a_sheet_to_draw_on_is_white(extension: Run) -> None:
    made = extension(drawn(tool="sketch", elem_id="mine", brush_color="#00ff00", brush_radius=9))["made"]
    picture = Image.new("RGB", (8, 8), "red")
    for value in (picture, numpy.asarray(picture), {"image": picture, "mask": None}):
        shown = json.loads(made.postprocess(value))
        assert opened(shown["picture"]).getpixel((0, 0)) == (255, 0, 0)
    assert made.postprocess(None) == ""
    config = made.get_config()
    assert (config["name"], config["elem_id"]) == ("html", "mine")
    assert "#00ff00" in made.html_template
    sheet = extension(drawn(tool="sketch", source="canvas", shape=(30, 20)))["made"]
    assert opened(json.loads(sheet.value)["picture"]).size == (30, 20)


def test_every_event_of_a_picture_is_heard(extension: Run) -> None:
    source = """
import gradio as gr
with gr.Blocks() as demo:
    made = gr.Image(tool="sketch")
    for event in ("change", "edit", "upload", "clear"):
        getattr(made, event)(fn=None, _js="() => 1", inputs=[made], outputs=[])
is_image = isinstance(made, gr.Image)
"""
    found = extension(source)
    assert found["is_image"]
    assert [fn.targets[0][1] for fn in found["demo"].fns.values()] == ["change"] * 4
