"""Settings of extensions as the settings page draws them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import gradio as gr

from modules.a1111.dialect import A1111Dialect
from modules.a1111.start import BUILT_IN, SCRIPTS
from modules.application.application import Application
from modules.settings.flags import parse_flags
from modules.webui.setting_controls import refreshed_control

SCRIPT = """
import gradio as gr
from modules import script_callbacks, shared
from modules.ui_components import DropdownMulti

found = ["one", "two"]
def more(): found.append("three")
def broken(): raise RuntimeError("no list today")

def on_ui_settings():
    section = ("kinds", "Kinds of settings")
    Info = shared.OptionInfo
    shared.options_templates.update(shared.options_section(section, {
        "k_html": shared.OptionHTML("<b>What follows is a test.</b>"),
        "k_plain": Info("x", "Plain").info("said often").link("more", "https://example.org").needs_restart(),
        "k_lines": Info("a, b", "Lines", gr.Textbox, {"lines": 3, "max_lines": 6}),
        "k_div": shared.OptionDiv(),
        "k_multi": Info(["one"], "Several", DropdownMulti, lambda: {"choices": list(found)}, refresh=more),
        "k_boxes": Info(["one"], "Boxes", gr.CheckboxGroup, {"choices": ["one", "two"]}),
        "k_radio": Info("one", "Radio", gr.Radio, {"choices": ["one", "two", "three", "four", "five"]}),
        "k_colour": Info("#ff0000", "Colour", gr.ColorPicker, {}),
        "k_hidden": Info("secret", "Hidden", component_args={"visible": False}),
        "k_text": Info("<p>Only a text.</p>", "", gr.HTML),
        "k_code": Info("a = 1", "Code", gr.Code, {"language": "python"}),
        "k_whole": Info(3, "Whole"),
        "k_broken": Info("x", "Broken", lambda **_: broken()),
        "k_listless": Info("x", "Listless", gr.Dropdown, broken),
        "k_end": shared.OptionHTML("The end."),
    }))

script_callbacks.on_ui_settings(on_ui_settings)
"""


def drawn(tmp_path: Path) -> tuple[Any, dict[str, Any], list[dict[str, Any]]]:
    folder = tmp_path / "extensions" / "kinds" / "scripts"
    folder.mkdir(parents=True)
    (folder / "kinds.py").write_text(SCRIPT, encoding="utf-8")
    app = Application(parse_flags(["--data-dir", str(tmp_path), "--use-cpu", "all"]))
    dialect = A1111Dialect(app)
    dialect.install({BUILT_IN: SCRIPTS, "kinds": folder.parent})

    async def draw() -> list[dict[str, Any]]:
        section = next(each for each in app.settings.sections if each.title == "Kinds of settings")
        with gr.Blocks() as page:
            for key, field in section.model_fields.items():
                controls[key] = refreshed_control(app, key, field, {})
        return page.get_config_file()["components"]

    controls: dict[str, Any] = {}
    parts = asyncio.run(draw())
    return (app, dialect), controls, parts


def test_each_is_drawn_by_its_own_component_with_what_is_said_around_it(tmp_path: Path) -> None:
    (app, dialect), controls, parts = drawn(tmp_path)
    try:
        kinds = {key: control.get_block_name() for key, control in controls.items()}
        assert kinds == {
            "k_plain": "textbox",
            "k_lines": "textbox",
            "k_multi": "dropdown",
            "k_boxes": "checkboxgroup",
            "k_radio": "radio",
            "k_colour": "colorpicker",
            "k_hidden": "textbox",
            "k_text": "html",
            "k_code": "code",
            "k_whole": "number",
            "k_broken": "textbox",
            "k_listless": "dropdown",
        }
        assert {key: control.elem_id for key, control in controls.items()} == {key: f"setting_{key}" for key in kinds}
        # As in A1111, where scripts of the page look for a textarea.
        assert controls["k_plain"].max_lines != 1
        assert (controls["k_lines"].lines, controls["k_lines"].max_lines) == (3, 6)
        assert (controls["k_multi"].multiselect, controls["k_multi"].value) == (True, ["one"])
        assert controls["k_hidden"].visible == "hidden"
        texts = [str(part["props"].get("value")) for part in parts if part["type"] == "html"]
        said = " ".join(texts)
        assert texts[0].startswith("<div><b>What follows is a test.</b></div>")
        for part in ("(said often)", "https://example.org", "(requires restart)", "<hr>", "The end."):
            assert part in said
        assert any("k_broken" in what for whats in dialect.errors.values() for what in whats)
        settings = app.settings.change({"k_multi": ["one", "two"], "k_boxes": []}, save=False)
        assert (settings.k_multi, settings.k_boxes) == (["one", "two"], [])
    finally:
        dialect.close()
        app.close()


def test_the_button_beside_a_list_looks_for_choices_again(tmp_path: Path) -> None:
    (app, dialect), controls, parts = drawn(tmp_path)
    try:
        assert any(part["props"].get("elem_id") == "refresh_k_multi" for part in parts)
        section = next(each for each in app.settings.sections if each.title == "Kinds of settings")
        control = next(each for each in section.model_fields["k_multi"].metadata if hasattr(each, "look_again"))
        updated = control.look_again()
        assert (updated["choices"], updated["__type__"]) == (["one", "two", "three"], "update")
        assert controls["k_multi"].choices == ["one", "two"]
    finally:
        dialect.close()
        app.close()
