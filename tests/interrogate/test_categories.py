from __future__ import annotations

from pathlib import Path

import pytest

from modules.foundation.errors import RequestError
from modules.interrogate.categories import OWN_LISTS, CategoryFolder


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_files_name_says_how_many_words_are_named(tmp_path: Path) -> None:
    write(tmp_path, "mediums.txt", "an oil painting\n\n  a photograph \nan oil painting\n")
    write(tmp_path, "flavors.top3.txt", "a\nb\nc\nd\n")
    write(tmp_path, "artists.top0.txt", "a\n")
    write(tmp_path, "empty.txt", "\n\n")
    found = CategoryFolder([tmp_path]).read()
    assert [(each.name, each.count, each.words) for each in found] == [
        ("flavors.top3", 3, ("a", "b", "c", "d")),
        ("mediums", 1, ("an oil painting", "a photograph")),
    ]


def test_lines_are_limited_and_categories_left_out(tmp_path: Path) -> None:
    write(tmp_path, "mediums.txt", "a\nb\nc")
    write(tmp_path, "flavors.top3.txt", "a")
    folder = CategoryFolder([tmp_path / "none", tmp_path])
    assert folder.names() == ["flavors.top3", "mediums"]
    (only,) = folder.read(frozenset({"flavors.top3"}), 2)
    assert only.words == ("a", "b")
    assert folder.read(frozenset(folder.names())) == ()


def test_a_changed_list_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, "mediums.txt", "a")
    folder = CategoryFolder([tmp_path])
    assert folder.read()[0].words == ("a",)
    write(tmp_path, "mediums.txt", "another")
    assert folder.read()[0].words == ("another",)


def test_without_lists_there_are_easels_own(tmp_path: Path) -> None:
    folder = CategoryFolder([tmp_path])
    assert folder.folder == OWN_LISTS
    assert [each.name for each in folder.read()] == ["flavors.top3", "mediums", "movements"]
    for each in folder.read():
        assert len(each.words) >= 40


def test_a_list_in_another_encoding_is_named(tmp_path: Path) -> None:
    write(tmp_path, "mediums.txt", "").write_bytes(b"caf\xe9\n")
    with pytest.raises(RequestError, match=r"mediums\.txt cannot be read .*UTF-8"):
        CategoryFolder([tmp_path]).read()
