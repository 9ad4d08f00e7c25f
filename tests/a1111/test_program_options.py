"""`opts.data_labels` has the program's settings too: extensions look up how one is drawn, and hear of its changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from modules.foundation.errors import SettingsError
from tests.a1111.conftest import Stage

LOOKS = """
from modules import script_callbacks, shared

def settings():
    shared.opts.add_option("mine", shared.OptionInfo(3, "Mine", section=("mine", "Mine")))
    label = shared.opts.data_labels.get("sd_model_checkpoint")
    assert any("tiny" in title for title in label.component_args()["choices"])
    before, label.heard = label.onchange, []
    label.onchange = lambda: (before(), label.heard.append(shared.opts.sd_model_checkpoint))

script_callbacks.on_ui_settings(settings)
"""


def test_each_setting_of_the_program_stands_beside_those_of_extensions(stage: Callable[..., Stage]) -> None:
    made = stage(looks=LOOKS)
    assert made.dialect.errors == {}
    labels = made.dialect.shared.opts.data_labels
    declared = made.application.settings.declared
    assert set(declared) <= set(labels)
    assert labels["mine"].default == 3
    for key, field in declared.items():
        assert labels[key].default == (3 if key == "mine" else field.get_default(call_default_factory=True)), key
    jpeg = labels["jpeg_quality"]
    assert (jpeg.component, jpeg.arguments()["maximum"]) == (gr.Slider, 100)
    assert jpeg.section == ("saving_images/grids", "Saving images/grids")


def test_they_can_be_drawn(stage: Callable[..., Stage]) -> None:
    made = stage(none="from modules import scripts\n")
    drawn: list[Any] = []
    for key, info in made.dialect.shared.opts.data_labels.items():
        if info.component is not None:
            drawn.append(info.component(label=info.label, value=info.default, render=False, **info.arguments()))
            assert drawn[-1].label == info.label, key
    assert len(drawn) > 300


def test_who_replaces_onchange_hears_of_changes(stage: Callable[..., Stage]) -> None:
    made = stage(looks=LOOKS)
    made.application.settings.change({"sd_model_checkpoint": "tiny.safetensors"})
    label: Any = made.dialect.shared.opts.data_labels["sd_model_checkpoint"]
    assert label.heard == ["tiny.safetensors"]


GROUPED = """
import gradio as gr
from modules import script_callbacks, shared
from modules.options import categories

def settings():
    group = categories.register_category("browsing", "Browsing")
    section = ("pages", "Pages")
    shared.opts.add_option("pages", shared.OptionInfo(3, "Pages", section=section, category_id=group))
    bounds = {"minimum": "1", "maximum": "64", "step": "0.5"}
    shared.opts.add_option("split", shared.OptionInfo(64, "Split", gr.Slider, lambda: bounds, section=section))

script_callbacks.on_ui_settings(settings)
"""


def test_an_extension_names_a_group_of_settings(stage: Callable[..., Stage]) -> None:
    made = stage(grouped=GROUPED)
    assert made.dialect.errors == {}
    assert made.dialect.extension_settings.categories.mapping["browsing"] == "Browsing"
    assert (made.dialect.shared.opts.pages, made.dialect.shared.opts.split) == (3, 64)
    with pytest.raises(SettingsError, match="less than or equal to 64"):
        made.application.settings.change({"split": 65}, save=False)
