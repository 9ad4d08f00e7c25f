from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from modules.library.collection import Collection
from modules.library.facts import Facts, Row
from modules.library.library import Library

PATIENCE = 60


class Reader:
    """Describes a file by its text, and remembers which it read."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, path: Path) -> Facts:
        assert self.may_go_on.wait(PATIENCE)
        self.read.append(path.name)
        text = path.read_text()
        return Facts(alias=text, metadata={"text": text}, problem="bad" if "bad" in text else None)


@pytest.fixture
def reader() -> Reader:
    return Reader()


def collected(library: Library, folder: Path, reader: Reader, version: int = 1) -> Collection:
    return library.collect("lora", lambda: [folder], (".pt",), reader, version=version)


def put(folder: Path, name: str, text: str, mtime: int = 1_000_000_000) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    os.utime(path, (mtime, mtime))
    return path


def aliases(collection: Collection) -> dict[str, str | None]:
    return {entry.name: entry.facts.alias for entry in collection.entries()}


def test_headers_are_read_in_the_background_and_names_are_there_before(
    tmp_path: Path, model_library: Library, reader: Reader
) -> None:
    put(tmp_path / "m", "a.pt", "one")
    reader.may_go_on.clear()
    collection = collected(model_library, tmp_path / "m", reader)
    assert aliases(collection) == {"a": None}
    reader.may_go_on.set()
    collection.verify_soon().result(PATIENCE)
    assert aliases(collection) == {"a": "one"}
    assert collection.metadata(str(tmp_path / "m" / "a.pt")) == {"text": "one"}


def test_a_second_start_reads_only_what_is_new_or_changed(tmp_path: Path, reader: Reader) -> None:
    folder = tmp_path / "m"
    for name in "abcd":
        put(folder, f"{name}.pt", name)
    library = Library(tmp_path / "cache")
    collected(library, folder, reader).settle()
    assert sorted(reader.read) == ["a.pt", "b.pt", "c.pt", "d.pt"]
    library.close()
    reader.read.clear()
    put(folder, "b.pt", "changed", 1_000_000_001)
    put(folder, "c.pt", "other size")
    put(folder, "new.pt", "new")
    (folder / "d.pt").unlink()
    again = Library(tmp_path / "cache")
    collection = collected(again, folder, reader)
    collection.settle()
    assert sorted(reader.read) == ["b.pt", "c.pt", "new.pt"]
    assert aliases(collection) == {"a": "a", "b": "changed", "c": "other size", "new": "new"}
    again.close()


def test_everything_is_read_anew_for_a_new_version(tmp_path: Path, model_library: Library, reader: Reader) -> None:
    put(tmp_path / "m", "a.pt", "one")
    collected(model_library, tmp_path / "m", reader).settle()
    collected(model_library, tmp_path / "m", reader, version=2).settle()
    assert reader.read == ["a.pt", "a.pt"]


def test_a_single_file_is_read_when_it_is_asked_for(tmp_path: Path, model_library: Library, reader: Reader) -> None:
    path = put(tmp_path / "m", "a.pt", "one")
    collection = collected(model_library, tmp_path / "m", reader)
    assert collection.facts(str(path)).alias == "one"
    assert collection.facts(str(path)).alias == "one"
    assert reader.read == ["a.pt"]
    put(tmp_path / "m", "a.pt", "changed", 1_000_000_001)
    assert collection.facts(str(path)).alias == "changed"
    assert aliases(collection) == {"a": "changed"}


def test_the_metadata_of_a_file_is_there_as_soon_as_it_is_known(
    tmp_path: Path, model_library: Library, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "m", "a.pt", "one")
    collection = collected(model_library, tmp_path / "m", reader)
    found: list[dict[str, str]] = []
    write = model_library.index.put

    def while_another_writes(kind: str, rows: Mapping[str, Row]) -> None:
        monkeypatch.setattr(model_library.index, "put", write)
        found.append(dict(collection.metadata(str(path))))
        write(kind, rows)

    monkeypatch.setattr(model_library.index, "put", while_another_writes)
    collection.settle()
    assert found == [{"text": "one"}]


def test_two_files_of_one_name_are_both_listed_and_the_second_says_why_it_is_not_used(
    tmp_path: Path, model_library: Library, reader: Reader
) -> None:
    (tmp_path / "m").mkdir()
    first, second = put(tmp_path / "m" / "1", "a.pt", "one"), put(tmp_path / "m" / "2", "a.pt", "two")
    collection = collected(model_library, tmp_path / "m", reader)
    problems = {entry.found.path: entry.problem for entry in collection.entries()}
    assert problems[str(first)] is None
    problem = problems[str(second)]
    assert problem is not None
    assert str(first) in problem
    assert str(second) in problem


def test_a_problem_that_use_brought_to_light_stays_until_the_file_changes(tmp_path: Path, reader: Reader) -> None:
    path = put(tmp_path / "m", "a.pt", "one")
    library = Library(tmp_path / "cache")
    collection = collected(library, tmp_path / "m", reader)
    collection.settle()
    collection.note_problem(str(path), "its numbers are none")
    assert collection.entries()[0].problem == "its numbers are none"
    assert collection.metadata(str(path)) == {"text": "one"}
    collection.note_problem(str(path), None)
    assert collection.entries()[0].problem is None
    collection.note_problem(str(path), "its numbers are none")
    library.close()
    again = Library(tmp_path / "cache")
    collection = collected(again, tmp_path / "m", reader)
    assert collection.entries()[0].problem == "its numbers are none"
    put(tmp_path / "m", "a.pt", "better", 1_000_000_001)
    collection.settle()
    assert collection.entries()[0].problem is None
    again.close()


def test_closing_ends_a_scan_that_has_long_to_go(tmp_path: Path, reader: Reader) -> None:
    for number in range(500):
        put(tmp_path / "m", f"{number}.pt", "x")
    library = Library(tmp_path / "cache")
    collection = collected(library, tmp_path / "m", reader)
    reader.may_go_on.clear()
    scan = collection.verify_soon()
    closing = threading.Thread(target=library.close)
    closing.start()
    # The scan stands in the first file; it hears of the end before the second one.
    assert library._background._closed.wait(PATIENCE)
    reader.may_go_on.set()
    closing.join(PATIENCE)
    assert scan.done()
    assert len(reader.read) < 500
