"""A slider whose number box takes more than the slider shows."""

from __future__ import annotations

import gradio as gr
import pytest

from modules.webui.panel.open_slider import open_slider


def test_values_beyond_the_end_are_taken_up_to_the_most() -> None:
    slider = open_slider(4000, {"minimum": 1, "maximum": 150, "step": 1, "value": 20, "elem_classes": ["own"]})
    assert [slider.preprocess(value) for value in (1, 150, 151, 4000)] == [1, 150, 151, 4000]
    for value in (0, 4001):
        with pytest.raises(gr.Error):
            slider.preprocess(value)
    assert slider.elem_classes == ["own", "open-slider", "most-4000"]
    assert slider.get_block_name() == "slider"


def test_a_file_may_still_let_the_slider_reach_further() -> None:
    slider = open_slider(4000, {"minimum": 1, "maximum": 9000, "step": 1, "value": 20})
    assert slider.preprocess(9000) == 9000
