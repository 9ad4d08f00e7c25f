"""What happens around the second pass: the size it will have, and "upscale this one"."""

from __future__ import annotations

import gradio as gr

from modules.imaging.hires_size import hires_size
from modules.webui.builder import PageBuilder
from modules.webui.events import on, on_any_change
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.running import show
from modules.webui.panel.upscale import upscale

SIZES = ("enable_hr", "width", "height", "hr_scale", "hr_resize_x", "hr_resize_y")


def size_note(
    width: float, height: float, scale: float, resize_width: float, resize_height: float, *, step: int
) -> str:
    """HTML that says from which size to which the second pass goes; "" where a side is missing."""
    if width < 1 or height < 1:
        return ""
    wanted = {"resize_width": int(resize_width), "resize_height": int(resize_height)}
    last = hires_size(int(width), int(height), scale=scale, **wanted, step=step).final
    return f"<p>from <b>{width:g}×{height:g}</b> to <b>{last[0]}×{last[1]}</b></p>"


def wire_second_pass(page: PageBuilder, panel: GenerationPanel) -> None:
    """Wire the events of the panel's hires fix controls."""
    sizes = [panel.controls[name] for name in SIZES]
    app, results = page.app, panel.results

    def size(enabled: bool, *sides: float | None) -> str:
        checkpoint = app.selected_checkpoint
        step = app.catalogue.family_of(checkpoint).size_step if checkpoint is not None else 1
        return size_note(*(side or 0 for side in sides), step=step) if enabled else ""

    on_any_change(sizes, size, sizes, [panel.parts["final_size"]])

    async def on_upscale(request: gr.Request, task: str, info: str, selected: int, *values: object) -> list[object]:
        return show(app, await upscale(app, task, (info, selected), panel.sent_values(values), request))

    # Its run is watched as those of Generate are.
    on(
        panel.parts["upscale"],
        "click",
        on_upscale,
        [panel.task, results.generation_info, results.selected, *panel.inputs],
        [*results.shown, page.quick.checkpoint],
        js=f"(...values) => easel.begin('{panel.tab}', values)",
        ended=f"() => easel.finished('{panel.tab}')",
        waits=True,
    )
