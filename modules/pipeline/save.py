"""save: finished pictures become files, on the saver's thread, while the next ones are sampled."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Literal

from PIL import Image

from modules.foundation.errors import SaveError, is_full
from modules.generation.plan import Plan
from modules.generation.result import FinishedImage
from modules.hooks.events import GridLayout, PictureToSave, RunEvent
from modules.imaging.filenames import NameContext
from modules.imaging.grid import grid_pixels, grid_shape, image_grid
from modules.imaging.pixelwise import bands
from modules.imaging.save import PictureText, SavedPicture, save_picture
from modules.imaging.saver import bytes_of
from modules.infotext.picture_metadata import PARAMETERS, exif_with, read_picture_metadata
from modules.pipeline.output_folders import grid_options, init_image_options, sample_options
from modules.settings.model import Settings

if TYPE_CHECKING:
    from modules.hooks.points import Hooks
    from modules.pipeline.engine import Engine

log = logging.getLogger(__name__)


class Saving:
    """The pictures of one run on their way to the disk. `finished()` waits for them.

    `warnings` are sentences about pictures beside the finished ones that could not be saved.
    """

    def __init__(self, plan: Plan, engine: Engine, event: RunEvent) -> None:
        self.plan = plan
        self._engine, self._event = engine, event
        self._paths, self._flags, self._saver = engine.paths, engine.flags, engine.saver
        self._started = datetime.datetime.now().astimezone()
        self._pending: list[Future[FinishedImage]] = []
        self._beside: list[Future[None]] = []
        self.warnings: list[str] = []
        self.job_timestamp = self._started.strftime("%Y%m%d%H%M%S")

    def add(self, image: FinishedImage, index: int, *, wanted: bool = True) -> None:
        """Picture `index` of the plan is finished; save it if it is `wanted` (and the plan wants pictures saved)."""
        if not (wanted and self.plan.save_images):
            self._pending.append(_done(image))
            return
        to_save = PictureToSave(
            image=image.image,
            infotext=image.infotext,
            options=sample_options(self.plan.settings, self._paths, self._flags, self._kind),
            names=self._context(image, index),
        )
        self._pending.append(self._saver.submit(lambda: self._save(image, to_save), bytes_of(image.image)))

    def additional(self, picture: Image.Image, index: int, suffix: str, *, infotext: str = "") -> None:
        """Save one more picture that belongs to picture `index`, if the plan wants pictures saved.

        What there was before a pass ("-before-highres-fix"), a mask ("-mask"): it lies beside the finished picture,
        with a number of its own and `suffix` after the name, and is not part of the result.
        """
        if not self.plan.save_images:
            return
        plan = self.plan
        image = FinishedImage(
            image=picture,
            infotext=infotext,
            seed=plan.seeds[index],
            subseed=plan.subseeds[index],
            prompt=plan.prompts[index],
            negative_prompt=plan.negative_prompts[index],
        )
        self._save_beside(
            PictureToSave(
                image=picture,
                infotext=infotext,
                options=sample_options(plan.settings, self._paths, self._flags, self._kind),
                names=self._context(image, index),
                kind="beside",
                suffix=suffix,
            )
        )

    def init_image(self, picture: Image.Image) -> str:
        """Keep a picture that img2img starts from, in the folder for those, and return its name: its MD5 hash.

        A picture that is there already is not written again.
        """
        options = init_image_options(self.plan.settings, self._paths, self._flags)
        hashed = hashlib.md5(usedforsecurity=False)
        for band in bands(picture):
            hashed.update(band.tobytes())
        digest = hashed.hexdigest()
        if not (options.folder / f"{digest}.png").exists():
            self._save_beside(
                PictureToSave(
                    image=picture,
                    infotext=read_picture_metadata(picture).infotext or "",
                    options=options,
                    names=NameContext(now=datetime.datetime.now().astimezone()),
                    kind="beside",
                    forced_name=digest,
                )
            )
        return digest

    def show(self, image: FinishedImage) -> None:
        """Have a picture that is not saved by itself (a mask) among the results, behind those added so far."""
        self._pending.append(_done(image))

    def finished(self) -> list[FinishedImage]:
        """Every picture, with its path, or with the reason why it has none."""
        for future in self._beside:
            future.result()
        return [future.result() for future in self._pending]

    def grid(self, images: Sequence[FinishedImage]) -> FinishedImage | None:
        """One picture of all of them, saved, where the settings want one; None where they do not."""
        plan, settings = self.plan, self.plan.settings
        wanted = plan.save_grid and (settings.grid_save or settings.return_grid)
        if not images or not wanted or (settings.grid_only_if_multiple and len(images) < 2):
            return None
        columns, rows = grid_shape(
            len(images),
            rows=settings.n_rows,
            batch_size=plan.batch_size,
            prevent_empty_spots=settings.grid_prevent_empty_spots,
        )
        layout = GridLayout(images=tuple(image.image for image in images), rows=rows, columns=columns)
        layout = self._engine.hooks.grid(layout, self._event)
        megapixels = (
            grid_pixels(layout.images, columns=layout.columns, rows=layout.rows, margin=settings.grid_margin) / 1e6
        )
        if megapixels > settings.img_max_size_mp:
            self.warnings.append(
                f"The grid was left out: it would have {megapixels:.0f} megapixels, and the settings allow "
                f"{settings.img_max_size_mp:g} (Maximum image size)."
            )
            return None
        picture = image_grid(
            layout.images,
            columns=layout.columns,
            rows=layout.rows,
            background=settings.grid_background_color,
            margin=settings.grid_margin,
        )
        grid = dataclasses.replace(images[0], image=picture, kind="grid", path=None, error=None)
        if not settings.grid_save:
            return grid
        to_save = PictureToSave(
            image=picture,
            infotext=grid.infotext,
            options=grid_options(settings, self._paths, self._flags, self._kind),
            names=dataclasses.replace(self._context(grid, 0), seed=images[0].seed),
            kind="grid",
            basename="grid",
            short_name=not settings.grid_extended_filename,
        )
        return self._saver.submit(lambda: self._save(grid, to_save)).result()

    @property
    def _kind(self) -> Literal["txt2img", "img2img"]:
        return "img2img" if self.plan.is_img2img else "txt2img"

    def _save(self, image: FinishedImage, to_save: PictureToSave) -> FinishedImage:
        try:
            saved = self._written(to_save)
            if saved is not None:
                image = dataclasses.replace(image, path=saved.path, error=saved.warning)
        except SaveError as error:
            log.error("%s", error)
            again = functools.partial(self._save_again, image, to_save) if is_full(error) else None
            image = dataclasses.replace(image, error=str(error), save_again=again)
        self._engine.hooks.saved(image)
        return image

    def _save_again(self, image: FinishedImage, to_save: PictureToSave) -> FinishedImage:
        """Save what found a full disk. Raises SaveError."""
        saved = self._written(to_save)
        return image if saved is None else dataclasses.replace(image, path=saved.path, error=saved.warning)

    def _save_beside(self, to_save: PictureToSave) -> None:
        def job() -> None:
            try:
                saved = self._written(to_save)
                warning = saved.warning if saved is not None else None
            except SaveError as error:
                log.error("%s", error)
                warning = str(error)
            if warning and warning not in self.warnings:
                self.warnings.append(warning)

        self._beside.append(self._saver.submit(job, bytes_of(to_save.image)))

    def _written(self, to_save: PictureToSave) -> SavedPicture | None:
        return write_picture(to_save, self._engine.hooks, self._event, self.plan.settings)

    def _context(self, image: FinishedImage, index: int) -> NameContext:
        plan = self.plan
        return NameContext(
            now=datetime.datetime.now().astimezone(),
            seed=image.seed,
            prompt=image.prompt,
            negative_prompt=image.negative_prompt,
            steps=plan.steps,
            cfg_scale=plan.cfg_scale,
            width=image.image.width,
            height=image.image.height,
            sampler=plan.sampler.name,
            scheduler=_schedule_in_use(plan),
            styles=tuple(style.name for style in plan.styles),
            style_prompts=tuple(style.prompt for style in plan.styles),
            model_name=plan.checkpoint.model_name,
            model_hash=self._engine.short_hash(plan.checkpoint) or "",
            vae_name=plan.vae.name if plan.vae else None,
            clip_skip=plan.settings.CLIP_stop_at_last_layers,
            denoising_strength=plan.denoising_strength,
            batch_index=index % plan.batch_size,
            batch_size=plan.batch_size,
            iteration=index // plan.batch_size,
            batch_count=-(-plan.count // plan.batch_size),
            all_seeds=plan.seeds,
            job_timestamp=self.job_timestamp,
            image=image.image,
        )


def write_picture(to_save: PictureToSave, hooks: Hooks, event: RunEvent, settings: Settings) -> SavedPicture | None:
    """Write a picture as attachments want it, unless one of them has; None where one does not want it saved.

    Raises SaveError.
    """
    to_save = hooks.before_save(to_save, event)
    if to_save.saved is not None or not to_save.wanted:
        return to_save.saved
    return save_picture(
        to_save.image,
        to_save.names,
        to_save.options,
        text=_text(to_save.infotext, to_save.chunks, settings),
        basename=to_save.basename,
        suffix=to_save.suffix,
        short_name=to_save.short_name,
        forced_name=to_save.forced_name,
    )


def _text(infotext: str, chunks: Mapping[str, str], settings: Settings) -> PictureText:
    if not settings.enable_pnginfo:
        return PictureText(text=infotext)
    if not infotext:
        return PictureText(chunks=chunks)
    # A PNG needs the EXIF form too: the smaller copy beside a large one is a JPEG.
    hidden = None if settings.stealth_pnginfo == "Off" else settings.stealth_pnginfo
    return PictureText(text=infotext, chunks={PARAMETERS: infotext, **chunks}, exif=exif_with(infotext), hidden=hidden)


def _schedule_in_use(plan: Plan) -> str:
    """The schedule's label; of Automatic, that of the schedule it stands for, where the sampler has one of its own."""
    own = plan.sampler.default_schedule
    return own if plan.schedule.label == "Automatic" and own != "Uniform" else plan.schedule.label


def _done(image: FinishedImage) -> Future[FinishedImage]:
    future: Future[FinishedImage] = Future()
    future.set_result(image)
    return future
