"""What the gallery knows of its pictures, as the text of a hidden box, and what is said of a run under it."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence

from modules.application.save_button import Kept
from modules.foundation.errors import EaselError
from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonMapping
from modules.generation.folder_batch import FolderBatchResult
from modules.generation.result import FinishedImage, GenerationResult

Info = JsonMapping
"""A1111's `info` object, with what the gallery has to know besides."""

JOB = "easel_job"
"""The key of the job's name in the hidden box."""

PICTURES = "easel_pictures"
"""The key of each picture's job and place in its result, where they are not all of one job."""


def pictures_of(info_text: str) -> list[tuple[str, int]]:
    """The job of each picture in the gallery, and its place in that job's result."""
    info = _parsed(info_text)
    if PICTURES in info:
        return [(str(task), int(index)) for task, index in info[PICTURES]]
    return [(job_of(info_text), index) for index in range(len(info.get("infotexts", ())))]


def generation_info(result: GenerationResult, job_id: str = "") -> str:
    """The text of the hidden box: A1111's `info` object, with the parameters of every picture in the gallery.

    It also names the job, by which the pictures themselves are found again.
    """
    info = {**result.info, JOB: job_id, "infotexts": [image.infotext for image in result.images]}
    grids = sum(image.kind == "grid" for image in result.images)
    info["index_of_first_image"] = grids
    info["all_seeds"] = [image.seed for image in result.samples]
    info["all_subseeds"] = [image.subseed for image in result.samples]
    return json.dumps(info, default=str)


def job_of(info_text: str) -> str:
    """The job whose pictures the gallery shows."""
    return str(_parsed(info_text).get(JOB, ""))


def infotext_html(text: str) -> str:
    """The parameters of a picture as they stand under it."""
    return f"<p>{html.escape(text)}</p>" if text else ""


def text_of_picture(info_text: str, index: int) -> str:
    """The parameters of picture `index`; "" when there is none."""
    texts: Sequence[str] = _parsed(info_text).get("infotexts", ())
    return texts[index] if 0 <= index < len(texts) else ""


def info_of_picture(info_text: str, index: int) -> str:
    """What stands under the gallery when picture `index` is shown."""
    return infotext_html(text_of_picture(info_text, index))


def seed_of_picture(info_text: str, index: int, name: str) -> int:
    """The seed (`name` "all_seeds") or variation seed ("all_subseeds") of picture `index`; of the first for a grid.

    -1 when there is no picture yet.
    """
    info = _parsed(info_text)
    seeds: Sequence[int] = info.get(name, ())
    position = max(index - int(info.get("index_of_first_image", 0)), 0)
    return int(seeds[position]) if position < len(seeds) else -1


def log_html(result: GenerationResult) -> str:
    """What is to be said about a finished run: troubles first, then how long it took."""
    notes = [*dict.fromkeys(image.error for image in result.images if image.error), *result.warnings]
    parts = [_note(note) for note in notes]
    if result.interrupted:
        parts.append(_note("Interrupted: fewer pictures were finished than asked for.", "quiet"))
    if (seconds := sum(result.seconds.values())) > 0:
        memory = f" · device memory {result.peak_device_bytes / 2**30:.2f} GiB" if result.peak_device_bytes else ""
        phases = " · ".join(
            f"{html.escape(name)} {each:.2f} s" for name, each in result.seconds.items() if each >= 0.005
        )
        parts.append(
            f'<details class="performance"><summary>{_duration(seconds)}{memory}</summary><p>{phases}</p></details>'
        )
    return "".join(parts)


def kept_html(kept: Kept) -> str:
    """What the Save button has done."""
    names = ", ".join(path.name for path in ((kept.archive,) if kept.archive else kept.files))
    parts = [_note(warning) for warning in kept.warnings]
    return "".join([*parts, _note(f"Saved {names} in {kept.files[0].parent}.", "quiet")])


def error_html(error: EaselError) -> str:
    """A failed run in the place where its remarks would stand."""
    return _note(str(error), "error")


def unsaved(images: Sequence[FinishedImage]) -> list[FinishedImage]:
    """The pictures whose saving failed."""
    return [image for image in images if image.error and image.path is None]


def batch_html(result: FolderBatchResult) -> str:
    """What is to be said about a finished folder batch: how many came out, and what failed and why."""
    done = len(result.files) - len(result.failed)
    parts = [_note(f"{file.source.name}: {file.error}") for file in result.failed]
    if result.interrupted:
        parts.append(_note("Interrupted: not all files were come to.", "quiet"))
    return "".join([*parts, _note(f"{done} of {result.total} pictures were made.", "quiet")])


def _parsed(info_text: str) -> Info:
    # The text comes back from the browser; whatever it has become, it must not stop the page.
    try:
        info = parse_json(info_text or "{}")
    except ValueError:
        return {}
    return info if isinstance(info, dict) else {}


def _note(text: str, kind: str = "warning") -> str:
    return f'<p class="note {kind}">{html.escape(text)}</p>'


def _duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"Time taken: {int(minutes)} min {rest:.1f} s" if minutes >= 1 else f"Time taken: {rest:.1f} s"
