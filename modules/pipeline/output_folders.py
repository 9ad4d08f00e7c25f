"""Which folder, format and pattern the settings give each kind of picture."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from modules.imaging.filenames import NameLimits
from modules.imaging.save import SaveOptions
from modules.settings.flags import Flags
from modules.settings.model import Settings
from modules.settings.paths import Paths

SampleKind = Literal["txt2img", "img2img", "extras"]
GridKind = Literal["txt2img", "img2img"]


def sample_options(settings: Settings, paths: Paths, flags: Flags, kind: SampleKind) -> SaveOptions:
    """Where and how finished pictures of a kind are saved."""
    own = {
        "txt2img": settings.outdir_txt2img_samples,
        "img2img": settings.outdir_img2img_samples,
        "extras": settings.outdir_extras_samples,
    }[kind]
    folder = _chosen(settings.outdir_samples or own, paths) or paths.outputs / f"{kind}-images"
    return _options(settings, flags, folder, settings.samples_format, to_dirs=settings.save_to_dirs)


def grid_options(settings: Settings, paths: Paths, flags: Flags, kind: GridKind) -> SaveOptions:
    """Where and how grids are saved."""
    own = settings.outdir_img2img_grids if kind == "img2img" else settings.outdir_txt2img_grids
    folder = _chosen(settings.outdir_grids or own, paths) or paths.outputs / f"{kind}-grids"
    return _options(settings, flags, folder, settings.grid_format, to_dirs=settings.grid_save_to_dirs)


def save_button_options(settings: Settings, paths: Paths, flags: Flags) -> SaveOptions:
    """Where and how the Save button keeps a picture."""
    folder = _chosen(settings.outdir_save, paths) or paths.data / "log" / "images"
    return _options(settings, flags, folder, settings.samples_format, to_dirs=settings.use_save_to_dirs_for_ui)


def init_image_options(settings: Settings, paths: Paths, flags: Flags) -> SaveOptions:
    """Where the pictures that img2img starts from are kept: PNG files named by what they show, in one folder."""
    folder = _chosen(settings.outdir_init_images, paths) or paths.outputs / "init-images"
    return _options(settings, flags, folder, "png", to_dirs=False)


def output_folders(settings: Settings, paths: Paths) -> tuple[Path, ...]:
    """Every folder that pictures may be saved to with these settings."""
    named = (
        settings.outdir_samples,
        settings.outdir_txt2img_samples,
        settings.outdir_img2img_samples,
        settings.outdir_extras_samples,
        settings.outdir_grids,
        settings.outdir_txt2img_grids,
        settings.outdir_img2img_grids,
        settings.outdir_save,
        settings.outdir_init_images,
    )
    chosen = (_chosen(folder, paths) for folder in named)
    return (paths.outputs, paths.data / "log" / "images", *(folder for folder in chosen if folder))


def other_folders(settings: Settings, paths: Paths) -> tuple[Path, ...]:
    """Those of them that hold no pictures as a run has made them: copies, sources, and what extras made of others."""
    named = (settings.outdir_extras_samples, settings.outdir_save, settings.outdir_init_images)
    usual = (paths.outputs / "extras-images", paths.data / "log" / "images", paths.outputs / "init-images")
    return (*usual, *(folder for each in named if (folder := _chosen(each, paths))))


def _chosen(folder: str, paths: Paths) -> Path | None:
    """The folder that a setting names, relative to the data folder; None when it names none."""
    return paths.data / Path(folder.strip()).expanduser() if folder.strip() else None


def _options(settings: Settings, flags: Flags, folder: Path, extension: str, *, to_dirs: bool) -> SaveOptions:
    return SaveOptions(
        folder=folder,
        extension=extension,
        filename_pattern=settings.samples_filename_pattern,
        add_number=settings.save_images_add_number,
        replace=settings.save_images_replace_action == "Replace",
        save_to_dirs=to_dirs,
        directories_pattern=settings.directories_filename_pattern,
        limits=NameLimits(
            part_length=flags.filenames_max_length,
            prompt_words=settings.directories_max_prompt_words,
            unix_names=flags.unix_filenames_sanitization,
        ),
        quality=settings.jpeg_quality,
        lossless=settings.webp_lossless,
        text_file=settings.save_txt,
        jpeg_copy=settings.export_for_4chan,
        jpeg_copy_above_megabytes=settings.img_downscale_threshold,
        jpeg_copy_above_side=settings.target_side_length,
    )
