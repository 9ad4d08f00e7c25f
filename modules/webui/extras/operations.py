"""The operations that the Extras tab has by itself, each with its controls and what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component

from modules.application.extras_operations import ExtrasOperation, wanted_operations
from modules.foundation.plain import JsonMapping
from modules.generation.extras import Captioning, FaceRestoring, Upscaling
from modules.webui.extras import controls as own
from modules.webui.extras.dataset_operations import DATASET_OPERATIONS
from modules.webui.panel.control_values import ControlValues
from modules.webui.panel.drawing import Drawing
from modules.webui.tab_bar import tab_bar

if TYPE_CHECKING:
    from modules.application.application import Application

Components = Mapping[str, Component]


def operations(app: Application) -> list[ExtrasOperation]:
    """All of them, in the order in which they are drawn and done."""
    return wanted_operations([*BUILT_IN, *app.registries.extras_operations], app.settings.current)


def _draw_upscale(drawing: Drawing) -> Components:
    with gr.Column(elem_id="extras_upscale", elem_classes=["switched-part"], min_width=160):
        drawing.control(own.UPSCALE)
        with gr.Column(elem_classes=["part-body"]):
            with gr.Row(elem_classes=["fields"]):
                drawing.control(own.UPSCALER_1)
                drawing.control(own.UPSCALER_2)
            drawing.control(own.UPSCALER_2_VISIBILITY)
            drawing.control(own.CHOSEN_RESIZE)
            with gr.Column(elem_id=own.RESIZE, elem_classes=["sub-tabs"]):
                tab_bar(own.RESIZE, own.RESIZES, "How large")
                with gr.Row(elem_id=own.RESIZES[0].elem_id, elem_classes=["tabitem", "fields"], equal_height=False):
                    drawing.control(own.SCALE)
                    drawing.control(own.MAX_SIDE)
                with gr.Column(elem_id=own.RESIZES[1].elem_id, elem_classes=["tabitem"]):
                    _draw_size(drawing)
    return {}


def _draw_size(drawing: Drawing) -> None:
    with gr.Row(elem_classes=["fields", "size-row"], equal_height=False):
        with gr.Column(elem_id="upscaling_column_size", scale=4, min_width=160):
            drawing.control(own.WIDTH)
            drawing.control(own.HEIGHT)
        with gr.Column(elem_id="upscaling_dimensions_row", scale=0, min_width=36, elem_classes=["swap-column"]):
            button = gr.Button("⇅", elem_id="upscaling_res_switch_btn", elem_classes=["tool"])
            drawing.part("swap_sizes", button)
            drawing.control(own.CROP)


def _upscale(values: JsonMapping) -> list[Upscaling]:
    controls = ControlValues(values)
    if not controls.switch("upscale"):
        return []
    to_size = controls.text("resize_how") == "to"
    return [
        Upscaling(
            upscaler=controls.text("upscaler_1") or "None",
            second_upscaler=controls.text("upscaler_2") or "None",
            second_visibility=controls.number("upscaler_2_visibility", own.UPSCALER_2_VISIBILITY.label),
            scale=1.0 if to_size else controls.number("scale", own.SCALE.label),
            width=controls.whole("width", own.WIDTH.label) if to_size else None,
            height=controls.whole("height", own.HEIGHT.label) if to_size else None,
            crop=controls.switch("crop"),
            max_side=0 if to_size or not controls.text("max_side") else controls.whole("max_side", own.MAX_SIDE.label),
        )
    ]


def _draw_gfpgan(drawing: Drawing) -> Components:
    with gr.Column(elem_id="input-accordion-0", elem_classes=["switched-part"], min_width=160):
        drawing.control(own.GFPGAN)
        with gr.Column(elem_classes=["part-body"]):
            drawing.control(own.GFPGAN_VISIBILITY)
    return {}


def _gfpgan(values: JsonMapping) -> list[FaceRestoring]:
    controls = ControlValues(values)
    if not controls.switch("gfpgan"):
        return []
    return [FaceRestoring(restorer="GFPGAN", visibility=controls.number("gfpgan_visibility", "GFPGAN visibility"))]


def _draw_codeformer(drawing: Drawing) -> Components:
    with gr.Column(elem_id="input-accordion-1", elem_classes=["switched-part"], min_width=160):
        drawing.control(own.CODEFORMER)
        with gr.Row(elem_classes=["part-body", "fields"]):
            drawing.control(own.CODEFORMER_VISIBILITY)
            drawing.control(own.CODEFORMER_WEIGHT)
    return {}


def _codeformer(values: JsonMapping) -> list[FaceRestoring]:
    controls = ControlValues(values)
    if not controls.switch("codeformer"):
        return []
    visibility = controls.number("codeformer_visibility", "CodeFormer visibility")
    weight = controls.number("codeformer_weight", "CodeFormer weight")
    return [FaceRestoring(restorer="CodeFormer", visibility=visibility, weight=weight)]


def _draw_caption(drawing: Drawing) -> Components:
    with gr.Column(elem_id="input-accordion-6", elem_classes=["switched-part"], min_width=160):
        drawing.control(own.CAPTION)
        with gr.Column(elem_classes=["part-body"]):
            drawing.control(own.CAPTION_MODELS)
    return {}


def _caption(values: JsonMapping) -> list[Captioning]:
    controls = ControlValues(values)
    models = controls.texts("caption_models")
    return [Captioning(models=models)] if controls.switch("caption") and models else []


BUILT_IN = (
    ExtrasOperation(name="Upscale", order=1000, draw=_draw_upscale, steps=_upscale),
    ExtrasOperation(name="GFPGAN", order=2000, draw=_draw_gfpgan, steps=_gfpgan),
    ExtrasOperation(name="CodeFormer", order=3000, draw=_draw_codeformer, steps=_codeformer),
    *DATASET_OPERATIONS,
    ExtrasOperation(name="Caption", order=4040, draw=_draw_caption, steps=_caption),
)
"""A1111's names and order."""
