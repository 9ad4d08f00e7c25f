"""What a finished run of extras shows: the saved pictures, what was done to them, and what went wrong."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path

from modules.foundation.errors import EaselError
from modules.generation.extras import ExtrasResult, SavedExtra
from modules.webui.extras.request import in_words
from modules.webui.panel.info_text import error_html
from modules.webui.panel.results import Shown
from modules.webui.pictures import picture_as_upload, served_path

MOST_SHOWN = 100
"""Pictures in the gallery; the folder has them all."""

LARGEST_SHOWN = 100_000_000
"""Pixels. Browsers show no larger pictures, or stand still over them."""


def finished(result: ExtrasResult, *, show: bool = True) -> Shown:
    """What came of a run. `show` tells whether its pictures are wanted in the gallery."""
    log = _log(result, show=show)
    pictures = shown_pictures(result) if show else []
    if not pictures:
        return Shown(html_log=log)
    info = json.dumps({"infotexts": [_text(each) for _, each in pictures], "paths": [path for path, _ in pictures]})
    return Shown(
        pictures=[path for path, _ in pictures],
        info=info,
        html_info=info_html(info, 0),
        html_log=log,
    )


def failed(error: EaselError) -> Shown:
    """What a run shows of which nothing came."""
    return Shown(html_log=error_html(EaselError(in_words(str(error)))))


def shown_pictures(result: ExtrasResult) -> list[tuple[str, SavedExtra]]:
    """The pictures for the gallery with the paths that Gradio may send."""
    found: list[tuple[str, SavedExtra]] = []
    for saved in result.pictures:
        if len(found) == MOST_SHOWN:
            break
        if saved.size[0] * saved.size[1] > LARGEST_SHOWN:
            continue
        if saved.path is not None and saved.path.is_file():
            found.append((served_path(saved.path), saved))
        elif saved.unsaved is not None:
            found.append((str(picture_as_upload(saved.unsaved, "unsaved.png")), saved))
    return found


def _text(saved: SavedExtra) -> str:
    name = saved.path.name if saved.path is not None else "Not saved"
    size = f"{name}: {saved.size[0]}x{saved.size[1]}"
    return "\n".join(part for part in (saved.infotext, saved.done, size) if part)


def info_html(info: str, index: int) -> str:
    """The texts of picture `index`, from the hidden box that holds those of all."""
    try:
        text = str(json.loads(info)["infotexts"][index])
    except (ValueError, LookupError, TypeError):
        return ""
    return f"<p>{html.escape(text)}</p>"


def _log(result: ExtrasResult, *, show: bool) -> str:
    notes = [_note(f"{file.source.name}: {in_words(file.error)}") for file in result.failed if file.error]
    notes += [_note(warning) for file in result.files for warning in file.warnings]
    for saved in result.pictures:
        if saved.path is not None and saved.size[0] * saved.size[1] > LARGEST_SHOWN:
            notes.append(_large(saved, saved.path))
    count = len([saved for saved in result.pictures if saved.path is not None])
    if result.interrupted:
        notes.append(_note("Interrupted: not all pictures were come to.", "quiet"))
    if result.skipped:
        notes.append(_note(f"Skipped: {result.skipped}.", "quiet"))
    if count:
        notes.append(_note(f"{_counted(count)} saved in {_folders(result.pictures)}.", "quiet"))
    if show and len(result.pictures) > MOST_SHOWN:
        notes.append(_note(f"The first {MOST_SHOWN} are shown.", "quiet"))
    return "".join(notes)


def _large(saved: SavedExtra, path: Path) -> str:
    address = f"gradio_api/file={served_path(path)}"
    link = f'<a href="{html.escape(address, quote=True)}" target="_blank">{html.escape(path.name)}</a>'
    return (
        f'<p class="note quiet">{link} has {saved.size[0]}x{saved.size[1]} pixels, too many to be shown here. '
        "The link opens the file.</p>"
    )


def _folders(pictures: Sequence[SavedExtra]) -> str:
    return ", ".join(dict.fromkeys(str(saved.path.parent) for saved in pictures if saved.path is not None))


def _counted(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"


def _note(text: str, kind: str = "warning") -> str:
    return f'<p class="note {kind}">{html.escape(text)}</p>'
