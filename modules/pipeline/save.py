"""save: finished pictures become files, on the saver's thread, while the next ones are sampled."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from modules.foundation.errors import SaveError
from modules.generation.plan import Plan
from modules.generation.result import FinishedImage
from modules.imaging.filenames import NameContext
from modules.imaging.grid import grid_shape, image_grid
from modules.imaging.save import PictureText, SaveOptions, save_picture
from modules.imaging.saver import Saver
from modules.infotext.carriers import PARAMETERS, exif_with
from modules.settings.model import Settings
from modules.settings.paths import Paths

log = logging.getLogger(__name__)


class Saving:
    """The pictures of one run on their way to the disk. `finished()` waits for them."""

    def __init__(
        self,
        plan: Plan,
        paths: Paths,
        saver: Saver,
        model_hash: Callable[[], str | None],
        on_saved: Callable[[FinishedImage], None],
    ) -> None:
        self._plan, self._paths, self._saver, self._model_hash, self._on_saved = (
            plan,
            paths,
            saver,
            model_hash,
            on_saved,
        )
        self._started = datetime.datetime.now().astimezone()
        self._pending: list[Future[FinishedImage]] = []
        self.job_timestamp = self._started.strftime("%Y%m%d%H%M%S")

    def add(self, image: FinishedImage, index: int, *, wanted: bool = True) -> None:
        """Picture `index` of the plan is finished; save it if it is `wanted` (and the plan wants pictures saved)."""
        if not (wanted and self._plan.save_images):
            self._pending.append(_done(image))
            return
        context = self._context(image, index)
        options = save_options(self._plan, self._paths)
        self._pending.append(self._saver.submit(lambda: self._save(image, context, options)))

    def finished(self) -> list[FinishedImage]:
        """Every picture, with its path, or with the reason why it has none."""
        return [future.result() for future in self._pending]

    def grid(self, images: Sequence[FinishedImage]) -> FinishedImage | None:
        """One picture of all of them, saved, where the settings want one; None where they do not."""
        plan, settings = self._plan, self._plan.settings
        wanted = plan.save_grid and (settings.grid_save or settings.return_grid)
        if not images or not wanted or (settings.grid_only_if_multiple and len(images) < 2):
            return None
        columns, rows = grid_shape(
            len(images),
            rows=settings.n_rows,
            batch_size=plan.batch_size,
            prevent_empty_spots=settings.grid_prevent_empty_spots,
        )
        picture = image_grid(
            [image.image for image in images], columns=columns, rows=rows, background=settings.grid_background_color
        )
        grid = dataclasses.replace(images[0], image=picture, kind="grid", path=None, error=None)
        if not settings.grid_save:
            return grid
        context = dataclasses.replace(self._context(grid, 0), seed=images[0].seed)
        options = grid_options(plan, self._paths)
        job = self._saver.submit(
            lambda: self._save(grid, context, options, basename="grid", short_name=not settings.grid_extended_filename)
        )
        return job.result()

    def _save(
        self,
        image: FinishedImage,
        context: NameContext,
        options: SaveOptions,
        *,
        basename: str = "",
        short_name: bool = False,
    ) -> FinishedImage:
        text = _text(image.infotext, self._plan.settings)
        try:
            saved = save_picture(image.image, context, options, text=text, basename=basename, short_name=short_name)
            image = dataclasses.replace(image, path=saved.path, error=saved.warning)
        except SaveError as error:
            log.error("%s", error)
            image = dataclasses.replace(image, error=str(error))
        self._on_saved(image)
        return image

    def _context(self, image: FinishedImage, index: int) -> NameContext:
        plan = self._plan
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
            model_hash=self._model_hash() or "",
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


def save_options(plan: Plan, paths: Paths) -> SaveOptions:
    """Where and how the pictures of a plan are saved."""
    settings = plan.settings
    kind = "img2img" if plan.is_img2img else "txt2img"
    own = settings.outdir_img2img_samples if plan.is_img2img else settings.outdir_txt2img_samples
    folder = _folder(settings.outdir_samples or own, paths, f"{kind}-images")
    return _options(settings, folder, settings.samples_format, to_dirs=settings.save_to_dirs)


def grid_options(plan: Plan, paths: Paths) -> SaveOptions:
    """Where and how the grid of a plan is saved."""
    settings = plan.settings
    kind = "img2img" if plan.is_img2img else "txt2img"
    own = settings.outdir_img2img_grids if plan.is_img2img else settings.outdir_txt2img_grids
    folder = _folder(settings.outdir_grids or own, paths, f"{kind}-grids")
    return _options(settings, folder, settings.grid_format, to_dirs=settings.grid_save_to_dirs)


def _folder(chosen: str, paths: Paths, default: str) -> Path:
    """The folder that a setting names, relative to the data folder; the default below outputs/ when it names none."""
    return paths.data / Path(chosen).expanduser() if chosen else paths.outputs / default


def _options(settings: Settings, folder: Path, extension: str, *, to_dirs: bool) -> SaveOptions:
    return SaveOptions(
        folder=folder,
        extension=extension,
        filename_pattern=settings.samples_filename_pattern,
        add_number=settings.save_images_add_number,
        replace=settings.save_images_replace_action == "Replace",
        save_to_dirs=to_dirs,
        directories_pattern=settings.directories_filename_pattern,
        max_prompt_words=settings.directories_max_prompt_words,
        quality=settings.jpeg_quality,
        lossless=settings.webp_lossless,
        text_file=settings.save_txt,
        jpeg_copy=settings.export_for_4chan,
        jpeg_copy_above_megabytes=settings.img_downscale_threshold,
        jpeg_copy_above_side=settings.target_side_length,
    )


def _text(infotext: str, settings: Settings) -> PictureText:
    if not settings.enable_pnginfo:
        return PictureText(text=infotext)
    # A PNG needs the EXIF form too: the smaller copy beside a large one is a JPEG.
    return PictureText(text=infotext, chunks={PARAMETERS: infotext}, exif=exif_with(infotext))


def _schedule_in_use(plan: Plan) -> str:
    """The schedule's label; of Automatic, that of the schedule it stands for, where the sampler has one of its own."""
    own = plan.sampler.default_schedule
    return own if plan.schedule.label == "Automatic" and own != "Uniform" else plan.schedule.label


def _done(image: FinishedImage) -> Future[FinishedImage]:
    future: Future[FinishedImage] = Future()
    future.set_result(image)
    return future
