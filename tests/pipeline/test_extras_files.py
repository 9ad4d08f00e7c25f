"""Extras over files: names, texts, failures, sizes, and what is not in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.application.application import Application
from modules.application.jobs.extras import chosen_folder, submit_extras
from modules.foundation.errors import Forbidden, RequestError, UnknownName
from modules.generation.extras import ExtrasFiles, ExtrasResult, FurtherStep, Piece, Upscaling
from modules.pipeline import extras_files
from modules.settings.flags import parse_flags

TWICE = Upscaling(upscaler="Lanczos", scale=2)
PARAMETERS = "a cat\nSteps: 5, Seed: 1"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    application = Application(parse_flags(["--data-dir", str(tmp_path / "data"), "--use-cpu", "all"]))
    yield application
    application.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, one of a camera, one cut off, and a text."""
    folder = tmp_path / "in"
    folder.mkdir()
    chunks = PngInfo()
    chunks.add_text("parameters", PARAMETERS)
    Image.effect_noise((40, 24), 80).convert("RGB").save(folder / "a.png", pnginfo=chunks)
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "A camera", 6
    Image.effect_noise((40, 24), 80).convert("RGB").save(folder / "b.jpg", exif=exif)
    (folder / "c.png").write_bytes((folder / "a.png").read_bytes()[:300])
    (folder / "notes.txt").write_text("no picture")
    return folder


def run(app: Application, *steps: Any, **fields: Any) -> ExtrasResult:
    return submit_extras(app, ExtrasFiles(steps=steps or (TWICE,), **fields)).wait(60)


def test_each_file_of_a_folder_is_saved_under_its_name_and_a_broken_one_is_named(
    app: Application, folder: Path
) -> None:
    out = folder / "out"
    result = run(app, input_folder=folder, output_folder=out)
    assert [path.name for path in sorted(out.iterdir())] == ["a.png", "b.png"]
    assert (result.total, len(result.files)) == (3, 3)
    (failed,) = result.failed
    assert failed.source.name == "c.png"
    assert "c.png is no picture that can be read" in (failed.error or "")
    first, second = result.pictures
    assert (first.size, second.size) == ((80, 48), (48, 80))  # the camera's stood on its side
    assert first.infotext == PARAMETERS
    assert first.done == "Postprocess upscale by: 2, Postprocess upscaler: Lanczos"
    # What is there from the last time does not count as a source.
    assert run(app, input_folder=folder, output_folder=out).total == 3


def test_texts_and_the_data_of_cameras_stay_with_the_pictures(app: Application, folder: Path) -> None:
    paths = [saved.path for saved in run(app, files=(folder / "a.png", folder / "b.jpg")).pictures]
    assert all(path is not None for path in paths)
    with Image.open(str(paths[0])) as picture:
        assert picture.info["parameters"] == PARAMETERS
        assert picture.info["postprocessing"].startswith("Postprocess upscale by: 2")
    with Image.open(str(paths[1])) as picture:
        assert picture.getexif()[0x010F] == "A camera"
        assert 0x0112 not in picture.getexif()
    app.settings.change({"samples_format": "jpg"})
    path = run(app, files=(folder / "b.jpg",)).pictures[0].path
    with Image.open(str(path)) as picture:
        assert picture.format == "JPEG"
        assert picture.getexif()[0x010F] == "A camera"


def test_names_are_numbers_for_one_picture_and_their_own_for_several(app: Application, folder: Path) -> None:
    def name(**fields: Any) -> str:
        path = run(app, files=(folder / "a.png",), **fields).pictures[0].path
        assert path is not None
        assert path.parent == app.paths.outputs / "extras-images"
        return path.name

    assert name() == "00000.png"
    assert name() == "00001.png"
    assert name(several=True) == "a.png"
    app.settings.change({"use_upscaler_name_as_suffix": True})
    assert name(several=True) == "a-Lanczos.png"
    app.settings.change({"use_original_name_batch": False})
    assert name(several=True) == "00002-Lanczos.png"


def test_a_result_never_replaces_its_source(app: Application, folder: Path) -> None:
    before = (folder / "a.png").read_bytes()
    result = run(app, files=(folder / "a.png",), output_folder=folder)
    assert (folder / "a.png").read_bytes() == before
    assert [saved.path for saved in result.pictures] == [folder / "a-1.png"]


def test_the_longest_side_can_be_limited_and_a_size_be_cropped_to(app: Application, folder: Path) -> None:
    limited = Upscaling(upscaler="Lanczos", scale=4, max_side=80)
    assert run(app, limited, files=(folder / "a.png",)).pictures[0].size == (80, 48)
    wide = Upscaling(upscaler="Nearest", width=30, height=64)
    assert run(app, wide, files=(folder / "a.png",)).pictures[0].size == (30, 64)
    with pytest.raises(RequestError, match="max side length"):
        Upscaling(max_side=-1)


@pytest.mark.parametrize("crop", [True, False])
def test_a_picture_too_large_for_the_memory_is_the_same_written_row_by_row(
    app: Application, folder: Path, monkeypatch: pytest.MonkeyPatch, crop: bool
) -> None:
    step = Upscaling(upscaler="Lanczos", width=75, height=60, crop=crop)
    whole = run(app, step, files=(folder / "a.png",)).pictures[0]
    monkeypatch.setattr(extras_files, "IN_MEMORY", 64)
    streamed = run(app, step, files=(folder / "a.png",)).pictures[0]
    assert (whole.size, whole.done) == (streamed.size, streamed.done)
    with Image.open(str(whole.path)) as one, Image.open(str(streamed.path)) as other:
        levels = np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int))
        assert levels.max() <= 1
        assert one.info == other.info


def test_a_picture_beyond_all_limits_is_refused_with_its_size(app: Application, folder: Path) -> None:
    result = run(app, Upscaling(upscaler="Lanczos", width=200_000, height=200_000), files=(folder / "a.png",))
    assert "would have" in (result.failed[0].error or "")


def test_further_steps_make_several_pictures_with_names_and_captions(app: Application, folder: Path) -> None:
    seen: list[tuple[int, int]] = []

    def mirrored(piece: Piece) -> list[Piece]:
        other = Piece(image=piece.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), tags=("flip",), caption="a tac")
        return [piece, other]

    flip = FurtherStep(name="Flip", work=mirrored, begin=lambda image: seen.append(image.size))
    pictures = run(app, TWICE, flip, files=(folder / "a.png",), several=True).pictures
    assert [saved.path.name for saved in pictures if saved.path] == ["a.png", "a-flip.png"]
    assert (app.paths.outputs / "extras-images" / "a-flip.txt").read_text() == "a tac"
    assert seen == [(40, 24)]


def test_interrupting_keeps_what_is_done_and_skipping_leaves_one_out(app: Application, folder: Path) -> None:
    files = tuple(folder / name for name in ("a.png", "b.jpg", "a.png"))

    def stopped(what: str) -> ExtrasResult:
        count = 0

        def step(piece: Piece) -> list[Piece]:
            nonlocal count
            count += 1
            if count == 2:
                getattr(job.control, what)()
                job.control.check()
            return [piece]

        app.queue.pause(paused=True)
        job = submit_extras(app, ExtrasFiles(steps=(FurtherStep(name="Stop", work=step),), files=files))
        app.queue.pause(paused=False)
        return job.wait(60)

    interrupted = stopped("interrupt")
    assert (interrupted.interrupted, len(interrupted.pictures)) == (True, 1)
    skipped = stopped("skip")
    assert (skipped.interrupted, skipped.skipped, len(skipped.pictures)) == (False, 1, 2)


def test_a_picture_that_cannot_be_saved_is_kept(app: Application, folder: Path) -> None:
    (folder / "out").write_text("a file, and no folder")
    result = run(app, files=(folder / "a.png",), output_folder=folder / "out")
    assert "could not be saved" in (result.failed[0].error or "")
    assert result.pictures[0].unsaved is not None


def test_what_cannot_work_is_said_before_it_waits(app: Application, folder: Path) -> None:
    with pytest.raises(RequestError, match="not a folder that exists"):
        submit_extras(app, ExtrasFiles(steps=(TWICE,), input_folder=folder / "nowhere"))
    with pytest.raises(UnknownName, match="upscaler"):
        submit_extras(app, ExtrasFiles(steps=(Upscaling(upscaler="Lancos"),), files=(folder / "a.png",)))
    with pytest.raises(RequestError, match="no picture files"):
        run(app)


def test_strangers_choose_no_folders(tmp_path: Path, app: Application) -> None:
    assert chosen_folder(app, " ", "input_dir") is None
    assert chosen_folder(app, "pictures", "input_dir") == app.paths.data / "pictures"
    with pytest.raises(RequestError, match="no name that a folder can have"):
        chosen_folder(app, "x" * 5000, "input_dir")
    application = Application(parse_flags(["--data-dir", str(tmp_path / "open"), "--listen"]))
    try:
        with pytest.raises(Forbidden):
            chosen_folder(application, "/etc", "input_dir")
    finally:
        application.close()
