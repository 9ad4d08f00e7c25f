"""What a killed Easel has left: half a file, a picture missing from the history, a damaged history."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from modules.application.application import Application
from modules.application.crash_recovery import note_unnoted, remove_half_done
from modules.application.database import Database
from modules.application.history import History, Search
from modules.application.jobs.job import AFTER_RESTART
from modules.application.startup_tasks import IN_ORDER, STARTED
from modules.infotext.picture_metadata import save_arguments
from tests.api.conftest import flags_for
from tests.application.conftest import until

TEXT = (
    "a cat, <lora:ink:1>\nNegative prompt: a dog\n"
    "Steps: 4, Sampler: Euler, CFG scale: 7, Seed: {}, Size: 16x8, Model: tiny"
)


def _written_ago(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def picture(path: Path, seed: int, age: float = 100.0, text: str | None = None) -> Path:
    """A saved picture, written so many seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {".jpg": "JPEG", ".webp": "WEBP"}.get(path.suffix, "PNG")
    Image.new("RGB", (16, 8)).save(path, kind, **save_arguments(kind, TEXT.format(seed) if text is None else text))
    _written_ago(path, age)
    return path


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(Database(tmp_path / "easel.sqlite"), tmp_path)


def noted(history: History, folder: Path, since: float = 0.0, **more: object) -> int:
    written = (since, time.time())
    return note_unnoted(history, [folder], folder.parent, written=written, stop=threading.Event(), **more)  # type: ignore[arg-type]


def test_half_done_files_of_an_earlier_start_are_removed_and_nothing_else(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    names = {
        "outputs/.00001-7.png.0123456789abcdef.part": True,
        "models/deep/.merged.safetensors.0123456789abcdef.part": True,
        "outputs/.number-00012.taken": True,
        ".config.json.0123456789abcdef.part": True,
        "outputs/.hidden": False,
        "outputs/mine.part": False,
        "outputs/.a.part": False,
        "outputs/00001.png": False,
        "models/.0123456789abcdef.download": False,
        "venv/.x.0123456789abcdef.part": False,
    }
    for name in names:
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        _written_ago(path, 60)
    young, others = data / "outputs" / ".b.png.0123456789abcdee.part", elsewhere / ".c.png.0123456789abcdef.part"
    elsewhere.mkdir()
    for path in (young, others):
        path.write_bytes(b"x")
    started = time.time() - 30
    folders = [data / "outputs", data / "models", elsewhere]
    assert remove_half_done(folders, data, started) == 4
    assert {name: not (data / name).exists() for name in names} == names
    assert young.exists()
    assert others.exists(), "another Easel may be writing there"
    _written_ago(others, 10_000)
    assert remove_half_done(folders, data, started) == 1


def test_pictures_missing_from_the_history_are_found_with_prompt_and_job(history: History, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    for index, suffix in enumerate((".png", ".jpg", ".webp")):
        picture(outputs / "txt2img-images" / f"0000{index}{suffix}", seed=index)
    picture(outputs / "txt2img-images" / "00005-mask.png", seed=5)
    picture(outputs / "txt2img-images" / "00000.jpg", seed=0)  # a smaller copy beside 00000.png
    picture(outputs / "txt2img-images" / "00006.png", seed=6, text="no parameters")
    picture(outputs / "txt2img-images" / "00007.png", seed=7, age=5000)
    picture(outputs / "extras-images" / "00008.png", seed=8)
    (outputs / "txt2img-images" / "00009.png").write_bytes(b"half a picture")
    with history.database.change() as write:
        write.execute(
            "INSERT INTO jobs (id, kind, title, lane, source, owner, state, priority, place, attempts, created,"
            " started, note) VALUES ('broken-off', 'txt2img', '', 'engine', '', '', 'interrupted', 0, 0, 1, 0, ?, ?)",
            (time.time() - 1000, AFTER_RESTART),
        )
    others = [outputs / "extras-images"]
    assert noted(history, outputs, since=time.time() - 3000, others=others) == 3
    assert noted(history, outputs, since=time.time() - 3000, others=others) == 0
    found = history.search(Search(text="cat", network="ink", model="tiny"))
    assert {(image.seed, image.width, image.height, image.job) for image in found} == {
        (seed, 16, 8, "broken-off") for seed in range(3)
    }
    assert all(image.path and image.path.is_file() and image.negative_prompt == "a dog" for image in found)
    assert noted(history, outputs, others=others) == 1, "the old one, when everything is looked at"
    assert history.search(Search(seed=7))[0].job == ""


@pytest.mark.parametrize("ended_in_order", [True, False])
def test_after_a_kill_a_start_finds_what_was_saved_last_and_after_an_orderly_end_looks_for_nothing(
    tmp_path: Path, ended_in_order: bool
) -> None:
    before = Application(flags_for(tmp_path))
    before.start()
    database = before.jobs.recorder.database
    until(lambda: database.fact(STARTED) is not None and database.fact(IN_ORDER) == "0")
    if ended_in_order:
        before.close()
    else:
        database.close()
        before.close()
    picture(tmp_path / "outputs" / "txt2img-images" / "00000.png", seed=3, age=0)
    half = tmp_path / "outputs" / "txt2img-images" / ".00001.png.0123456789abcdef.part"
    half.write_bytes(b"x")
    _written_ago(half, 1)
    after = Application(flags_for(tmp_path))
    after.created = time.time() + 0.1
    after.start()
    until(lambda: not half.exists())
    until(lambda: after.jobs.recorder.database.fact(STARTED) == repr(after.created))
    assert after.jobs.recorder.history.count(Search()) == (0 if ended_in_order else 1)
    after.close()


def test_a_damaged_database_is_rebuilt_from_the_pictures_behind_the_start(tmp_path: Path) -> None:
    for seed in range(5):
        picture(tmp_path / "outputs" / "txt2img-images" / f"{seed:05}.png", seed=seed)
    (tmp_path / "easel.sqlite").write_bytes(b"no database any more" * 500)
    app = Application(flags_for(tmp_path))
    app.start()
    until(lambda: app.jobs.recorder.history.count(Search()) == 5)
    assert [image.seed for image in app.jobs.recorder.history.search(Search(text="cat"))] != []
    app.close()
