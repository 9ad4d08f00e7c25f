"""How the parts that img2img alone has lie on its left side."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from modules.webui.builder import PageBuilder
from modules.webui.panel import common, layout
from modules.webui.panel import img2img_controls as own
from modules.webui.panel.drawing import Drawing
from modules.webui.panel.layout import SectionContent
from modules.webui.tab_bar import Tab

COPIED = {"img2img": "img2img", "sketch": "sketch", "inpaint": "inpaint", "inpaint_sketch": "inpaint sketch"}
"""The sub tabs among which a picture is copied, with the labels of the buttons."""

UPDATE_SIZE = "img2img_update_resize_to"


def sections(page: PageBuilder) -> dict[str, SectionContent]:
    """The sections of the panel, by A1111's names."""

    def image(drawing: Drawing) -> None:
        _modes(page, drawing)
        drawing.control(own.RESIZE_MODE)

    def dimensions(drawing: Drawing) -> None:
        _dimensions(page, drawing)

    return {
        "image": image,
        "inpaint": _inpaint,
        "sampler": layout.sampler,
        "accordions": _accordions,
        "dimensions": dimensions,
        "cfg": _cfg,
        "denoising": _denoising,
        "seed": layout.seed,
        "override_settings": layout.override_settings,
        "extra_options": layout.extra_options,
        "scripts": layout.scripts,
    }


def rules() -> str:
    """The style rules that show the controls of inpainting where there is a mask, each where it acts."""
    shown = ", ".join(f"[data-{own.MODE}='{mode}']" for mode in own.INPAINT_MODES)
    without_paint = f"html:not([data-{own.MODE}='inpaint_sketch'])"
    return (
        f"html:not({shown}) #inpaint_controls, html:not({shown}) #soft_inpainting_enabled {{ display: none }}\n"
        f"{without_paint} #{own.MASK_TRANSPARENCY.elem_id} {{ display: none !important }}\n"
    )


def _modes(page: PageBuilder, drawing: Drawing) -> None:
    drawing.control(own.CHOSEN_MODE)
    with gr.Column(elem_id=own.MODE, elem_classes=["sub-tabs"]):
        page.tab_bar(own.MODE, own.MODES, "What to begin with")
        for mode in own.MODES:
            with gr.Column(elem_id=mode.elem_id, elem_classes=["tabitem"]):
                if mode.name == "batch":
                    _batch(page, drawing)
                else:
                    _picture(drawing, mode)


def _picture(drawing: Drawing, mode: Tab) -> None:
    drawing.control(own.PICTURES[mode.name])
    if mode.name == "inpaint_upload":
        drawing.control(own.UPLOADED_MASK)
        return
    if mode.name in own.INPAINT_MODES:
        region = gr.Textbox("", elem_id=f"img2img_region_{mode.name}", visible="hidden")
        drawing.part(f"region_{mode.name}", region)
    with gr.Row(elem_id=f"img2img_copy_to_{mode.name}", elem_classes=["copy-row"]):
        gr.HTML("Copy to", elem_id=f"img2img_label_copy_to_{mode.name}", elem_classes=["copy-label"])
        for target, label in COPIED.items():
            if target != mode.name:
                arguments = drawing.ui.button(f"img2img/{label}")
                button = gr.Button(label, size="sm", scale=0, min_width=70, elem_classes=["copy-button"], **arguments)
                drawing.part(f"copy_{mode.name}_to_{target}", button)


def _batch(page: PageBuilder, drawing: Drawing) -> None:
    gr.HTML(
        '<p class="hint">Each picture is made again with the settings below. Where there is a mask for it, only what '
        "the mask shows.</p>"
    )
    drawing.control(own.CHOSEN_SOURCE)
    with gr.Column(elem_id=own.BATCH_SOURCE, elem_classes=["sub-tabs"]):
        page.tab_bar(own.BATCH_SOURCE, own.BATCH_SOURCES, "Where the pictures are")
        with gr.Column(elem_id=own.BATCH_SOURCES[0].elem_id, elem_classes=["tabitem"]):
            drawing.control(own.BATCH_FILES)
        with gr.Column(elem_id=own.BATCH_SOURCES[1].elem_id, elem_classes=["tabitem"]):
            drawing.control(own.BATCH_INPUT)
            drawing.control(own.BATCH_OUTPUT)
            drawing.control(own.BATCH_MASKS)
    with gr.Accordion("PNG info", open=False, elem_classes=["part-more"]):
        drawing.control(own.BATCH_PNG_INFO)
        drawing.control(own.BATCH_PNG_INFO_PROPS)
        drawing.control(own.BATCH_PNG_INFO_DIR)


def _inpaint(drawing: Drawing) -> None:
    with gr.Group(elem_id="inpaint_controls"):
        with gr.Row():
            drawing.control(own.MASK_BLUR)
            drawing.control(own.MASK_TRANSPARENCY)
            drawing.control(own.MASK_MODE)
        drawing.control(own.MASKED_CONTENT)
        with gr.Row():
            drawing.control(own.INPAINT_AREA)
            drawing.control(own.PADDING)


def _accordions(drawing: Drawing) -> None:
    with gr.Row(elem_id=drawing.id("accordions"), elem_classes=["switched-parts"], equal_height=False):
        with gr.Column(elem_id="soft_inpainting_enabled", elem_classes=["switched-part"], min_width=160):
            drawing.control(own.SOFT_INPAINTING)
            with gr.Column(elem_classes=["part-body"]):
                for row in (own.SOFT[:3], own.SOFT[3:]):
                    _row(drawing, row)
        layout.refiner(drawing)


def _row(drawing: Drawing, controls: Sequence[own.Control]) -> None:
    with gr.Row(elem_classes=["fields"]):
        for control in controls:
            drawing.control(control)


def _dimensions(page: PageBuilder, drawing: Drawing) -> None:
    drawing.control(own.CHOSEN_RESIZE)
    with gr.Row(elem_classes=["size-and-batch", "fields"], equal_height=False):
        with gr.Column(elem_id=own.RESIZE, elem_classes=["sub-tabs"], scale=4, min_width=240):
            page.tab_bar(own.RESIZE, own.RESIZES, "How the size is chosen")
            with gr.Row(elem_id=own.RESIZES[0].elem_id, elem_classes=["tabitem", "size-row"], equal_height=False):
                with gr.Column(elem_id=drawing.id("column_size"), scale=4, min_width=160):
                    drawing.control(common.WIDTH)
                    drawing.control(common.HEIGHT)
                with gr.Column(
                    elem_id=drawing.id("dimensions_row"), scale=0, min_width=36, elem_classes=["swap-column"]
                ):
                    drawing.tool("swap_sizes", "⇅", "res_switch_btn")
                    drawing.tool("aspect_lock", "🔗", "aspect_lock_btn")
                    drawing.tool("detect_size", "📐", "detect_image_size_btn")
            with gr.Column(elem_id=own.RESIZES[1].elem_id, elem_classes=["tabitem"]):
                drawing.control(own.SCALE)
                # Scripts of A1111's extensions press it when they have set the scale.
                drawing.part("update_scaled_size", gr.Button("Size", elem_id=UPDATE_SIZE, visible="hidden"))
                note = gr.HTML("", elem_id="img2img_scale_resolution_preview", elem_classes=["part-note"])
                drawing.part("scaled_size", note)
        if drawing.settings.dimensions_and_batch_together:
            layout.batch(drawing)
    layout.batch_below(drawing)


def _cfg(drawing: Drawing) -> None:
    with gr.Row(elem_classes=["fields"]):
        drawing.control(common.CFG_SCALE)
        drawing.control(own.IMAGE_CFG_SCALE)


def _denoising(drawing: Drawing) -> None:
    drawing.control(own.DENOISING_STRENGTH)
