from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.json_text import readable_members
from modules.foundation.text_files import (
    behind_latin1,
    decode_text,
    open_file,
    read_file,
    read_json_object,
    read_text,
    set_aside,
)

MARKED = ("utf-8-sig", "utf-16", "utf-32")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\ufeff\0"))
LATIN = st.text(st.characters(codec="cp1252", exclude_characters="\r\0"), min_size=1)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(text=TEXTS, encoding=st.sampled_from([*MARKED, "utf-8"]), ends=st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_text_is_read_in_whichever_marked_encoding_it_was_saved(text: str, encoding: str, ends: str) -> None:
    assert decode_text(text.replace("\n", ends).encode(encoding))[0] == text


@given(text=TEXTS, encoding=st.sampled_from(["utf-16-le", "utf-16-be"]))
def test_json_in_utf16_without_a_mark_is_known_by_its_zeros(text: str, encoding: str) -> None:
    written = json.dumps({"key of the settings": text})
    assert json.loads(decode_text(written.encode(encoding))[0]) == {"key of the settings": text}


@given(text=LATIN)
def test_a_western_text_of_windows_is_read_as_it_was_written(text: str) -> None:
    if any(_is_utf8(line) for line in text.encode("cp1252").split(b"\n")):
        return
    assert decode_text(text.encode("cp1252")) == (text, "cp1252")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_one_line_from_another_editor_leaves_the_others_as_they_are() -> None:
    assert decode_text("日本\n".encode() + "é".encode("cp1252"))[0] == "日本\né"


@given(data=st.binary())
def test_any_bytes_are_some_text(data: bytes) -> None:
    assert "\r" not in decode_text(data)[0]


def test_a_guess_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes("é".encode("cp1252"))
    assert read_text(path) == "é"
    assert "notes.txt" in caplog.text
    assert "cp1252" in caplog.text


def test_what_is_set_aside_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    kept: list[Path] = []
    for number in range(12):
        path.write_text(str(number))
        kept.append(set_aside(path))
    assert [each.read_text() for each in kept] == [str(number) for number in range(12)]
    assert kept[0].name == "config.json.broken"
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"a": 1, "b": 2,}', {"a": 1, "b": 2}),
        ('{"a": 1,\n "b": [1, 2\n "c": "x"}', {"a": 1, "c": "x"}),
        ('{"a": 1 // so\n, "b": true}', {"b": True}),
        ('{"a": "x", "b": 12', {"a": "x"}),
        ('{"a": "x", "b": "cut of', {"a": "x"}),
        ("[1, 2]", {}),
        ("", {}),
        ("{" * 10_000, {}),
    ],
)
def test_what_can_be_read_of_a_damaged_file_is_used_and_it_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, read: dict[str, object]
) -> None:
    path = tmp_path / "some.json"
    path.write_text(text, encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert read_json_object(path, "The rest is as always.") == read
    assert (tmp_path / "some.json.broken").read_text(encoding="utf-8") == text
    for words in ("some.json", "is damaged", "The rest is as always."):
        assert words in caplog.text


@given(st.dictionaries(KEYS, st.integers() | TEXTS | st.lists(st.integers()) | st.booleans(), min_size=1), st.data())
def test_a_file_that_was_cut_off_gives_whole_entries_only(entries: dict[str, object], data: st.DataObject) -> None:
    text = json.dumps(entries, indent=4, ensure_ascii=data.draw(st.booleans()))
    cut = data.draw(st.integers(0, len(text)))
    found = readable_members(text[:cut])
    assert found.items() <= {key: json.loads(json.dumps(value)) for key, value in entries.items()}.items()


def test_latin1_that_is_utf8_is_understood() -> None:
    assert behind_latin1("Ã© æ\x97¥".encode("latin-1").decode("latin-1")) == "é 日"
    for text in ("é", "plain", "日"):
        assert behind_latin1(text) == text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders there")
@pytest.mark.parametrize("kind", ["pipe", "device", "pipe behind a link"])
def test_what_only_looks_like_a_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "notes.json"
    if kind == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to("pipe") if kind != "pipe" else (tmp_path / "pipe").rename(path)
    for read in (open_file, read_text, read_file):
        with pytest.raises(OSError, match="not a file"):
            read(path)


def test_a_folder_and_a_loop_of_links_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name in (".", "loop", "missing"):
        with pytest.raises(OSError, match=name if name != "." else "directory"):
            read_file(tmp_path / name)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(range(256)) * 1000)
    assert read_file(tmp_path / "a") == bytes(range(256)) * 1000


def test_a_file_of_gigabytes_is_set_aside_unread(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(3 * 2**30)  # takes no room
    assert read_json_object(tmp_path / "config.json", "Nothing holds.") == {}
    assert "larger than" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["config.json.broken"]
    with pytest.raises(OSError, match="larger than"):
        read_text(tmp_path / "config.json.broken")
