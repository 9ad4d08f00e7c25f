"""`shared.sd_model` before a model is loaded: A1111 has one when the page is drawn, and extensions ask it at once."""

from __future__ import annotations

from collections.abc import Callable

import fastapi
import pytest

from modules.hooks.events import PageEvent
from tests.a1111.conftest import Stage

WHILE_DRAWING = """
from modules import scripts, sd_hijack, sd_models, shared

class Script(scripts.Script):
    def title(self):
        return "asks for the model"

    def ui(self, is_img2img):
        import gradio as gr

        assert sd_models.model_data.sd_model is None
        assert not hasattr(shared.sd_model, "model")
        assert sd_hijack.model_hijack.clip is None
        titles = sd_models.checkpoint_tiles()
        return [gr.Dropdown(titles, value=shared.sd_model.sd_checkpoint_info.title)]
"""


def test_what_its_file_says_is_known_while_the_page_is_drawn(stage: Callable[..., Stage]) -> None:
    made = stage(asking=WHILE_DRAWING)
    assert made.dialect.errors == {}
    model = made.dialect.shared.sd_model
    assert (model.is_sd1, model.is_sd2, model.is_sdxl, model.is_sdxl_inpaint) == (True, False, False, False)
    assert model.filename.endswith("tiny.safetensors")
    assert not made.application.engine_ready
    with pytest.raises(AttributeError, match="No model is loaded yet"):
        model.first_stage_model  # noqa: B018 - that it is asked for is the test


def test_later_all_else_loads_it(stage: Callable[..., Stage]) -> None:
    made = stage(none="from modules import scripts\n")
    made.application.hooks.app_started(PageEvent(api=fastapi.FastAPI()))
    to_come = made.dialect.shared.sd_model
    assert to_come.model.diffusion_model is not None
    loaded = made.dialect.shared.sd_model
    assert loaded is not to_come
    assert loaded.sd_checkpoint_info.title.startswith("tiny.safetensors")
