"""Grids that scripts put together: their size, their legend, their file."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict, Unpack

from PIL import Image

from modules.a1111.current import current
from modules.a1111.processing.conversion import request_of
from modules.a1111.processing.parameters import StableDiffusionProcessing, StableDiffusionProcessingImg2Img
from modules.a1111.processing.processed import MADE, Processed
from modules.foundation.errors import RequestError, SaveError
from modules.generation.result import FinishedImage
from modules.hooks.events import PictureToSave, RunEvent
from modules.imaging.filenames import NameContext
from modules.imaging.grid import grid_shape, image_grid
from modules.imaging.grid_legend import Caption, LegendStyle, with_legend
from modules.pipeline.output_folders import grid_options, sample_options
from modules.pipeline.save import write_picture

MOST_MARGIN = 500
"""Pixels."""


def legend_style() -> LegendStyle:
    """How the settings want legends."""
    settings = current().settings
    return LegendStyle(
        background=settings.grid_background_color,
        active=settings.grid_text_active_color,
        inactive=settings.grid_text_inactive_color,
        font=settings.font,
    )


def grid_of(images: Sequence[Image.Image], *, columns: int, rows: int) -> Image.Image:
    """The pictures row by row, without margins: those are between the cells of a legend."""
    background = current().settings.grid_background_color
    return image_grid(images, columns=columns, rows=rows, background=background)


def legend_on(
    grid: Image.Image,
    cell: tuple[int, int],
    across: Sequence[Sequence[Caption]],
    down: Sequence[Sequence[Caption]],
    margin: int,
) -> Image.Image:
    """`grid` with captions, as the settings want them."""
    most = current().settings.img_max_size_mp * 1e6
    return with_legend(grid, cell, across, down, margin=margin, style=legend_style(), most_pixels=most)


def check_pictures(count: int) -> None:
    """Raise RequestError for a script that would make more pictures than one request may."""
    most = current().app.flags.max_pictures
    if count > most:
        raise RequestError(
            f"The script would make {count:,} pictures, and the most is {most:,} (--max-pictures). Give less.",
            "script_args",
        )


def check_margin(margin: object) -> int:
    """Pixels between the cells of a grid; nothing is 0. Raises RequestError for what is none, or beyond the slider."""
    if not isinstance(margin, int | float) or not 0 <= margin <= MOST_MARGIN:
        if margin in (None, ""):
            return 0
        raise RequestError(
            f"A margin must lie between 0 and {MOST_MARGIN} pixels; it is {margin!r:.100}.", "script_args"
        )
    return int(margin)


def check_size(width: int, height: int) -> None:
    """Raise RequestError for a grid that is larger than the settings allow, before its pictures are made."""
    largest = current().settings.img_max_size_mp
    megapixels = width * height / 1e6
    if megapixels > largest:
        raise RequestError(
            f"The grid would have {megapixels:.0f} megapixels, and the settings allow {largest:g} (Maximum image "
            "size). Give fewer values, make the pictures smaller, or raise that setting.",
            "script_args",
        )


class FirstPicture(TypedDict, total=False):
    """Of the first picture of a grid, or of the picture that was put together."""

    prompt: str
    negative_prompt: str
    seed: int
    subseed: int


def finished(
    p: StableDiffusionProcessing,
    picture: Image.Image,
    basename: str,
    infotext: str,
    *,
    saved: bool,
    **of: Unpack[FirstPicture],
) -> Image.Image:
    """A grid that belongs to a result, in the folder for grids where the settings want that and it is to be `saved`.

    `of` are `prompt`, `negative_prompt`, `seed` and `subseed` of its first picture.
    """
    made = FinishedImage(image=picture, infotext=infotext, kind="grid", **of)
    return _with_text(_saved(p, made, basename) if saved and current().settings.grid_save else made)


def add_grid_with_legend(
    p: StableDiffusionProcessing,
    processed: Processed,
    basename: str,
    across: Sequence[Sequence[Caption]],
    down: Sequence[Sequence[Caption]],
    margin: int,
    *,
    saved: bool,
) -> None:
    """Put a grid of a run's pictures ahead of them, `across` and `down` its captions; nothing where it made none.

    The cells are those of the legend, also where the run was interrupted and has fewer pictures.
    """
    if not processed.images:
        return
    first = processed.images[0]
    grid = grid_of(processed.images, columns=len(across), rows=len(down))
    grid = legend_on(grid, first.size, across, down, margin)
    finished(
        p,
        grid,
        basename,
        processed.infotexts[0],
        saved=saved,
        prompt=processed.all_prompts[0],
        negative_prompt=processed.all_negative_prompts[0],
        seed=processed.all_seeds[0],
        subseed=processed.all_subseeds[0],
    )
    processed.images.insert(0, grid)
    processed.infotexts.insert(0, processed.infotexts[0])
    processed.index_of_first_image = 1


def processed_with_grid(
    p: StableDiffusionProcessing,
    images: Sequence[Image.Image],
    last: Processed | None,
    *,
    rows: int,
    seed: int,
    infotext: str,
    saved: bool,
    comments: str = "",
) -> Processed:
    """What a script that made its pictures in several runs gives back: the pictures, and ahead of them a grid.

    `last` is the last run's Processed, `rows` as the setting has it (see `grid_shape`). There is a grid for several
    pictures, if the settings want one shown, or saved where it is to be `saved`.
    """
    settings, shown = current().settings, list(images)
    if last is not None and len(shown) > 1 and (settings.return_grid or (saved and settings.grid_save)):
        columns, rows = grid_shape(len(shown), rows=rows, batch_size=p.batch_size)
        grid = finished(
            p,
            grid_of(shown, columns=columns, rows=rows),
            "grid",
            infotext,
            saved=saved,
            prompt=last.prompt,
            negative_prompt=last.negative_prompt,
            seed=seed,
            subseed=last.subseed,
        )
        shown = [grid, *shown] if settings.return_grid else shown
    processed = Processed(p, shown, seed, infotext, comments=comments)
    processed.result = last.result if last is not None else None
    return processed


def finished_sample(
    p: StableDiffusionProcessing, picture: Image.Image, infotext: str, *, saved: bool, **of: Unpack[FirstPicture]
) -> Image.Image:
    """A picture that a script has put together from others, in the folder for those of a run."""
    made = FinishedImage(image=picture, infotext=infotext, **of)
    return _with_text(_saved(p, made, "") if saved and current().settings.samples_save else made)


def _with_text(made: FinishedImage) -> Image.Image:
    picture = made.image
    picture.info = {**picture.info, "parameters": made.infotext}
    setattr(picture, MADE, made)
    return picture


def _saved(p: StableDiffusionProcessing, made: FinishedImage, basename: str) -> FinishedImage:
    dialect, settings = current(), current().settings
    app = dialect.app
    kind = "img2img" if isinstance(p, StableDiffusionProcessingImg2Img) else "txt2img"
    grid = made.kind == "grid"
    chosen = grid_options if grid else sample_options
    to_save = PictureToSave(
        image=made.image,
        infotext=made.infotext,
        options=chosen(settings, app.paths, app.flags, kind),
        names=_names(p, made),
        kind="grid" if grid else "sample",
        basename=basename,
        short_name=grid and not settings.grid_extended_filename,
    )
    try:
        saved = write_picture(to_save, app.hooks, RunEvent(request=request_of(p)), settings)
    except SaveError as error:
        return replace(made, error=str(error))
    if saved is None:
        return made
    made = replace(made, path=saved.path, error=saved.warning)
    app.hooks.saved(made)
    return made


def _names(p: StableDiffusionProcessing, made: FinishedImage) -> NameContext:
    return NameContext(
        now=datetime.datetime.now().astimezone(),
        seed=made.seed,
        prompt=made.prompt,
        negative_prompt=made.negative_prompt,
        steps=int(p.steps),
        cfg_scale=float(p.cfg_scale),
        width=made.image.width,
        height=made.image.height,
        sampler=p.sampler_name or "",
        scheduler=p.scheduler or "",
        styles=tuple(p.styles),
        model_name=p.sd_model_name or "",
        model_hash=p.sd_model_hash or "",
        vae_name=p.sd_vae_name,
        clip_skip=current().settings.CLIP_stop_at_last_layers,
        denoising_strength=p.denoising_strength,
        batch_size=int(p.batch_size),
        batch_count=int(p.n_iter),
        all_seeds=(made.seed,),
        image=made.image,
    )
