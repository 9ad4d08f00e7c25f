from __future__ import annotations

import os
from pathlib import Path

import pytest

from modules.prompts.style_book import StyleBook
from modules.prompts.styles import Style, read_styles

HEADING = "name,prompt,negative_prompt\n"


def put(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADING + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def found(book: StyleBook) -> dict[str, str]:
    return {style.name: style.prompt for style in book.all()}


def test_of_two_styles_of_one_name_the_last_holds(tmp_path: Path) -> None:
    first = put(tmp_path / "a.csv", "night,dark,", "day,bright,", "night,darker,")
    second = put(tmp_path / "b.csv", "day,brighter,")
    assert found(StyleBook([first])) == {"night": "darker", "day": "bright"}
    assert list(found(StyleBook([first, second])).items()) == [("night", "darker"), ("day", "brighter")]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.csv", ["[x]", "a1", "a2", "b"]),
        ("a?.csv", ["a1", "a2"]),
        ("[x]*.csv", ["[x]"]),
        ("*/c.csv", ["c"]),
        ("*", ["[x]", "a1", "a2", "b"]),
    ],
)
def test_a_pattern_stands_for_all_files_that_fit(tmp_path: Path, pattern: str, names: list[str]) -> None:
    for name in ("b", "a2", "a1", "[x]", "sub/c"):
        put(tmp_path / f"{name}.csv", f"{Path(name).name},words,")
    put(tmp_path / ".hidden.csv", "hidden,words,")
    assert list(found(StyleBook([tmp_path / pattern]))) == names


def test_a_file_that_fits_a_pattern_later_is_read(tmp_path: Path) -> None:
    book = StyleBook([tmp_path / "*.csv"], expected=True)
    assert found(book) == {}
    put(tmp_path / "a.csv", "night,dark,")
    assert found(book) == {"night": "dark"}


@pytest.mark.skipif(os.name == "nt", reason="these signs are in no names there")
def test_a_file_whose_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    put(tmp_path / "what?.csv", "one,words,")
    put(tmp_path / "whats.csv", "two,words,")
    assert found(StyleBook([tmp_path / "what?.csv"])) == {"one": "words"}


@pytest.mark.parametrize("name", ["gone.csv", "gone/*.csv"])
def test_a_missing_file_that_was_named_is_mentioned_once_until_it_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    book = StyleBook([tmp_path / name], expected=True)
    book.all()
    book.all()
    assert caplog.text.count(str(tmp_path / name)) == 1
    path = put(Path(str(tmp_path / name).replace("*", "x")), "night,dark,")
    assert found(book) == {"night": "dark"}
    path.unlink()
    assert found(book) == {}
    assert caplog.text.count(str(tmp_path / name)) == 2


def test_the_usual_file_may_be_missing_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert found(StyleBook([tmp_path / "styles.csv"])) == {}
    assert not caplog.records


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_is_read_as_spreadsheets_save_it(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "styles.csv"
    rows = [["name", "prompt", "negative_prompt"], ["Café", '"zwei\r\nZeilen, schön"', "häßlich"]]
    path.write_bytes("\r\n".join(separator.join(row) for row in rows).encode(encoding))
    assert StyleBook([path]).all() == (Style(name="Café", prompt="zwei\nZeilen, schön", negative_prompt="häßlich"),)


def test_a_file_that_cannot_be_used_is_said_once_and_costs_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.csv").write_text("night,dark\nday,bright\n", encoding="utf-8")
    book = StyleBook([tmp_path / "a.csv", put(tmp_path / "b.csv", "night,dark,")])
    assert found(book) == {"night": "dark"}
    book.all()
    assert caplog.text.count("a.csv") == 1
    assert "name,prompt,negative_prompt" in caplog.text


def test_styles_are_written_where_they_are_read(tmp_path: Path) -> None:
    for files in ([tmp_path / "one.csv"], [tmp_path / "sub" / "*.csv"], [tmp_path / "??.csv"]):
        book = StyleBook(files)
        book.replace([Style(name="night", prompt="dark")])
        assert found(book) == {"night": "dark"}
        book.replace([Style(name="day", prompt="bright")])
        assert found(book) == {"day": "bright"}


def test_a_file_with_a_heading_alone_holds_no_styles() -> None:
    assert read_styles(HEADING) == []
    assert read_styles("") == []
