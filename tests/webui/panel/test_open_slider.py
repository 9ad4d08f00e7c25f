"""A slider whose number box takes more than the slider shows."""

from __future__ import annotations

import pytest

from modules.webui.panel.open_slider import PanelSlider, open_slider


def test_values_beyond_the_end_are_taken_up_to_the_most() -> None:
    slider = open_slider(4000, {"minimum": 1, "maximum": 150, "step": 1, "value": 20, "elem_classes": ["own"]})
    assert [slider.preprocess(value) for value in (1, 150, 151, 4000)] == [1, 150, 151, 4000]
    assert slider.elem_classes == ["own", "open-slider", "most-4000"]
    assert slider.get_block_name() == "slider"


def test_a_file_may_still_let_the_slider_reach_further() -> None:
    slider = open_slider(4000, {"minimum": 1, "maximum": 9000, "step": 1, "value": 20})
    assert slider.preprocess(9000) == 9000


@pytest.mark.parametrize(("typed", "read"), [(None, None), (10, 10), (64.4, 64.4), (1e9, 1e9), (-3, -3), ("x", "x")])
def test_what_was_typed_is_handed_over_for_those_who_can_say_what_is_wrong_with_it(typed: object, read: object) -> None:
    assert PanelSlider(minimum=64, maximum=2048, step=8, value=512).preprocess(typed) == read
