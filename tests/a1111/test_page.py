"""Scripts on the page: what is drawn, what Generate sends, what a pasted text sets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modules.a1111.page import ScriptsOnPage
from modules.webui.builder import PageBuilder
from modules.webui.kept_inputs import KeptInputs
from modules.webui.page import build_page
from modules.webui.panel.keeping import guests_name, restored_guests
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

TWINS = """
import gradio as gr
from modules import scripts

class Twins(scripts.Script):
    def title(self): return "Twins"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def ui(self, is_img2img):
        return [
            gr.Slider(0, 1, 0.5, label="Half"),
            gr.Slider(0, 1, 0.5, label="Half"),
            gr.Dropdown(["a", "b"], value=[], multiselect=True, label="Several"),
            gr.Dropdown([], multiselect=True, label="Later"),
            gr.State(3),
        ]
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


HALF = """
import gradio as gr
from modules import scripts

class Half(scripts.Script):
    def title(self): return "Half"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def ui(self, is_img2img):
        with gr.Row():
            with gr.Column():
                button, box = gr.Button("half_button"), gr.Textbox(label="half_box")
        button.click(fn=lambda text: text, inputs=[box], outputs=[box])
        box.change(fn=None, inputs=[box], outputs=None, _js="(text) => text")
        raise ValueError("not further")
"""


def laid_out(block: Any) -> set[int]:
    return {block._id}.union(*(laid_out(child) for child in getattr(block, "children", ())))


def test_of_a_script_that_fails_while_it_draws_no_event_is_left_whose_parts_are_not_in_the_page(tmp_path: Path) -> None:
    there = Stage(tmp_path, {"half.py": HALF}, drawn=False)
    try:
        page, _, _ = drawn(there)
        assert any("not further" in each for errors in there.dialect.errors.values() for each in errors)
        shown = laid_out(page)
        for function in page.fns.values():
            parts = [*(target for target, _ in function.targets), *(each._id for each in function.inputs)]
            assert {part for part in parts if part is not None} <= shown
        assert set(page.blocks) <= shown
    finally:
        there.close()


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
    sent_values = panel.sent_values(values)["added"]

    assert sent_values == {
        "script": "Make it Twice",
        "script_arguments": {"sectioned": (0.5,), "always here": (True, "cat", 1), "make it twice": (3,)},
    }
    result = there.make(**sent_values)
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


def test_controls_of_scripts_begin_as_ui_config_says_and_are_written_there(stage: Callable[..., Stage]) -> None:
    there = stage(always=ALWAYS, selectable=SELECTABLE)
    file = there.application.paths.ui_config_file
    asked = {
        "customscript/always.py/txt2img/Word/value": "horse",
        "customscript/always.py/txt2img/Enabled/value": True,
        "customscript/always.py/img2img/Way/value": "up",
        "customscript/always.py/txt2img/Share/value": 9,
        "customscript/always.py/txt2img/Share/maximum": 3,
        "customscript/selectable.py/txt2img/Times/value": "many",
        "txt2img/Script/value": "Make it Twice",
    }
    file.write_text(json.dumps(asked), encoding="utf-8")
    _, built, _ = drawn(there)

    def values(tab: str) -> dict[str, Any]:
        return {str(each.label): each.value for each in built.panels[tab].guests.inputs}

    assert values("txt2img") == {
        "Script": "Make it Twice", "Enabled": True, "Word": "horse", "Way": "down", "Share": 3, "Times": 2,
    }  # fmt: skip
    assert values("img2img") == {
        "Script": "None", "Enabled": False, "Word": "dog", "Way": "up", "Share": 0.5, "Times": 2,
    }  # fmt: skip
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["customscript/selectable.py/img2img/Times/maximum"] == 4
    assert written["customscript/always.py/img2img/Word/value"] == "dog"
    assert written["img2img/Script/visible"] is True
    assert written["customscript/always.py/txt2img/Word/value"] == "horse"


def test_values_of_scripts_are_kept_by_their_keys_and_given_back_where_they_fit(
    stage: Callable[..., Stage], tmp_path: Path
) -> None:
    there = stage(always=ALWAYS, twins=TWINS)
    _, built, _ = drawn(there)
    panel: Any = built.panels["txt2img"]
    kept = panel.guests.kept
    assert [name.rsplit("/", 1)[1] for name in kept if "twins" in name] == ["Half", "Half #2", "Several", "Later"]

    store, session = KeptInputs(tmp_path / "sessions"), "c" * 32
    values = {
        "customscript/twins.py/txt2img/Half": 0.25,
        "customscript/twins.py/txt2img/Half #2": 0.75,
        "customscript/twins.py/txt2img/Several": ["b", "gone"],
        "customscript/twins.py/txt2img/Later": ["x"],
        "customscript/always.py/txt2img/Way": "sideways",
        "customscript/always.py/txt2img/Enabled": True,
        "customscript/always.py/txt2img/Share": "much",
    }
    store.keep(session, guests_name(panel), values, {})
    given: dict[str, Any] = dict(zip(kept, restored_guests(store, session, panel), strict=True))
    new = {name.rsplit("/", 1)[1]: each["value"] for name, each in given.items() if "value" in each}
    assert new == {"Half": 0.25, "Half #2": 0.75, "Several": ["b"], "Later": ["x"], "Enabled": True}
    assert given["customscript/twins.py/txt2img/Later"]["choices"] == ["x"]


def test_with_a_picture_that_is_sent_go_the_values_that_scripts_name(stage: Callable[..., Stage]) -> None:
    there = stage(always=ALWAYS.replace('["word"]', '["Word"]'))
    _, built, _ = drawn(there)
    panel: Any = built.panels["img2img"]
    switched, word, way = panel.guests.sent({"Word": "horse"})
    assert word["value"] == "horse"
    assert "value" not in switched
    assert "value" not in way


def test_the_page_can_be_built_again(stage: Callable[..., Stage]) -> None:
    there = stage(always=ALWAYS)
    first = len(ids(drawn(there)[0]))
    there.application.registries.page_guests.unregister("a1111")
    assert len(ids(drawn(there)[0])) == first
