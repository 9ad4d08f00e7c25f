from __future__ import annotations

from typing import Any

import gradio as gr
import numpy
import pytest
from PIL import Image

from tests.a1111.gradio3.conftest import Run


def value_of(component: Any, background: Image.Image, layer: Image.Image, monkeypatch: pytest.MonkeyPatch) -> Any:
    editor = {"background": background, "layers": [layer], "composite": Image.alpha_composite(background, layer)}
    monkeypatch.setattr(gr.ImageEditor, "preprocess", lambda self, payload: editor)
    return component.preprocess(object())


def painted(size: tuple[int, int]) -> Image.Image:
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    layer.paste((255, 0, 0, 120), (2, 3, 10, 8))
    return layer


def test_a_sketch_gives_picture_and_mask_of_the_pictures_size(extension: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = extension(
        "import gradio as gr\nwith gr.Blocks():\n    made = gr.Image(tool='sketch', source='upload', type='pil')"
    )["made"]
    value = value_of(made, Image.new("RGBA", (20, 12), "blue"), painted((20, 12)), monkeypatch)
    assert (value["image"].mode, value["image"].size, value["mask"].size) == ("RGB", (20, 12), (20, 12))
    assert value["mask"].convert("L").getbbox() == (2, 3, 10, 8)
    assert value["mask"].getchannel("A").getextrema() == (255, 255)


def test_a_colour_sketch_gives_the_picture_as_painted(extension: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = extension("import gradio as gr\nwith gr.Blocks():\n    made = gr.Image(tool='color-sketch')")["made"]
    value = value_of(made, Image.new("RGBA", (20, 12), "blue"), painted((20, 12)), monkeypatch)
    assert isinstance(value, numpy.ndarray)
    assert value.shape == (12, 20, 3)
    assert value[4, 4, 0] > 100
    assert tuple(value[0, 0]) == (0, 0, 255)


def test_no_picture_is_none(extension: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = extension("import gradio as gr\nwith gr.Blocks():\n    made = gr.Image(tool='sketch')")["made"]
    monkeypatch.setattr(gr.ImageEditor, "preprocess", lambda self, payload: None)
    assert made.preprocess(None) is None
