"""Pictures of a run on their way to the disk: what lies beside them, where, and what is said when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from modules.generation.request import GenerationRequest
from modules.hooks.events import RunEvent
from modules.infotext.picture_metadata import read_picture_metadata
from modules.pipeline.plan import make_plan
from modules.pipeline.save import Saving
from tests.pipeline.conftest import Studio
from tests.small_disk import small_disk


def saving_of(studio: Studio, save_images: bool = True, **settings: object) -> Saving:
    app = studio.application
    request = GenerationRequest(
        prompt="a cat", seed=7, steps=2, width=64, height=64, override_settings=settings, save_images=save_images
    )
    plan = make_plan(
        request, app.settings.current, app.catalogue, app.styles.all(), vaes=app.vaes, upscalers=app.upscalers
    )
    return Saving(plan, app.engine, RunEvent(request=request, plan=plan))


def test_an_additional_picture_lies_beside_the_finished_one_under_a_suffix(studio: Studio, tmp_path: Path) -> None:
    saving = saving_of(studio, outdir_txt2img_samples=str(tmp_path), save_to_dirs=False)
    saving.additional(Image.new("RGB", (32, 32), "red"), 0, "-before-highres-fix", infotext="a cat\nSteps: 1")
    saving.additional(Image.new("L", (32, 32)), 0, "-mask")
    assert saving.finished() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "00000-7-a cat-before-highres-fix.png",
        "00001-7-a cat-mask.png",
    ]
    assert read_picture_metadata(tmp_path / "00000-7-a cat-before-highres-fix.png").infotext == "a cat\nSteps: 1"
    assert saving.warnings == []


def test_nothing_additional_is_saved_where_pictures_are_not(studio: Studio, tmp_path: Path) -> None:
    saving = saving_of(studio, save_images=False, outdir_txt2img_samples=str(tmp_path))
    saving.additional(Image.new("L", (32, 32)), 0, "-mask")
    saving.finished()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_saved_beside_a_picture_is_a_warning(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    saving = saving_of(studio, outdir_txt2img_samples=str(tmp_path / "file"))
    for _ in range(2):
        saving.additional(Image.new("L", (32, 32)), 0, "-mask")
    saving.finished()
    assert len(saving.warnings) == 1
    assert "a file stands where a folder is needed" in saving.warnings[0]


def test_an_init_picture_is_kept_once_under_its_hash_with_what_it_carried(studio: Studio, tmp_path: Path) -> None:
    picture = Image.new("RGB", (32, 32), "red")
    picture.info["parameters"] = "a dog\nSteps: 3"
    saving = saving_of(studio, outdir_init_images=str(tmp_path))
    digest = saving.init_image(picture)
    saving.finished()
    (kept,) = tmp_path.iterdir()
    assert kept.name == f"{digest}.png"
    assert read_picture_metadata(kept).infotext == "a dog\nSteps: 3"
    before = kept.stat().st_mtime_ns
    assert saving_of(studio, outdir_init_images=str(tmp_path)).init_image(picture) == digest
    assert kept.stat().st_mtime_ns == before


def test_a_picture_too_large_for_its_format_is_a_png_and_said(studio: Studio, tmp_path: Path) -> None:
    saving = saving_of(studio, outdir_txt2img_samples=str(tmp_path), save_to_dirs=False, samples_format="webp")
    saving.additional(Image.new("RGB", (16400, 4)), 0, "-wide")
    saving.finished()
    assert "00000-7-a cat-wide.png" in {path.name for path in tmp_path.iterdir()}
    assert "sides end at 16383" in saving.warnings[0]


@pytest.mark.parametrize("margin", [0, 6])
def test_a_grid_beyond_the_largest_size_is_left_out_and_said(studio: Studio, margin: int) -> None:
    wanted = {"grid_margin": margin, "grid_save": False}
    result = studio.make(batch_size=2, save_images=False, save_grid=True, override_settings=wanted)
    assert result.images[0].image.size == (64, 128 + margin) or result.images[0].image.size == (128 + margin, 64)
    studio.application.settings.change({"img_max_size_mp": 1})
    try:
        big = saving_of(studio, save_images=False)
        pictures = [image for image in result.samples for _ in range(150)]
        assert big.grid(pictures) is None
        assert "megapixels" in big.warnings[0]
    finally:
        studio.application.settings.change({"img_max_size_mp": 200})


def test_a_disk_that_fills_up_loses_no_picture_silently(studio: Studio, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kilobytes=36) as disk:
        wanted = {"outdir_txt2img_samples": str(disk), "save_to_dirs": False, "grid_save": False}
        result = studio.make(batch_count=6, override_settings=wanted)
        saved = [image for image in result.samples if image.path is not None]
        lost = [image for image in result.samples if image.path is None]
        assert saved
        assert lost
        assert all(image.image.size == (64, 64) for image in result.samples)
        assert all(image.error is not None and "the disk is full" in image.error for image in lost)
        assert all(image.error in result.warnings for image in lost)
        files = sorted(path.name for path in disk.iterdir())
        assert files == sorted(image.path.name for image in saved if image.path is not None)
        assert all(
            read_picture_metadata(image.path).infotext == image.infotext for image in saved if image.path is not None
        )
