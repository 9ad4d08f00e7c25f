"""What the Save buttons do: pictures of a finished job into the folder of those that the user chose to keep."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import RequestError
from modules.foundation.plain import JsonObject
from modules.generation.result import FinishedImage, GenerationResult
from modules.imaging.filenames import NameContext, fill_pattern
from modules.imaging.log_csv import append_rows
from modules.imaging.save import PictureText, save_error, save_picture
from modules.infotext.picture_metadata import PARAMETERS, exif_with
from modules.pipeline.output_folders import save_button_options

if TYPE_CHECKING:
    from modules.application.application import Application

ARCHIVE_PATTERN = "[datetime]_[[model_name]]_[seed]-[seed_last]"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The files that were written. `archive` holds them all, where one was wanted; `warnings` are sentences."""

    files: tuple[Path, ...]
    archive: Path | None = None
    warnings: tuple[str, ...] = ()


def save_pictures(
    app: Application, result: GenerationResult, selected: int | None = None, *, archive: bool = False
) -> Kept:
    """Save pictures of a result: the one at `selected`, or, without it or where that is a grid, all of them.

    Each gets a line in log.csv, if the settings say so. Raises SaveError for what could not be written, RequestError
    for a picture that is not there.
    """
    settings = app.settings.current
    options = save_button_options(settings, app.paths, app.flags)
    chosen = _chosen(result, selected)
    files: list[Path] = []
    warnings: list[str] = []
    contexts = [_context(app, result, image) for image in chosen]
    for image, context in zip(chosen, contexts, strict=True):
        text = PictureText(text=image.infotext)
        if settings.enable_pnginfo:
            text = replace(
                text,
                chunks={PARAMETERS: image.infotext},
                exif=exif_with(image.infotext),
                hidden=None if settings.stealth_pnginfo == "Off" else settings.stealth_pnginfo,
            )
        saved = save_picture(image.image, context, options, text=text)
        files.append(saved.path)
        warnings += [saved.warning] if saved.warning else []
    try:
        if settings.save_write_log_csv:
            rows = [_row(result, *each, options.folder) for each in zip(chosen, files, strict=True)]
            append_rows(options.folder / "log.csv", rows)
        packed = None
        if archive:
            name = fill_pattern(settings.grid_zip_filename_pattern or ARCHIVE_PATTERN, contexts[0], options.limits)
            packed = _pack(files, options.folder, name)
    except OSError as error:
        raise save_error(error, options.folder) from error
    return Kept(files=tuple(files), archive=packed, warnings=tuple(warnings))


def _chosen(result: GenerationResult, selected: int | None) -> Sequence[FinishedImage]:
    if selected is not None and not 0 <= selected < len(result.images):
        raise RequestError("There is no such picture to save.", "selected")
    if selected is not None and result.images[selected].kind != "grid":
        return (result.images[selected],)
    if not result.samples:
        raise RequestError("There is no picture to save.", "selected")
    return result.samples


def _context(app: Application, result: GenerationResult, image: FinishedImage) -> NameContext:
    info = result.info
    samples = result.samples
    index = samples.index(image) if image in samples else 0
    batch_size = max(int(info.get("batch_size", 1)), 1)
    styles = tuple(str(name) for name in info.get("styles", ()))
    prompts = {style.name: style.prompt for style in app.styles.all()}
    extra: JsonObject = info.get("extra_generation_params", {})
    return NameContext(
        now=datetime.datetime.now().astimezone(),
        seed=image.seed,
        prompt=image.prompt,
        negative_prompt=image.negative_prompt,
        steps=int(info.get("steps", 0)),
        cfg_scale=float(info.get("cfg_scale", 0)),
        width=image.image.width,
        height=image.image.height,
        sampler=str(info.get("sampler_name", "")),
        scheduler=str(extra.get("Schedule type", "Automatic")),
        styles=styles,
        style_prompts=tuple(prompts[name] for name in styles if name in prompts),
        model_name=str(info.get("sd_model_name", "")),
        model_hash=str(info.get("sd_model_hash") or ""),
        vae_name=info.get("sd_vae_name"),
        clip_skip=int(info.get("clip_skip", 1)),
        denoising_strength=info.get("denoising_strength"),
        batch_index=index % batch_size,
        batch_size=batch_size,
        iteration=index // batch_size,
        batch_count=-(-len(samples) // batch_size) or 1,
        all_seeds=tuple(info.get("all_seeds", ())),
        job_timestamp=str(info.get("job_timestamp", "")),
        image=image.image,
    )


def _row(result: GenerationResult, image: FinishedImage, path: Path, folder: Path) -> dict[str, object]:
    info = result.info
    return {
        "prompt": image.prompt,
        "seed": image.seed,
        "width": info.get("width", image.image.width),
        "height": info.get("height", image.image.height),
        "sampler": info.get("sampler_name", ""),
        "cfgs": info.get("cfg_scale", ""),
        "steps": info.get("steps", ""),
        "filename": path.relative_to(folder).as_posix(),
        "negative_prompt": image.negative_prompt,
        "sd_model_name": info.get("sd_model_name", ""),
        "sd_model_hash": info.get("sd_model_hash", ""),
    }


def _pack(files: Sequence[Path], folder: Path, name: str) -> Path:
    """The files in one archive, which takes no name that is there already. Pictures are packed as they are."""
    stem = "_".join(part for part in name.replace("\\", "/").split("/") if part.strip(". ")) or "pictures"
    stem = stem.encode()[:200].decode(errors="ignore")
    number, path = 0, folder / f"{stem}.zip"
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.zip"
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for each in files:
            archive.write(each, each.name)
    return path


def result_of_job(app: Application, job_id: str) -> GenerationResult:
    """The pictures of a job: those in memory or, of an older one, those whose files are still there.

    Raises RequestError saying where else they are.
    """
    job = app.queue.find(job_id) if job_id else None
    result = job.result if job is not None else None
    if job_id and result is None:
        result = app.jobs.remembered_result(job_id)
    if not isinstance(result, GenerationResult):
        raise RequestError(
            "These pictures are no longer in memory. What was saved when they were made is in the output folder.",
            "job",
        )
    return result
