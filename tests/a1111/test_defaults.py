"""Defaults of controls that JSON does not have: functions and objects of an extension's own."""

from __future__ import annotations

from collections.abc import Callable

from modules.api.generation.scripts import script_info
from tests.a1111.conftest import Stage

SOURCE = """
import gradio as gr
from modules import scripts

class Own:
    def __repr__(self): return "own"

seen = []

class Defaults(scripts.Script):
    def title(self): return "Defaults"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def ui(self, is_img2img):
        words = gr.Textbox(lambda: "now", label="Text")
        return [gr.State(lambda: {"a": 1}), gr.State(Own()), words, gr.Slider(0, 1, 0.5)]
    def process(self, p, *arguments):
        seen.append(arguments)
"""


def test_functions_are_called_for_them_and_objects_are_named(stage: Callable[..., Stage]) -> None:
    import json
    import sys

    made = stage(defaults=SOURCE)
    told = next(info for info in script_info(made.application) if info["name"] == "defaults")
    assert json.loads(json.dumps([each["value"] for each in told["args"]])) == [{"a": 1}, "own", "now", 0.5]
    made.make()
    (first, second, third, fourth) = sys.modules["defaults.py"].seen[0]
    assert (first, repr(second), third, fourth) == ({"a": 1}, "own", "now", 0.5)
