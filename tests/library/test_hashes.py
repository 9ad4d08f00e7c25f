from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from modules.library import digests
from modules.library.digests import old_hash, sha256_of
from modules.library.facts import Facts
from modules.library.library import Library


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_hashes_are_those_that_people_know(tmp_path: Path) -> None:
    data = bytes(range(256)) * 8192
    path = tmp_path / "a.ckpt"
    path.write_bytes(data)
    assert sha256_of(path) == digest(data)
    assert old_hash(path) == digest(data[0x100000:0x110000])[:8]
    (tmp_path / "small.ckpt").write_bytes(b"small")
    # What A1111 shows for every file that is shorter than a mebibyte.
    assert old_hash(tmp_path / "small.ckpt") == "e3b0c442"


def test_a_hash_is_computed_once_even_when_two_ask_together(
    tmp_path: Path, model_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(b"content")
    began, may_go_on, read = threading.Event(), threading.Event(), []

    def slow(path: Path, breathe: object) -> str:
        read.append(path)
        began.set()
        assert may_go_on.wait(60)
        return digest(path.read_bytes())

    monkeypatch.setattr(digests, "DIGESTS", {"sha256": slow})
    monkeypatch.setattr("modules.library.hashes.DIGESTS", {"sha256": slow})
    first = model_library.hashes.begin(path)
    assert began.wait(60)
    second = model_library.hashes.begin(path)
    assert model_library.hashes.known(path) is None
    may_go_on.set()
    assert first.result(60) == second.result(60) == digest(b"content")
    assert model_library.hashes.compute(path) == digest(b"content")
    assert read == [path]


def test_a_changed_file_has_no_hash_until_it_is_computed_anew(tmp_path: Path, model_library: Library) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(b"content")
    model_library.hashes.compute(path)
    path.write_bytes(b"other content")
    assert model_library.hashes.known(path) is None
    assert model_library.hashes.compute(path) == digest(b"other content")


def test_background_hashes_do_not_delay_awaited_ones(
    tmp_path: Path, model_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "long.ckpt").write_bytes(b"long")
    (tmp_path / "short.ckpt").write_bytes(b"short")
    may_go_on = threading.Event()

    def by_name(path: Path, breathe: object) -> str:
        assert path.name == "short.ckpt" or may_go_on.wait(60)
        return path.name

    monkeypatch.setattr("modules.library.hashes.DIGESTS", {"sha256": by_name})
    long = model_library.hashes.begin(tmp_path / "long.ckpt", idly=True)
    assert model_library.hashes.compute(tmp_path / "short.ckpt") == "short.ckpt"
    assert not long.done()
    may_go_on.set()
    assert long.result(60) == "long.ckpt"


def test_a_file_that_is_gone_raises_as_the_file_system_does(tmp_path: Path, model_library: Library) -> None:
    with pytest.raises(FileNotFoundError):
        model_library.hashes.compute(tmp_path / "gone.ckpt")


@pytest.mark.skipif(os.name == "nt", reason="inodes are told otherwise there")
def test_a_renamed_file_keeps_its_hash_and_a_copy_has_none(
    tmp_path: Path, model_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m" / "a.pt"
    path.parent.mkdir()
    path.write_bytes(b"content")
    collection = model_library.collect("lora", lambda: [path.parent], (".pt",), lambda path: Facts())
    collection.settle()
    model_library.hashes.compute(path)
    copy = path.with_name("copy.pt")
    copy.write_bytes(b"content")
    collection.settle()
    assert model_library.hashes.known(copy) is None
    moved = path.rename(path.with_name("b.pt"))
    collection.settle()
    assert model_library.hashes.known(moved) == digest(b"content")
