from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modules.library.facts import Facts, Row
from modules.library.index import SCHEMA_VERSION, FileIndex

ROOT = Path(__file__).parents[2]


def row(size: int = 1, **facts: object) -> Row:
    return Row(stamp=(size, 2), inode=3, version=1, facts=Facts(**facts))  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "models.sqlite3"


@pytest.fixture
def index(path: Path) -> Iterator[FileIndex]:
    index = FileIndex(path)
    yield index
    index.close()


def test_what_is_put_is_there_after_a_restart(path: Path, index: FileIndex) -> None:
    facts = {"family": "SD1", "alias": "Zoé", "problem": None, "told_hash": "ab", "old_hash": "cd", "words": "hat"}
    index.put("lora", {"/a": row(**facts, details={"x": "1"}, metadata={"ss": "long" * 100}), "/b": row(problem="cut")})
    index.put_hashes("sha256", [("/a", (1, 2), 3, "ff")])
    index.close()
    again = FileIndex(path)
    assert again.rows("lora") == {"/a": row(**facts, details={"x": "1"}), "/b": row(problem="cut")}
    assert again.rows("checkpoint") == {}
    assert again.metadata("lora", "/a") == {"ss": "long" * 100}
    assert again.metadata_of("lora") == {"/a": {"ss": "long" * 100}}
    assert again.hashes("sha256") == {"/a": ((1, 2), "ff")}
    again.put("lora", {"/a": row()})
    assert again.metadata("lora", "/a") == {}
    again.forget("lora", ["/b"])
    assert set(again.rows("lora")) == {"/a"}
    again.close()


def test_half_a_character_in_a_header_is_no_obstacle(index: FileIndex) -> None:
    index.put("lora", {"/a": row(alias="half \ud83d", metadata={"key": "\ud83d"})})
    assert index.rows("lora")["/a"].facts.alias == "half \ufffd"


@pytest.mark.parametrize("damage", ["text", "cut", "overwritten"])
def test_a_damaged_index_is_made_anew_with_a_warning(
    path: Path, index: FileIndex, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    index.put("lora", {f"/{number}": row(metadata={"x": str(number) * 50}) for number in range(500)})
    index.close()
    data = path.read_bytes()
    broken = {
        "text": b"this is no database" * 100,
        "cut": data[: len(data) // 3],
        "overwritten": data[:100] + os.urandom(len(data) - 100),
    }
    path.write_bytes(broken[damage])
    again = FileIndex(path)
    with caplog.at_level(logging.WARNING):
        assert len(again.rows("lora")) in (0, 500)
        again.metadata_of("lora")
        again.put("lora", {"/new": row()})
    assert "made again" in caplog.text
    assert "/new" in again.rows("lora")
    again.close()


def test_an_index_of_another_release_is_made_anew(path: Path, index: FileIndex) -> None:
    index.put("lora", {"/a": row()})
    index.close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.execute("ALTER TABLE file ADD COLUMN later TEXT")
    database.commit()
    database.close()
    again = FileIndex(path)
    assert again.rows("lora") == {}
    again.put("lora", {"/a": row()})
    assert set(again.rows("lora")) == {"/a"}
    again.close()


def test_where_nothing_can_be_written_everything_works_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    index = FileIndex(tmp_path / "cache" / "models.sqlite3")
    index.put("lora", {"/a": row()})
    assert set(index.rows("lora")) == {"/a"}
    assert caplog.text.count("cannot be used") == 1
    index.close()


def test_a_closed_index_knows_nothing_and_takes_everything(index: FileIndex) -> None:
    index.close()
    index.put("lora", {"/a": row()})
    assert index.rows("lora") == {}


def test_two_processes_share_an_index(path: Path, index: FileIndex) -> None:
    before = index.hash_revision
    code = (
        "import sys; from pathlib import Path; from modules.library.index import FileIndex;"
        "index = FileIndex(Path(sys.argv[1]));"
        "[index.put_hashes('sha256', [(f'/other/{n}', (1, 2), 3, 'ff')]) for n in range(50)]; index.close()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT) as other:
        for number in range(50):
            index.put_hashes("sha256", [(f"/mine/{number}", (1, 2), 3, "ff")])
        assert other.wait(timeout=60) == 0
    assert len(index.hashes("sha256")) == 100
    assert index.hash_revision != before


def test_many_threads_share_an_index(index: FileIndex) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: index.put("lora", {f"/{number}": row()}), range(40)))
    assert len(index.rows("lora")) == 40


@pytest.mark.skipif(os.name == "nt", reason="processes end otherwise there")
def test_killing_the_program_while_it_writes_leaves_a_sound_index(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from modules.library.index import FileIndex;"
        "from modules.library.facts import Facts, Row;"
        "index = FileIndex(Path(sys.argv[1])); n = 0\n"
        "while True:\n"
        "    rows = {f'/{n}/{k}': Row(stamp=(k, n), inode=1, version=1, facts=Facts(metadata={'x': 'y' * 500}))"
        " for k in range(100)}\n"
        "    index.put('lora', rows); n += 1; print(n, flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        for _ in range(3):
            other.stdout.readline()
        time.sleep(0.02)
        other.send_signal(signal.SIGKILL)
        other.wait(timeout=60)
    index = FileIndex(path)
    known = index.rows("lora")
    # A transaction is there as a whole or not at all.
    assert len(known) >= 300
    assert len(known) % 100 == 0
    assert len(index.metadata_of("lora")) == len(known)
    index.close()
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
