"""What the Save buttons write: pictures, log.csv, archives."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from modules.application.application import Application
from modules.application.save_button import result_of_job, save_pictures
from modules.foundation.errors import RequestError, SaveError
from modules.generation.result import FinishedImage, GenerationResult
from modules.imaging.log_csv import COLUMNS, append_rows
from modules.infotext.picture_metadata import read_picture_metadata
from modules.settings.flags import Flags


def finished(seed: int, kind: str = "sample") -> FinishedImage:
    return FinishedImage(
        image=Image.new("RGB", (8, 16), "red"),
        infotext=f"a cat\nSteps: 3, Seed: {seed}",
        seed=seed,
        subseed=0,
        prompt='a "cat",\nred',
        negative_prompt="ugly",
        kind=kind,
    )


INFO = {
    "width": 8, "height": 16, "sampler_name": "Euler a", "cfg_scale": 7.0, "steps": 3, "sd_model_name": "tiny",
    "sd_model_hash": "73f7beb0e6", "batch_size": 2, "all_seeds": [5, 6], "job_timestamp": "20240305140709",
}  # fmt: skip
RESULT = GenerationResult(images=(finished(5, "grid"), finished(5), finished(6)), info=INFO)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    app = Application(Flags(data_dir=tmp_path, skip_load_model_at_start=True))
    yield app
    app.close()


def log_of(app: Application) -> list[dict[str, str]]:
    with (app.paths.data / "log" / "images" / "log.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_selected_picture_is_kept_with_its_words_and_a_line_in_the_log(app: Application) -> None:
    kept = save_pictures(app, RESULT, 2)
    assert kept.files == (app.paths.data / "log" / "images" / "00000-6-a _cat_,_red.png",)
    assert read_picture_metadata(kept.files[0]).infotext == "a cat\nSteps: 3, Seed: 6"
    (row,) = log_of(app)
    assert tuple(row) == COLUMNS
    assert row == {
        "prompt": 'a "cat",\nred', "seed": "6", "width": "8", "height": "16", "sampler": "Euler a", "cfgs": "7.0",
        "steps": "3", "filename": "00000-6-a _cat_,_red.png", "negative_prompt": "ugly", "sd_model_name": "tiny",
        "sd_model_hash": "73f7beb0e6",
    }  # fmt: skip


@pytest.mark.parametrize("selected", [None, 0])
def test_without_a_selection_and_for_a_grid_every_picture_is_kept(app: Application, selected: int | None) -> None:
    app.settings.change({"use_save_to_dirs_for_ui": True, "directories_filename_pattern": "[model_name]"})
    kept = save_pictures(app, RESULT, selected)
    assert [path.relative_to(app.paths.data).as_posix() for path in kept.files] == [
        "log/images/tiny/00000-5.png",
        "log/images/tiny/00001-6.png",
    ]
    assert [row["filename"] for row in log_of(app)] == ["tiny/00000-5.png", "tiny/00001-6.png"]


def test_an_archive_holds_the_pictures_and_never_replaces_another(app: Application) -> None:
    app.settings.change({"save_write_log_csv": False, "grid_zip_filename_pattern": "[model_name]-[seed]/../[steps]"})
    first, second = (save_pictures(app, RESULT, archive=True) for _ in "ab")
    assert first.archive is not None
    assert second.archive is not None
    assert (first.archive.name, second.archive.name) == ("tiny-5_3.zip", "tiny-5_3-1.zip")
    with zipfile.ZipFile(first.archive) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [path.name for path in first.files]
    assert not (first.archive.parent / "log.csv").exists()
    app.settings.change({"grid_zip_filename_pattern": ""})
    name = save_pictures(app, RESULT, archive=True).archive
    assert name is not None
    assert name.name.endswith("_[tiny]_5-6.zip")


def test_what_is_not_there_is_said(app: Application) -> None:
    for selected in (-1, 3):
        with pytest.raises(RequestError, match="no such picture"):
            save_pictures(app, RESULT, selected)
    with pytest.raises(RequestError, match="no longer in memory"):
        result_of_job(app, "task(nobody)")
    (app.paths.data / "log").write_text("no folder")
    with pytest.raises(SaveError, match="a file stands where a folder is needed"):
        save_pictures(app, RESULT)


def test_a_log_with_fewer_columns_is_widened_and_one_with_its_own_order_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text('prompt,seed,filename,mine\n"old, one",1,a.png,kept\n', encoding="utf-8-sig")
    append_rows(path, [{"prompt": "new", "seed": 2, "filename": "b.png", "steps": 9}])
    append_rows(path, [{"prompt": "newer", "seed": 3}])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:4] == ["prompt", "seed", "filename", "mine"]
    assert set(COLUMNS) < set(rows[0])
    assert [(row["prompt"], row["seed"], row["mine"], row["steps"]) for row in rows] == [
        ("old, one", "1", "kept", ""),
        ("new", "2", "", "9"),
        ("newer", "3", "", ""),
    ]


def test_an_empty_log_gets_its_header(tmp_path: Path) -> None:
    (tmp_path / "log.csv").touch()
    append_rows(tmp_path / "log.csv", [{"seed": 1}])
    assert (tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)
