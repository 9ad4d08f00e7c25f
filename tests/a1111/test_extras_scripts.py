"""Scripts of the Extras tab: drawn with their controls, called in their order, named when they fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from modules.application.jobs.extras import submit_extras
from modules.generation.extras import ExtrasFiles, ExtrasResult
from modules.webui.choices import named_choices
from modules.webui.extras.operations import operations
from modules.webui.extras.request import DrawnOperation
from tests.a1111.conftest import Stage
from tests.webui.panels import built_page

SCRIPTS = """
import gradio as gr
from modules import scripts_postprocessing

class Frame(scripts_postprocessing.ScriptPostprocessing):
    name = "Frame"
    order = 500
    def ui(self):
        with gr.Accordion("Frame", open=False):
            enable = gr.Checkbox(False, label="Enable", elem_id="frame_enable")
            width = gr.Slider(0, 9, 2, step=1, label="Width", elem_id="frame_width")
        return {"enable": enable, "width": width}
    def process_firstpass(self, pp, enable, width):
        pp.shared.target_width = pp.image.width + 2 * width
    def process(self, pp, enable, width):
        if not enable:
            return
        from PIL import ImageOps
        pp.image = ImageOps.expand(pp.image, width, "red")
        pp.info["Frame"] = f"{width} of {pp.shared.target_width}"
        pp.extra_images.append(pp.create_copy(pp.image.convert("L"), nametags=["grey"], disable_processing=True))

class Broken(scripts_postprocessing.ScriptPostprocessing):
    name = "Broken"
    order = 9000
    def ui(self):
        return {"word": gr.Textbox("", label="Word")}
    def process(self, pp, word):
        if word:
            raise ValueError("no words, please")

class Undrawable(scripts_postprocessing.ScriptPostprocessing):
    name = "Undrawable"
    def ui(self):
        raise ValueError("no controls today")
"""


@pytest.fixture
def drawn(stage: Callable[..., Stage]) -> tuple[Stage, dict[str, DrawnOperation]]:
    staged = stage(extras=SCRIPTS)
    built_page(staged.application)
    found = operations(staged.application)
    registered = {each.name: each for each in staged.application.registries.extras_operations}
    scripts = {name: DrawnOperation(operation=each, components={}) for name, each in registered.items()}
    assert [each.name for each in found][:2] == ["Frame", "Upscale"]
    return staged, scripts


def run(stage: Stage, scripts: dict[str, DrawnOperation], source: Path, **values: dict[str, object]) -> ExtrasResult:
    steps = tuple(step for name, given in values.items() for step in scripts[name].operation.steps(given))
    return submit_extras(stage.application, ExtrasFiles(steps=steps, files=(source,), several=True)).wait(60)


def test_a_script_works_on_the_picture_with_its_values(
    drawn: tuple[Stage, dict[str, DrawnOperation]], tmp_path: Path
) -> None:
    stage, scripts = drawn
    source = tmp_path / "a.png"
    Image.new("RGB", (20, 10), "blue").save(source)
    result = run(stage, scripts, source, Frame={"enable": True, "width": 3}, Broken={"word": ""})
    assert [saved.path.name for saved in result.pictures if saved.path] == ["a.png", "a-grey.png"]
    assert result.pictures[0].size == (26, 16)
    assert result.pictures[0].done == "Frame: 3 of 26"
    assert run(stage, scripts, source, Frame={"enable": False, "width": 3}).pictures[0].size == (20, 10)


def test_a_script_that_fails_is_named(drawn: tuple[Stage, dict[str, DrawnOperation]], tmp_path: Path) -> None:
    stage, scripts = drawn
    source = tmp_path / "a.png"
    Image.new("RGB", (20, 10), "blue").save(source)
    error = run(stage, scripts, source, Broken={"word": "hello"}).failed[0].error or ""
    assert "Broken" in error
    assert "no words, please" in error
    assert scripts["Undrawable"].operation.steps({}) == []
    assert "no controls today" in str(stage.dialect.errors)


def test_settings_order_them_and_hide_them(stage: Callable[..., Stage]) -> None:
    app = stage(extras=SCRIPTS).application
    names = [each.name for each in operations(app)]
    ordered = ["Frame", "Upscale", "Undrawable", "GFPGAN", "CodeFormer", "Broken"]
    assert [name for name in names if name in ordered] == ordered
    assert set(named_choices(app)["postprocessing_operations"]) == set(names)
    app.settings.change({"postprocessing_operation_order": ["CodeFormer", "Broken"]})
    app.settings.change({"postprocessing_disable_in_extras": ["Undrawable", "GFPGAN"]})
    shown = [each.name for each in operations(app)]
    assert shown[:2] == ["CodeFormer", "Broken"]
    assert [name for name in shown[2:] if name in ordered] == ["Frame", "Upscale"]
    assert "extras" in built_page(app).inputs
    app.settings.change({"postprocessing_disable_in_extras": ["Upscale"]})
    assert "upscaler_1" not in built_page(app).inputs["extras"].controls
