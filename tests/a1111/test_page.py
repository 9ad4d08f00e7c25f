"""Scripts on the page: what is drawn, what Generate sends, what a pasted text sets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from modules.a1111.page import ScriptsOnPage
from modules.webui.builder import PageBuilder
from modules.webui.page import build_page
from tests.a1111.conftest import Stage

ALWAYS = """
import gradio as gr
from modules import scripts, script_callbacks

heard = []

class Always(scripts.Script):
    def __init__(self):
        self.on_after_component(lambda on: heard.append(("asked", on.component.elem_id)), elem_id="txt2img_prompt")
    def title(self): return "Always Here"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def after_component(self, component, **kwargs):
        if kwargs.get("elem_id") == f"{self.tabname}_generate_box":
            heard.append((self.tabname, type(component).__name__))
        if kwargs.get("elem_id") == f"{self.tabname}_generate":
            component.click(None, _js="() => 1", inputs=[], outputs=[])
            heard.append((kwargs.get("value"), isinstance(component, gr.Button)))
    def ui(self, is_img2img):
        with gr.Accordion("Always", open=False, elem_id=self.elem_id("box")):
            enabled = gr.Checkbox(False, label="Enabled", elem_id=self.elem_id("enabled"))
            word = gr.Textbox("dog", label="Word", elem_id=self.elem_id("word"))
            way = gr.Radio(["up", "down"], value="down", label="Way", type="index")
        self.infotext_fields = [
            (enabled, lambda d: "Word" in d), (word, "Word"), (way, lambda d: gr.Radio.update(value="up"))
        ]
        self.paste_field_names = ["word"]
        return [enabled, word, way]
    def process(self, p, enabled, word, way):
        p.extra_generation_params["Word"] = word

class Sectioned(scripts.Script):
    section = "cfg"
    def title(self): return "Sectioned"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def ui(self, is_img2img): return [gr.Slider(0, 1, 0.5, label="Share", elem_id=self.elem_id("share"))]

class Broken(scripts.Script):
    def title(self): return "Broken"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def ui(self, is_img2img):
        gr.Textbox("half done", elem_id="half_done")
        raise ValueError("no controls today")

def tabs():
    with gr.Blocks(css="#own_tab_box { color: red }") as blocks:
        box = gr.Textbox(label="Own", elem_id="own_tab_box")
        gr.Button("Go").click(fn=lambda text: gr.Textbox.update(value=text), inputs=[box], outputs=[box])
    return [(blocks, "Own tab", "own_tab")]

script_callbacks.on_ui_tabs(tabs)
script_callbacks.on_before_ui(lambda: heard.append("before ui"))

def after(component, **kwargs):
    if kwargs.get("elem_id") == "img2img_steps":
        heard.append(("called", "img2img_steps"))

script_callbacks.on_after_component(after)
"""

SELECTABLE = """
import gradio as gr
from modules import scripts
from modules.processing import process_images

class Twice(scripts.Script):
    def title(self): return "Make it Twice"
    def ui(self, is_img2img): return [gr.Slider(1, 4, 2, step=1, label="Times", elem_id=self.elem_id("times"))]
    def run(self, p, times):
        p.n_iter = int(times)
        return process_images(p)
"""


def drawn(stage: Stage) -> tuple[Any, PageBuilder, ScriptsOnPage]:
    guest = ScriptsOnPage(stage.dialect)
    stage.application.registries.page_guests.register("a1111", guest)

    async def build() -> tuple[Any, PageBuilder]:
        return build_page(stage.application)

    return *asyncio.run(build()), guest


def ids(page: Any) -> list[str]:
    return [str(each.elem_id) for each in page.blocks.values() if each.elem_id]


def heard(stage: Stage) -> list[Any]:
    return next(data for data in stage.dialect.scripts_data).module.heard


def test_scripts_are_drawn_with_the_ids_that_a1111_gives(stage: Callable[..., Stage]) -> None:
    there = stage(always=ALWAYS, selectable=SELECTABLE)
    page, built, _ = drawn(there)

    known = ids(page)
    for tab in ("txt2img", "img2img"):
        assert f"{tab}_script_container" in known
        assert f"script_{tab}_always_here_enabled" in known
        assert f"script_{tab}_make_it_twice_times" in known
    assert known.count("script_list") == 2
    assert "half_done" not in known
    order = [known.index(each) for each in ("txt2img_cfg_scale", "script_txt2img_sectioned_share", "txt2img_seed")]
    assert order == sorted(order)
    assert "own_tab_box" in known
    assert "tab_own_tab" in known
    assert "Own tab" in built.tab_labels
    assert any("no controls today" in each for errors in there.dialect.errors.values() for each in errors)


def test_listeners_hear_of_every_component_with_the_classes_that_they_know(stage: Callable[..., Stage]) -> None:
    there = stage(always=ALWAYS)
    drawn(there)

    told = heard(there)
    assert "before ui" in told
    assert ("asked", "txt2img_prompt") in told
    assert ("called", "img2img_steps") in told
    assert ("txt2img", "Row") in told
    assert ("img2img", "Row") in told
    assert told.count(("Generate", True)) == 2


def test_generate_sends_the_values_of_all_scripts(stage: Callable[..., Stage]) -> None:
    there = stage(always=ALWAYS, selectable=SELECTABLE)
    _, built, _ = drawn(there)
    panel: Any = built.panels["txt2img"]

    values = [component.value for component in panel.inputs]
    first = len(panel.components)
    labels = [component.label for component in panel.inputs[first:]]
    given = {"Script": 1, "Enabled": True, "Word": "cat", "Times": 3, "Way": 1}
    values[first:] = [given.get(label, value) for label, value in zip(labels, values[first:], strict=True)]
    asked = panel.asked(values)["added"]

    assert asked == {
        "script": "Make it Twice",
        "script_arguments": {"sectioned": (0.5,), "always here": (True, "cat", 1), "make it twice": (3,)},
    }
    result = there.make(**asked)
    assert len([image for image in result.images if image.kind != "grid"]) == 3
    assert "Word: cat" in result.images[-1].infotext


def test_pasted_parameters_reach_the_controls_of_scripts(stage: Callable[..., Stage]) -> None:
    there = stage(always=ALWAYS)
    _, built, _ = drawn(there)
    panel: Any = built.panels["txt2img"]

    switched, word, way = panel.guests.pasted({"Word": "horse", "Steps": "3"})
    assert switched["value"] is True
    assert word["value"] == "horse"
    assert way["value"] == "up"
    nothing = panel.guests.pasted({})
    assert all("value" not in each for each in nothing)


def test_the_page_can_be_built_again(stage: Callable[..., Stage]) -> None:
    there = stage(always=ALWAYS)
    first = len(ids(drawn(there)[0]))
    there.application.registries.page_guests.unregister("a1111")
    assert len(ids(drawn(there)[0])) == first
