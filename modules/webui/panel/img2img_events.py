"""What happens around the pictures that img2img begins with: copied from sub tab to sub tab, their size read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import gradio as gr

from modules.foundation.errors import EaselError
from modules.pipeline.init_pictures import masked_region
from modules.webui.builder import PageBuilder
from modules.webui.events import on, on_any_change
from modules.webui.panel import common
from modules.webui.panel import img2img_controls as own
from modules.webui.panel.control import Drawn
from modules.webui.panel.control_values import ControlValues
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.img2img_request import asked_size, inpaint_options, scaled
from modules.webui.panel.img2img_source import framed_picture, painted_picture, picture_size, source
from modules.webui.pictures import picture_as_upload

SOURCES = ("mode", *(control.name for control in own.PICTURES.values()), "upload_mask")


def wire_img2img(page: PageBuilder, panel: GenerationPanel) -> None:
    """Wire the events of the img2img tab's own controls."""
    controls, parts = panel.controls, panel.parts
    for name, button in parts.items():
        if name.startswith("copy_"):
            copied, _, target = name.removeprefix("copy_").partition("_to_")
            picture, other = (controls[own.PICTURES[mode].name] for mode in (copied, target))
            then = f"() => easel.openTab('{target}', '{own.MODE}')"
            on(button, "click", _copied(copied), [picture], [other], then=then)
    for name, group in (("mode", own.MODE), ("batch_source", own.BATCH_SOURCE), ("resize_how", own.RESIZE)):
        # The box is set by the server as well, when inputs are brought back.
        on(controls[name], "change", None, [controls[name]], [], js=f"(tab) => easel.openTab(tab, '{group}')")
    for mode in ("inpaint", "inpaint_sketch"):
        _wire_region(page, panel, mode)
    begun = [controls[name] for name in SOURCES]
    sizes = [controls["width"], controls["height"]]

    def step() -> int:
        return page.app.selected_family.size_step

    on(parts["detect_size"], "click", lambda *values: _detected(step(), values), begun, sizes)
    scaling = [controls["scale"], *begun]

    def on_scale(factor: float | None, *values: object) -> str:
        return _scaled_size(step(), factor, values)

    on_any_change(scaling, on_scale, scaling, [parts["scaled_size"]])
    on(parts["update_scaled_size"], "click", on_scale, scaling, [parts["scaled_size"]])


REGION_CONTROLS = (
    own.MASK_BLUR,
    own.MASK_TRANSPARENCY,
    own.MASK_MODE,
    own.MASKED_CONTENT,
    own.INPAINT_AREA,
    own.PADDING,
    common.WIDTH,
    common.HEIGHT,
    own.SCALE,
    own.CHOSEN_RESIZE,
)
"""What decides where "Only masked" looks, beside the canvas."""


def _wire_region(page: PageBuilder, panel: GenerationPanel, mode: str) -> None:
    """Draw on the canvas of `mode` which part of the picture is worked on when only the masked part is."""
    canvas = own.PICTURES[mode]
    names = [canvas.name, *(control.name for control in REGION_CONTROLS)]
    region_box = panel.parts[f"region_{mode}"]

    def on_change(*values: object) -> str:
        by_name = dict(zip(names, values, strict=True))
        if by_name[own.INPAINT_AREA.name] != own.INPAINT_AREAS[1]:
            return ""
        return region_text({**by_name, "mode": mode}, page.app.selected_family.size_step)

    inputs = [panel.controls[name] for name in names]
    on_any_change(inputs, on_change, inputs, [region_box])
    on(region_box, "change", None, [region_box], [], js=f"(text) => easel.showRegion('{canvas.elem_id}', text)")


def region_text(values: Mapping[str, object], step: int) -> str:
    """The part of the picture that is worked on, "left,top,right,bottom" in pixels; "" where there is none (yet)."""
    controls = ControlValues(values)
    try:
        begun = source(controls)
        size = asked_size(controls, begun.picture.size)
        size = (max(size[0] // step * step, step), max(size[1] // step * step, step))
        region = begun.mask and masked_region(begun.picture.size, inpaint_options(controls).with_mask(begun.mask), size)
    except EaselError:
        return ""
    return ",".join(str(side) for side in region) if region else ""


def _copied(mode: str) -> Callable[[object], Path | None]:
    """What goes to another sub tab: the picture with its colours. A mask stays where it was drawn."""
    control = own.PICTURES[mode]

    def copy(drawn: object) -> Path | None:
        try:
            value = ControlValues({control.name: drawn}).canvas(control.name)
            if value is None or not value.is_painted:
                return None if value is None else value.picture
            is_mask = isinstance(control.kind, Drawn) and control.kind.paints == "mask"
            picture = (framed_picture if is_mask else painted_picture)(value, control.name)
        except EaselError as error:
            raise gr.Error(str(error), title="Nothing was copied", print_exception=False) from error
        return picture_as_upload(picture, f"{value.picture.stem}.png")

    return copy


def _size(values: Sequence[object]) -> tuple[int, int] | None:
    """The size in pixels of the picture on the open sub tab; None without one."""
    return picture_size(ControlValues(dict(zip(SOURCES, values, strict=True))))


def _detected(step: int, values: Sequence[object]) -> list[object]:
    size = _size(values)
    if size is None:
        gr.Info("Drop a picture on the box above first; its size is read then.", title="No picture")
        return [gr.skip(), gr.skip()]
    return [side // step * step for side in size]


def _scaled_size(step: int, factor: float | None, values: Sequence[object]) -> str:
    size = _size(values)
    if size is None or factor is None:
        return "<p>the picture's size, scaled</p>"
    try:
        width, height = scaled(size, factor)
    except EaselError as error:
        return f"<p>{error}</p>"
    return f"<p>from <b>{size[0]}×{size[1]}</b> to <b>{width // step * step}×{height // step * step}</b></p>"
