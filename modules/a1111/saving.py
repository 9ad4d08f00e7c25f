"""`save_image`, and pictures on their way to files: names, numbers, callbacks and functions that extensions replace."""

from __future__ import annotations

import datetime
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.a1111.callbacks import ImageSaveParams
from modules.a1111.current import current
from modules.a1111.patching import replaced
from modules.foundation.plain import JsonObject
from modules.imaging.filenames import NameContext
from modules.imaging.numbering import highest_number
from modules.imaging.save import PictureText, SavedPicture, SaveOptions, planned_path, save_picture
from modules.infotext.picture_metadata import PARAMETERS, exif_with

if TYPE_CHECKING:
    from PIL.Image import Image

    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.hooks.events import PictureToSave

_on_its_way = threading.local()


@dataclass
class _Replacing:
    """A picture of a run that an extension's `save_image` has been asked to save, and what became of it."""

    picture: PictureToSave
    saved: SavedPicture | None = None


def get_next_sequence_number(path: str, basename: str) -> int:
    """One more than the highest number among the files of a folder; 0 where there is none."""
    return highest_number(Path(path), basename) + 1


def save_image(
    image: Image,
    path: str,
    basename: str,
    seed: int | None = None,
    prompt: str | None = None,
    extension: str = "png",
    info: str | None = None,
    short_filename: bool = False,
    no_prompt: bool = False,
    grid: bool = False,
    pnginfo_section_name: str = "parameters",
    p: StableDiffusionProcessing | None = None,
    existing_info: JsonObject | None = None,
    forced_filename: str | None = None,
    suffix: str = "",
    save_to_dirs: bool | None = None,
) -> tuple[str, str | None]:
    """Save a picture below `path` by the settings' patterns; its path, and that of the text file beside it, if any.

    Raises SaveError for what cannot be written.
    """
    replacing: _Replacing | None = getattr(_on_its_way, "replacing", None)
    to_dirs = opts().grid_save_to_dirs if grid else opts().save_to_dirs and not no_prompt
    options = replace(
        save_options(Path(path), extension), save_to_dirs=to_dirs if save_to_dirs is None else save_to_dirs
    )
    context = name_context(p, image, seed, prompt, basename)
    pnginfo = dict(existing_info or {})
    if info is not None:
        pnginfo[pnginfo_section_name] = info
    if replacing is not None and image is replacing.picture.image:
        context, options = replacing.picture.names, replacing.picture.options
    names = {"basename": basename, "suffix": suffix, "short_name": short_filename, "forced_name": forced_filename}
    saved = written(image, p, context, options, pnginfo, names)
    if replacing is not None:
        replacing.saved = saved
    vars(image)["already_saved_as"] = str(saved.path)
    return str(saved.path), None if saved.text_path is None else str(saved.text_path)


def opts() -> Any:
    """The settings."""
    return current().shared.opts


def save_options(folder: Path, extension: str) -> SaveOptions:
    """How the settings want pictures saved, in this folder and format."""
    from modules.pipeline.output_folders import sample_options

    dialect = current()
    app = dialect.app
    if not folder.is_absolute():
        folder = app.paths.data / folder
    return replace(
        sample_options(dialect.settings, app.paths, app.flags, "txt2img"), folder=folder, extension=extension
    )


def name_context(
    p: StableDiffusionProcessing | None, image: Image, seed: object, prompt: str | None, basename: str = ""
) -> NameContext:
    """What the name of a picture of `p` is made of."""
    view = current().shared.sd_model
    info = getattr(view, "sd_checkpoint_info", None)
    batch_index = int(getattr(p, "batch_index", 0) or 0)
    return NameContext(
        now=datetime.datetime.now().astimezone(),
        seed=seed if isinstance(seed, int) else None,
        prompt=prompt or _text(getattr(p, "prompt", "")),
        negative_prompt=_text(getattr(p, "negative_prompt", "")),
        steps=int(getattr(p, "steps", 0) or 0),
        cfg_scale=float(getattr(p, "cfg_scale", 0) or 0),
        width=image.width,
        height=image.height,
        sampler=str(getattr(p, "sampler_name", "") or ""),
        scheduler=str(getattr(p, "scheduler", "") or ""),
        styles=tuple(getattr(p, "styles", ()) or ()),
        model_name=getattr(info, "model_name", "") or "",
        model_hash=getattr(info, "shorthash", "") or "",
        clip_skip=opts().CLIP_stop_at_last_layers,
        denoising_strength=getattr(p, "denoising_strength", None),
        batch_index=batch_index,
        batch_size=int(getattr(p, "batch_size", 1) or 1),
        iteration=int(getattr(p, "iteration", 0) or 0),
        batch_count=int(getattr(p, "n_iter", 1) or 1),
        all_seeds=tuple(getattr(p, "all_seeds", None) or ()),
        job_timestamp=current().shared.state.job_timestamp,
        user=getattr(p, "user", None),
        basename=basename,
        image=image,
    )


def _text(value: object) -> str:
    return str(value[0] if isinstance(value, list) and value else value or "")


def written(
    image: Image,
    p: StableDiffusionProcessing | None,
    context: NameContext,
    options: SaveOptions,
    pnginfo: JsonObject,
    names: JsonObject,
) -> SavedPicture:
    """Write a picture as the callbacks before it want it, and tell those after it."""
    callbacks = current().callbacks
    before = str(planned_path(context, options, **names))
    params = ImageSaveParams(image, p, before, pnginfo)
    callbacks.call("before_image_saved", params)
    if params.filename != before:
        options, names = at_path(Path(params.filename), options)
    saved = save_picture(params.image, context, options, text=picture_text(params.pnginfo), **names)
    params.filename = str(saved.path)
    callbacks.call("image_saved", params)
    return saved


def at_path(path: Path, options: SaveOptions) -> tuple[SaveOptions, JsonObject]:
    """Options and names with which a picture goes to exactly this path."""
    suffix = path.suffix.removeprefix(".") or options.extension
    folder = path.parent if path.is_absolute() else current().app.paths.data / path.parent
    options = replace(options, folder=folder, save_to_dirs=False, extension=suffix)
    return options, {"basename": "", "suffix": "", "short_name": False, "forced_name": path.stem}


def picture_text(pnginfo: JsonObject) -> PictureText:
    """Texts for a file, from a dict in which "parameters" is the infotext."""
    infotext = str(pnginfo.get(PARAMETERS) or "")
    chunks = {key: str(value) for key, value in pnginfo.items() if key != PARAMETERS and value is not None}
    if not opts().enable_pnginfo or not infotext:
        return PictureText(text=infotext, chunks=chunks)
    return PictureText(text=infotext, chunks={PARAMETERS: infotext, **chunks}, exif=exif_with(infotext))


def by_replaced_function(picture: PictureToSave, p: StableDiffusionProcessing | None) -> PictureToSave:
    """Have a picture saved by the `save_image` that an extension has put in the place of ours, if one has."""
    function = replaced("modules.images", "save_image", save_image)
    if function is None:
        return picture
    replacing = _on_its_way.replacing = _Replacing(picture)
    try:
        path, text = function(
            picture.image,
            str(picture.options.folder),
            picture.basename,
            picture.names.seed,
            picture.names.prompt,
            picture.options.extension,
            info=picture.infotext,
            short_filename=picture.short_name,
            grid=picture.kind == "grid",
            p=p,
            existing_info=dict(picture.chunks),
            forced_filename=picture.forced_name,
            suffix=picture.suffix,
        )
    finally:
        _on_its_way.replacing = None
    if replacing.saved is not None:
        return replace(picture, saved=replacing.saved)
    if path is None:
        return replace(picture, wanted=False)
    return replace(picture, saved=SavedPicture(path=Path(path), text_path=Path(text) if text else None))
