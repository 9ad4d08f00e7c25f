"""What happens around the pictures that img2img begins with: copied from sub tab to sub tab, their size read."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from modules.foundation.errors import EaselError
from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.panel import img2img_controls as own
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.given import Given
from modules.webui.panel.img2img_request import scaled, source

SOURCES = ("mode", *(control.name for control in own.PICTURES.values()), "upload_mask")


def wire_img2img(page: PageBuilder, panel: GenerationPanel) -> None:
    """Tie them all."""
    controls, parts = panel.controls, panel.parts
    for name, button in parts.items():
        if name.startswith("copy_"):
            copied, _, target = name.removeprefix("copy_").partition("_to_")
            picture, other = (controls[own.PICTURES[mode].name] for mode in (copied, target))
            on(button, "click", _same, [picture], [other], then=f"() => easel.openTab('{target}', '{own.MODE}')")
    for name, group in (("mode", own.MODE), ("batch_source", own.BATCH_SOURCE), ("resize_how", own.RESIZE)):
        # The box is set by the server as well, when inputs are brought back.
        on(controls[name], "change", None, [controls[name]], [], js=f"(tab) => easel.openTab(tab, '{group}')")
    begun = [controls[name] for name in SOURCES]
    sizes = [controls["width"], controls["height"]]

    def step() -> int:
        return page.app.selected_family.size_step

    on(parts["detect_size"], "click", lambda *values: _detected(step(), values), begun, sizes)
    for component in (*begun, controls["scale"]):
        on(
            component,
            "change",
            lambda factor, *values: _scaled_size(step(), factor, values),
            [controls["scale"], *begun],
            [parts["scaled_size"]],
            trigger="always_last",
        )


def _same(path: str | None) -> str | None:
    return path


def _size(values: Sequence[str | None]) -> tuple[int, int] | None:
    """The size in pixels of the picture on the open sub tab; None without one."""
    given = Given({**dict(zip(SOURCES, values, strict=True)), "upload_mask": ""})
    if given.text("mode") == "inpaint_upload":
        given = Given({"mode": "img2img", "picture": given.text("upload_picture")})
    elif given.text("mode").startswith("inpaint"):
        name = own.PICTURES[given.text("mode")].name
        given = Given({"mode": "img2img", "picture": given.text(name)})
    try:
        return source(given).picture.size
    except EaselError:
        return None


def _detected(step: int, values: Sequence[str | None]) -> list[object]:
    size = _size(values)
    if size is None:
        gr.Info("Drop a picture on the box above first; its size is read then.", title="No picture")
        return [gr.skip(), gr.skip()]
    return [side // step * step for side in size]


def _scaled_size(step: int, factor: float, values: Sequence[str | None]) -> str:
    size = _size(values)
    if size is None:
        return "<p>the picture's size, scaled</p>"
    try:
        width, height = scaled(size, factor)
    except EaselError as error:
        return f"<p>{error}</p>"
    return f"<p>from <b>{size[0]}×{size[1]}</b> to <b>{width // step * step}×{height // step * step}</b></p>"
