"""What happens around the second pass: the size it will have, and "upscale this one"."""

from __future__ import annotations

import gradio as gr

from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.running import show
from modules.webui.panel.upscale import upscale

SIZES = ("enable_hr", "width", "height", "hr_scale", "hr_resize_x", "hr_resize_y")


def wire_second_pass(page: PageBuilder, panel: GenerationPanel) -> None:
    """Wire the events of the panel's hires fix controls."""
    sizes = [panel.controls[name] for name in SIZES]
    for component in sizes:
        on(component, "change", None, sizes, [panel.parts["final_size"]], js="(...sizes) => easel.finalSize(...sizes)")

    app, results = page.app, panel.results

    async def on_upscale(request: gr.Request, task: str, info: str, selected: int, *values: object) -> list[object]:
        return show(app, await upscale(app, task, (info, selected), panel.asked(values), request))

    # Its run is watched as those of Generate are.
    on(
        panel.parts["upscale"],
        "click",
        on_upscale,
        [panel.task, results.generation_info, results.selected, *panel.inputs],
        [*results.shown, page.quick.checkpoint],
        js=f"(...values) => easel.begin('{panel.tab}', values)",
        then=f"() => easel.finished('{panel.tab}')",
        waits=True,
    )
