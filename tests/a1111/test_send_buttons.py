"""Buttons of extensions' tabs that send a picture or a text to the program's panels; what extensions cost a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from modules.a1111.page import ScriptsOnPage
from modules.webui.page import build_page
from modules.webui.tabs.extensions import installed_html
from tests.a1111.conftest import Stage

TAB = """
import gradio as gr
from modules import script_callbacks
from modules import generation_parameters_copypaste as params

def tabs():
    with gr.Blocks() as blocks:
        image = gr.Image(type="pil", elem_id="own_image")
        gallery = gr.Gallery(elem_id="own_gallery")
        text = gr.Textbox(elem_id="own_text")
        buttons = params.create_buttons(["txt2img", "img2img", "inpaint", "extras"])
        params.bind_buttons(buttons, image, text)
        of_gallery = gr.Button("Send the chosen one", elem_id="own_gallery_send")
        params.register_paste_params_button(
            params.ParamBinding(paste_button=of_gallery, tabname="img2img", source_image_component=gallery)
        )
        target = gr.Textbox(elem_id="own_target")
        params.add_paste_fields("own", None, [(target, "Prompt")])
        to_own = gr.Button("To me", elem_id="own_send")
        params.register_paste_params_button(
            params.ParamBinding(paste_button=to_own, tabname="own", source_text_component=text)
        )
    return [(blocks, "Own", "own")]

script_callbacks.on_ui_tabs(tabs)
"""

WORDS = "a lighthouse\nNegative prompt: fog\nSteps: 7, Sampler: Euler, CFG scale: 3, Seed: 12, Size: 72x64"


def function_of(page: Any, elem_id: str) -> Any:
    """What a press of a button calls, the script that goes with it, and the names of its outputs."""
    # PNG Info has buttons of the same ids, as in A1111; the extension's are drawn later.
    button = [each for each in page.blocks.values() if getattr(each, "elem_id", None) == elem_id][-1]
    return next(fn for fn in page.fns.values() if fn.fn is not None and (button._id, "click") in fn.targets)


def pressed(page: Any, elem_id: str, *values: Any) -> dict[str, Any]:
    """The new values that a press gives, by the id of the component."""
    fn = function_of(page, elem_id)
    given = fn.fn(*values)
    answers = given if isinstance(given, list) else [given]
    pairs = zip(fn.outputs, answers, strict=True)
    return {each.elem_id: value["value"] for each, value in pairs if isinstance(value, dict) and "value" in value}


@pytest.fixture
def there(stage: Callable[..., Stage]) -> tuple[Stage, Any]:
    made = stage(tab=TAB)
    made.application.registries.page_guests.register("a1111", ScriptsOnPage(made.dialect))

    async def build() -> Any:
        return build_page(made.application)[0]

    return made, asyncio.run(build())


def test_words_and_pictures_are_sent_to_our_panels_and_to_tabs_of_extensions(
    there: tuple[Stage, Any], tmp_path: Path
) -> None:
    _, page = there
    picture = Image.new("RGB", (72, 64), "teal")
    new = pressed(page, "txt2img_tab", picture, WORDS)
    assert (new["txt2img_prompt"], new["txt2img_neg_prompt"], new["txt2img_steps"]) == ("a lighthouse", "fog", 7)
    new = pressed(page, "inpaint_tab", picture, WORDS)
    assert (new["img2img_prompt"], new["img2img_width"], new["img2img_height"]) == ("a lighthouse", 72, 64)
    assert Path(str(new["img2maskimg"])).is_file()
    assert pressed(page, "img2img_tab", None, "") == {}
    assert pressed(page, "own_send", WORDS) == {"own_target": "a lighthouse"}


def test_a_picture_brings_its_own_words_and_a_broken_one_is_told(there: tuple[Stage, Any], tmp_path: Path) -> None:
    _, page = there
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", WORDS)
    Image.new("RGB", (72, 64)).save(tmp_path / "one.png", pnginfo=info)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    new = pressed(page, "own_gallery_send", [(str(tmp_path / "one.png"), None)])
    assert new["img2img_prompt"] == "a lighthouse"
    assert function_of(page, "own_gallery_send").js.startswith("(gallery, ...rest)")
    with pytest.warns(UserWarning, match="no PNG"):  # what the page shows as a notice
        assert pressed(page, "own_gallery_send", [(str(tmp_path / "broken.png"), None)]) == {}


def test_what_an_extension_takes_for_a_picture_is_on_the_extensions_page(stage: Callable[..., Stage]) -> None:
    slow = (
        "import time\nfrom modules import scripts, script_callbacks\n"
        "script_callbacks.on_cfg_denoiser(lambda params: time.sleep(0.01))\n"
        "class Slow(scripts.Script):\n    def title(self): return 'Slow'\n"
        "    def show(self, is_img2img): return scripts.AlwaysVisible\n"
        "    def process(self, p): time.sleep(0.03)\n"
    )
    made = stage(slow=slow)
    host = made.application.extensions
    host.find()
    assert "A picture" in installed_html(made.application)
    made.make(batch_size=2)
    assert host.pictures == 2
    assert host.extensions[0].run_seconds >= 0.05
    assert f"{1000 * host.extensions[0].run_seconds / 2:.1f} ms" in installed_html(made.application)
