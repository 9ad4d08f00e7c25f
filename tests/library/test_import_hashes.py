from __future__ import annotations

import json
import os
import pickle
import sqlite3
import unicodedata
from pathlib import Path
from typing import Any, Literal

import pytest

from modules.library.facts import Facts
from modules.library.library import Library

DIGEST, OTHER = "ab" * 32, "cd" * 32
MTIME = 1_700_000_000.25


class Tree:
    """An A1111 installation with two models."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checkpoint = self.put("Stable-diffusion/anime/model v1.safetensors")
        self.lora = self.put("Lora/people/zoe.safetensors")

    def put(self, name: str) -> Path:
        path = self.root / "models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)
        os.utime(path, (MTIME, MTIME))
        return path

    def library(self, cache: Path) -> Library:
        library = Library(cache, data=cache.parent / "data")
        for kind, folder in (("checkpoint", "Stable-diffusion"), ("lora", "Lora")):
            folders = [self.root / "models" / folder]
            library.collect(kind, lambda folders=folders: folders, (".safetensors",), lambda path: Facts())
        return library


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "a1111")


def entry(digest: str, mtime: float = MTIME) -> dict[str, Any]:
    return {"mtime": mtime, "sha256": digest}


def write_diskcache(path: Path, entries: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True)
    database = sqlite3.connect(path)
    database.execute(
        "CREATE TABLE Cache (rowid INTEGER PRIMARY KEY, key BLOB, raw INTEGER, store_time REAL, expire_time REAL,"
        " access_time REAL, access_count INTEGER DEFAULT 0, tag BLOB, size INTEGER DEFAULT 0, mode INTEGER DEFAULT 0,"
        " filename TEXT, value BLOB)"
    )
    for key, value in entries.items():
        database.execute("INSERT INTO Cache (key, raw, mode, value) VALUES (?, 1, 4, ?)", (key, value))
    database.commit()
    database.close()


def test_hashes_of_a1111s_cache_json_are_taken_over(tree: Tree, tmp_path: Path) -> None:
    content = {
        "hashes": {"checkpoint/anime\\model v1.safetensors": entry(DIGEST), "lora/zoe": entry(OTHER, MTIME - 5)},
        "hashes-addnet": {"lora/zoe": entry(OTHER)},
        "safetensors-metadata": {"lora/zoe": {"mtime": MTIME, "value": {}}},
    }
    (tree.root / "cache.json").write_text(json.dumps(content))
    library = tree.library(tmp_path / "cache")
    assert library.import_hashes() == {tree.root / "cache.json": 2}
    assert library.hashes.known(tree.checkpoint) == DIGEST
    assert library.hashes.known(tree.lora, "addnet") == OTHER
    assert library.hashes.known(tree.lora) is None
    assert library.import_hashes() == {}
    library.close()


def test_hashes_of_a1111s_databases_are_taken_over_and_nothing_in_them_is_run(tree: Tree, tmp_path: Path) -> None:
    class RunsCode:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "was run"),)

    write_diskcache(
        tree.root / "cache" / "hashes" / "cache.db",
        {
            "checkpoint/model v1.safetensors": pickle.dumps(entry(DIGEST)),
            "lora/zoe": pickle.dumps(RunsCode()),
            "lora/other": b"no pickle",
        },
    )
    library = tree.library(tmp_path / "cache")
    library.import_hashes()
    assert library.hashes.known(tree.checkpoint) == DIGEST
    assert not (tmp_path / "was run").exists()
    library.close()


def test_hashes_of_easels_first_release_are_taken_over(tree: Tree, tmp_path: Path) -> None:
    stamp = tree.checkpoint.stat()
    store = tmp_path / "data" / "cache" / "hashes.json"
    store.parent.mkdir(parents=True)
    known = {str(tree.checkpoint): [stamp.st_size, stamp.st_mtime_ns, DIGEST], str(tree.lora): [1, 2, OTHER]}
    store.write_text(json.dumps(known))
    library = tree.library(tmp_path / "cache")
    library.import_hashes()
    assert library.hashes.known(tree.checkpoint) == DIGEST
    assert library.hashes.known(tree.lora) is None
    library.close()


@pytest.mark.parametrize("text", ["{broken", "[]", '{"hashes": [1]}', '{"hashes": {"checkpoint/x": {"mtime": "?"}}}'])
def test_a_damaged_store_is_left_alone(tree: Tree, tmp_path: Path, text: str) -> None:
    (tree.root / "cache.json").write_text(text)
    (tree.root / "cache" / "hashes").mkdir(parents=True)
    (tree.root / "cache" / "hashes" / "cache.db").write_text("no database")
    library = tree.library(tmp_path / "cache")
    library.import_hashes()
    assert library.hashes.known(tree.checkpoint) is None
    library.close()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_in_another_form_of_unicode_is_the_same(tree: Tree, tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    path = tree.put(unicodedata.normalize(form, "Stable-diffusion/anim\u00e9.safetensors"))
    for other in ("anim\u00e9", "anime\u0301"):
        content = {"hashes": {f"checkpoint/{other}.safetensors": entry(DIGEST)}}
        (tree.root / "cache.json").write_text(json.dumps(content), encoding="utf-8")
        library = tree.library(tmp_path / other / "cache")
        library.import_hashes()
        assert library.hashes.known(path) == DIGEST
        library.close()
