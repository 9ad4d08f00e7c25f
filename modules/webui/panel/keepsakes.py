"""The picture shown, marked as a favourite, or its folder opened on the machine itself."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from modules.foundation.errors import EaselError, Forbidden, reason_of
from modules.generation.result import FinishedImage
from modules.pipeline.output_folders import sample_options
from modules.webui.events import on
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.upscale import shown_picture

if TYPE_CHECKING:
    from modules.application.application import Application


def wire_keepsakes(app: Application, panel: GenerationPanel) -> None:
    """Tie both buttons under the gallery."""
    shown = [panel.results.generation_info, panel.results.selected]

    def on_favourite(info: str, selected: int) -> None:
        try:
            now = toggle_favourite(app, shown_picture(app, info, selected))
        except EaselError as error:
            gr.Warning(str(error), title="Not marked")
            return
        gr.Info("A favourite: the History tab shows them." if now else "No favourite any more.", duration=4)

    def on_open(request: gr.Request, info: str, selected: int) -> None:
        try:
            open_folder(app, panel.tab, request, info, selected)
        except EaselError as error:
            gr.Warning(str(error), title="Not opened")

    on(panel.parts["favourite"], "click", on_favourite, shown)
    on(panel.parts["open_folder"], "click", on_open, shown)


def toggle_favourite(app: Application, picture: FinishedImage) -> bool:
    """Mark a picture as a favourite, or take that back; whether it is one now. Raises EaselError."""
    history = app.jobs.recorder.history
    kept = history.at_path(picture.path) if picture.path is not None else None
    if kept is None:
        raise EaselError("Only saved pictures can be favourites: this one is in no file.")
    history.change([kept.number], {"favourite": int(not kept.favourite)})
    app.jobs.recorder.events.tell("history", None, {"numbers": [kept.number], "favourite": not kept.favourite})
    return not kept.favourite


def open_folder(app: Application, tab: str, request: gr.Request, info: str, selected: int) -> None:
    """Open the folder of the picture shown, or else that of the tab, in the machine's file manager.

    Raises Forbidden for a page that is open on another machine, EaselError where there is no file manager.
    """
    open_in_file_manager(_folder(app, tab, info, selected), request)


def open_in_file_manager(folder: Path, request: gr.Request) -> None:
    """Open a folder in the machine's file manager. Raises as `open_folder`."""
    if not on_this_machine(request.client.host if request.client else "", request.headers):
        raise Forbidden("A folder can be opened only from a page on the machine that Easel runs on.")
    if not folder.is_dir():
        raise EaselError(f"The folder {folder} is not there yet: it is made with the first picture.")
    command = {"win32": "explorer", "darwin": "open"}.get(sys.platform, "xdg-open")
    try:
        subprocess.Popen([command, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise EaselError(f"No file manager could be started ({reason_of(error)}). The folder is {folder}.") from error


def on_this_machine(client: str, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from this very machine, not by way of a proxy on it."""
    if any(name in headers for name in ("x-forwarded-for", "forwarded", "x-real-ip")):
        return False
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False


def _folder(app: Application, tab: str, info: str, selected: int) -> Path:
    settings = app.settings.current
    if settings.open_dir_button_choice != "Output Root":
        try:
            path = shown_picture(app, info, selected).path
        except EaselError:
            path = None
        if path is not None:
            return path.parent
    return sample_options(settings, app.paths, app.flags, "img2img" if tab == "img2img" else "txt2img").folder
