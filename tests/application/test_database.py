"""easel.sqlite: damaged, full, or held by another program."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modules.application.database import VERSIONS, Database
from modules.application.database_repair import salvage
from modules.application.history import History, Search
from modules.application.jobs.job import Job
from modules.foundation.errors import StorageBusy, StorageError
from modules.generation.request import GenerationRequest
from tests.application.conftest import painted
from tests.application.full_disk import full

PICTURES = 300


def filled(path: Path) -> None:
    """A database with many pictures, closed."""
    database = Database(path)
    history, job = History(database, path.parent), Job("txt2img", "a cat", job_id="of-all")
    for number in range(PICTURES):
        request = GenerationRequest(prompt=f"a cat number{number} " + "with words " * 40)
        history.add(job, [painted(request, number, path.parent / f"{number}.png")])
    database.remember("paused", "1")
    database.close()


def damage(path: Path, place: float, seed: int = 1, size: int = 6000) -> None:
    """Write random bytes into the file."""
    start = int(path.stat().st_size * place)
    with path.open("rb+") as file:
        file.seek(start)
        file.write(random.Random(seed).randbytes(size))


def works(database: Database, folder: Path) -> None:
    """Fail unless everything can be written, read and searched."""
    history = History(database, folder)
    history.add(Job("txt2img", "new"), [painted(GenerationRequest(prompt="a brandnew dog"), 7)])
    assert [image.prompt for image in history.search(Search(text="brandnew"))] == ["a brandnew dog"]
    assert database.rows("PRAGMA integrity_check")[0][0] == "ok"
    history.search(Search(text="number3"), limit=1000)


@pytest.mark.parametrize("place", [0.0, 0.05, 0.2, 0.4, 0.5, 0.6, 0.8, 0.95])
def test_random_bytes_in_the_file_are_noticed_at_the_start_and_the_rest_is_taken_over(
    tmp_path: Path, place: float, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "easel.sqlite"
    filled(path)
    damage(path, place)
    damaged = path.read_bytes()
    replaced = threading.Event()
    database = Database(path, replaced.set)
    if path.with_name("easel.sqlite.broken").exists():
        assert replaced.wait(10)
        assert str(path.with_name("easel.sqlite.broken")) in caplog.text
        if place:  # without its first page nothing can be read
            assert History(database, tmp_path).count(Search()) > 0
    else:
        assert damaged == path.read_bytes()
    works(database, tmp_path)
    database.close()


def test_what_was_set_aside_before_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "easel.sqlite"
    for number in (1, 2, 3):
        path.write_bytes(b"no database %d" % number * 100)
        Database(path).close()
        path.unlink()
    names = ("easel.sqlite.broken", "easel.sqlite.broken-2", "easel.sqlite.broken-3")
    assert [(tmp_path / name).read_bytes()[:13] for name in names] == [
        b"no database 1",
        b"no database 2",
        b"no database 3",
    ]


@pytest.mark.parametrize("act", ["read", "write"])
def test_damage_while_the_program_runs_is_mended_without_a_restart(tmp_path: Path, act: str) -> None:
    path = tmp_path / "easel.sqlite"
    filled(path)
    replaced = threading.Event()
    database = Database(path, replaced.set)
    history = History(database, tmp_path)
    database._writer.execute("PRAGMA cache_size = 1")  # pyright: ignore[reportPrivateUsage] - as if the file were large
    for place in (0.3, 0.5, 0.7):
        damage(path, place, size=40_000)
    if act == "read":
        assert len(history.search(Search(), limit=1000)) <= PICTURES
    else:
        with pytest.raises(StorageError, match="was damaged and has been replaced"):
            for number in range(200):
                with database.change() as write:
                    write.execute("DELETE FROM images WHERE number = ?", (number,))
    assert replaced.wait(10)
    works(database, tmp_path)
    database.close()


def test_a_large_file_is_looked_through_beside_everything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "easel.sqlite"
    filled(path)
    damage(path, 0.5, size=40_000)
    monkeypatch.setattr("modules.application.database.CHECK_SECONDS", -1.0)
    replaced = threading.Event()
    database = Database(path, replaced.set)
    assert replaced.wait(30)
    works(database, tmp_path)
    database.close()


def held(path: Path) -> Callable[[], None]:
    """Have another program hold the lock of writers. Gives what lets go."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def test_a_program_that_holds_the_file_is_waited_for_without_holding_up_readers_and_others(tmp_path: Path) -> None:
    database = Database(tmp_path / "easel.sqlite")
    let_go = held(database.path)
    begun = time.monotonic()
    with pytest.raises(StorageBusy, match="Another program holds"):
        database.remember("a", "b")
    assert database.rows("SELECT * FROM facts") == []
    waited = time.monotonic() - begun
    done = threading.Event()

    def write() -> None:
        with database.change(patience=60) as connection:
            connection.execute("INSERT INTO facts VALUES ('later', 'x')")
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(20):  # between two tries the lock is free
        with database._writing:  # pyright: ignore[reportPrivateUsage]
            assert not done.is_set()
    assert database.rows("SELECT * FROM facts") == []
    let_go()
    writer.join()
    assert done.is_set()
    assert waited < 20, "not the half minute that SQLite would wait"
    database.close()


def test_a_full_disk_is_said_and_nothing_is_half_there(tmp_path: Path) -> None:
    database = Database(tmp_path / "easel.sqlite")
    with full(database):
        with pytest.raises(StorageError, match="is full"), database.change() as write:
            write.execute("INSERT INTO facts VALUES ('a', ?)", ("x" * 100_000,))
        assert database.fact("a") is None
    database.remember("a", "b")
    assert database.fact("a") == "b"
    database.close()


def of_first_form(path: Path) -> None:
    """A database as the first Easel wrote it, with one picture."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(VERSIONS[0])
    connection.execute(
        "INSERT INTO images VALUES (1, 'abc', 'job', 'sample', 1.0, 'a.png', 8, 8, '1', '2', 'old times', '', 'm', '',"
        " '', 'old times\nSteps: 5, Sampler: DPM++ 2M, Seed: 1')"
    )
    connection.execute("PRAGMA user_version = 1")
    connection.close()


def test_a_database_of_the_first_form_is_brought_up_to_date(tmp_path: Path) -> None:
    of_first_form(tmp_path / "easel.sqlite")
    database = Database(tmp_path / "easel.sqlite")
    history = History(database, tmp_path)
    (image,) = history.search(Search(text="old", sampler="2M"))
    assert (image.sampler, image.rating, image.favourite, image.trashed) == ("DPM++ 2M", 0, False, None)
    database.close()


def test_a_damaged_database_of_the_first_form_gives_up_its_rows(tmp_path: Path) -> None:
    of_first_form(tmp_path / "broken.sqlite")
    database = Database(tmp_path / "easel.sqlite")
    with database.change() as write:
        write.execute("SELECT 1")
    fresh = sqlite3.connect(tmp_path / "easel.sqlite", isolation_level=None)
    assert salvage(tmp_path / "broken.sqlite", fresh) == 1
    fresh.close()
    assert History(database, tmp_path).count(Search(text="old")) == 1
    database.close()
