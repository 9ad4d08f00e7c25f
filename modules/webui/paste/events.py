"""Restoring settings from parameters: the arrow beside the prompts, and a picture dropped on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import gradio as gr

from modules.application.infotexts import parameters_of
from modules.application.last_parameters import kept_parameters
from modules.foundation.errors import EaselError, RequestError
from modules.foundation.text_files import read_text
from modules.infotext.picture_metadata import MAX_TEXT, PictureMetadata, read_picture_metadata
from modules.webui.events import on
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.paste.values import has_parameters, pasted_values

if TYPE_CHECKING:
    from modules.application.application import Application


NOTHING: Mapping[str, object] = MappingProxyType({})


def wire_pasting(app: Application, panel: GenerationPanel) -> None:
    """Wire the panel's buttons that read a parameters text."""

    def on_paste(words: str) -> list[object]:
        text = words.strip() or last_parameters(app)
        if not has_parameters(text):
            gr.Info(
                "Paste the parameters of a picture into the prompt first, then press the arrow.",
                title="Nothing to read",
            )
        return pasted(app, panel, text)

    def on_drop(path: str | None) -> list[object]:
        text = ""
        if path:
            try:
                carried = read_file(Path(path))
                text = carried.infotext or ""
            except EaselError as error:
                gr.Warning(str(error), title="This file cannot be read")
            else:
                if not has_parameters(text):
                    gr.Warning(carried.why_nothing, title="No parameters")
        return pasted(app, panel, text)

    on(panel.parts["paste"], "click", on_paste, [panel.controls["prompt"]], panel.pasted_into)
    on(panel.parts["prompt_file"], "upload", on_drop, [panel.parts["prompt_file"]], panel.pasted_into)


def pasted(app: Application, panel: GenerationPanel, text: str, values: Mapping[str, object] = NOTHING) -> list[object]:
    """The answers of an event whose outputs are `pasted_into`; what the text does not name stays as it is.

    `values` of controls, by name, go before what the text says.
    """
    parameters = parameters_of(text, app) if panel.guests.outputs and has_parameters(text) else {}
    return [*panel.updates({**pasted_values(text, app, panel.declared), **values}), *panel.guests.pasted(parameters)]


def read_file(path: Path) -> PictureMetadata:
    """What a picture says, or a text file in its place. Raises EaselError if it can be read as neither."""
    if path.suffix.casefold() == ".txt":
        if path.stat().st_size > 4 * MAX_TEXT:  # a letter may take four bytes
            raise RequestError(f"{path.name} has more than {MAX_TEXT:,} letters.", "prompt_file")
        return PictureMetadata(infotext=read_text(path))
    return read_picture_metadata(path)


def last_parameters(app: Application) -> str:
    """The parameters of the last run, also of one before the program was started again; "" when there is none."""
    return kept_parameters(app.paths.data)
