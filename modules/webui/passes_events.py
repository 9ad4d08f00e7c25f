"""What happens around the second pass and the refiner: sizes, lists read again, and "upscale this one"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.sampling.latent_upscale import LATENT_UPSCALERS
from modules.webui.choices import sampler_names
from modules.webui.hires_panel import SAME_CHECKPOINT, SAME_SAMPLER, PassFiles
from modules.webui.upscale import upscale

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.webui.txt2img import Txt2ImgPanel

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
SIZES = ("enable_hr", "width", "height", "hr_scale", "hr_resize_x", "hr_resize_y")


def pass_files(app: Application) -> PassFiles:
    """What the dropdowns offer now."""
    upscalers = [*LATENT_UPSCALERS, *(info.name for info in app.upscalers.usable())]
    return PassFiles(checkpoints=[info.title for info in app.catalogue.all()], upscalers=upscalers)


def sampler_lists(app: Application, sampler: str, hires_sampler: str) -> list[Any]:
    """The dropdowns of both passes without the hidden samplers; what was chosen stays chosen where it is not hidden."""
    offered = sampler_names(app.settings.current.hide_samplers)
    lists = ((offered, sampler), ([SAME_SAMPLER, *offered], hires_sampler))
    return [gr.Dropdown(choices=names, value=chosen if chosen in names else names[0]) for names, chosen in lists]


def wire_passes(app: Application, panel: Txt2ImgPanel) -> None:
    """Tie the sizes and the refreshing of lists."""
    controls, passes = panel.controls, panel.passes
    sizes = [getattr(controls, name) for name in SIZES]
    for component in sizes:
        component.change(None, sizes, [passes.final_size], js="(...sizes) => easel.finalSize(...sizes)", **QUIET)

    def on_refresh() -> tuple[Any, Any]:
        app.catalogue.refresh()
        names = pass_files(app).checkpoints
        return gr.Dropdown(choices=[SAME_CHECKPOINT, *names]), gr.Dropdown(choices=["", *names])

    for button in (passes.refresh_hires, passes.refresh_refiner):
        button.click(on_refresh, None, [controls.hr_checkpoint, controls.refiner_checkpoint], **QUIET)


def wire_upscale(app: Application, panel: Txt2ImgPanel, outputs: list[Any]) -> None:
    """Tie the button under the gallery. Its run is watched as those of Generate are."""
    results = panel.results

    async def on_upscale(request: gr.Request, task: str, info: str, selected: int, *values: Any) -> tuple[Any, ...]:
        return await upscale(app, task, (info, selected), list(values), request)

    results.upscale.click(
        on_upscale,
        [panel.task, results.generation_info, results.selected, *panel.controls.components],
        outputs,
        js="(...values) => easel.begin('txt2img', values)",
        show_progress="hidden",
        concurrency_limit=None,
        api_visibility="private",
    ).then(None, js="() => easel.finished('txt2img')")
