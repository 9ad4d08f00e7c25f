"""The small events of the Extras tab, and what is sent to it and from it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component

from modules.foundation.errors import EaselError
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.pipeline.output_folders import sample_options
from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.extras import controls as own
from modules.webui.extras.request import ExtrasTab
from modules.webui.extras.results import info_html
from modules.webui.extras.source import source_html
from modules.webui.panel import img2img_controls
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.keepsakes import open_in_file_manager
from modules.webui.panel.results import Results
from modules.webui.panel.sizes import sent_size
from modules.webui.pictures import may_be_read

if TYPE_CHECKING:
    from modules.application.application import Application

Buttons = Mapping[str, Component]

OPENED = f"() => {{ easel.openTab('{own.TAB}'); easel.openTab('single', '{own.MODE}') }}"
"""Shows the picture that was sent here."""


def wire_extras(page: PageBuilder, tab: ExtrasTab) -> None:
    """Connect the controls of the Extras tab to what they do."""
    app, controls, parts = page.app, tab.inputs.controls, tab.parts
    image = controls[own.IMAGE.name]

    def on_image(path: str | None) -> str:
        for each in tab.operations:
            each.operation.image_changed()
        return source_html(path)

    on(image, "change", on_image, [image], [tab.source], trigger="always_last")
    _wire_results(app, parts, tab.results)
    _wire_sending(page, parts, tab.results, image)
    for name, group in (("mode", own.MODE), ("resize_how", own.RESIZE)):
        if name in controls:
            # The box is set by the server as well, when inputs are brought back.
            on(controls[name], "change", None, [controls[name]], [], js=f"(tab) => easel.openTab(tab, '{group}')")
    if "swap_sizes" in parts:  # settings may have hidden the operation
        sizes = [controls[name] for name in ("width", "height")]
        on(parts["swap_sizes"], "click", None, sizes, sizes, js="(w, h) => [h, w]")
        _wire_scale(app, controls["upscaler_1"], controls["scale"])


def _wire_scale(app: Application, upscaler: Component, scale: Component) -> None:
    def on_upscaler(name: str | None) -> object:
        scales = {info.name: info.scale for info in app.upscalers.usable() if info.method == "model"}
        wanted = app.settings.current.set_scale_by_when_changing_upscaler
        return scales[name] if wanted and name in scales else gr.skip()

    on(upscaler, "input", on_upscaler, [upscaler], [scale])


def _wire_results(app: Application, parts: Buttons, results: Results) -> None:
    def on_select(info: str, event: gr.SelectData) -> tuple[int, str]:
        index = event.index if isinstance(event.index, int) else 0
        return index, info_html(info, index)

    shown = [results.selected, results.html_info]
    on(results.gallery, "select", on_select, [results.generation_info], shown, trigger="multiple")

    def on_open(request: gr.Request, info: str, selected: int) -> None:
        path = chosen_picture(info, selected)
        usual = sample_options(app.settings.current, app.paths, app.flags, "extras").folder
        try:
            open_in_file_manager(path.parent if path is not None else usual, request)
        except EaselError as error:
            gr.Warning(str(error), title="Not opened")

    on(parts["open_folder"], "click", on_open, [results.generation_info, results.selected])


def _wire_sending(page: PageBuilder, parts: Buttons, results: Results, image: Component) -> None:
    """The buttons under the gallery: to Extras again, or to img2img, where the other controls stay as they are."""
    chosen = [results.generation_info, results.selected]

    def on_extras(info: str, selected: int) -> object:
        path = chosen_picture(info, selected)
        return str(path) if path is not None else nothing_to_send()

    on(parts["send_to_extras"], "click", on_extras, chosen, [image], then=OPENED)
    target = page.panels["img2img"]
    for mode in ("img2img", "inpaint"):

        def on_send(info: str, selected: int, mode: str = mode) -> list[object]:
            path = chosen_picture(info, selected)
            if path is None:
                nothing_to_send()
                return target.updates({})
            return picture_for_img2img(page.app, path, mode, target)

        opened = "() => easel.openTab('img2img')"
        on(parts[f"send_to_{mode}"], "click", on_send, chosen, target.components, then=opened)


def picture_for_img2img(app: Application, path: Path, mode: str, target: GenerationPanel) -> list[object]:
    """Updates of the controls of img2img: the picture, the sub tab and, as the settings say, the size."""
    return target.updates(picture_values(app, path, mode, target))


def picture_values(app: Application, path: Path, mode: str, target: GenerationPanel) -> dict[str, object]:
    """What the controls of img2img, by name, are given with a picture for one of its sub tabs."""
    values: dict[str, object] = {img2img_controls.PICTURES[mode].name: str(path), "mode": mode}
    if app.settings.current.send_size:
        with contextlib.suppress(*UNREADABLE), open_picture(path) as picture:  # img2img says what is wrong with it
            values |= sent_size(app, picture.size, target)
    return values


def chosen_picture(info: str, selected: int) -> Path | None:
    """The file of the picture that the gallery shows large; `info` is the text of the hidden box."""
    try:
        path = Path(str(json.loads(info)["paths"][selected]))
    except (ValueError, LookupError, TypeError):
        return None
    # The text comes back from the browser.
    return path if may_be_read(path) and path.is_file() else None


def nothing_to_send() -> object:
    """Say that there is no picture; the target stays as it is."""
    gr.Warning("There is no picture yet, or its file is gone.", title="Nothing to send")
    return gr.skip()
