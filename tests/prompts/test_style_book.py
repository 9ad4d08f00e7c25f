from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.errors import RequestError, SettingsError
from modules.prompts.style_book import StyleBook
from modules.prompts.styles import Style, read_styles, write_styles

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


def test_saving_a_style_changes_its_row_alone_in_the_file_that_holds_it(tmp_path: Path) -> None:
    first = put(tmp_path / "a.csv", "night,dark,", '"# mine, a comment",,', "day,bright,dull")
    second = tmp_path / "b.csv"
    second.write_text("name;text;mine\nnoon;hot;17\n\ndusk;red;18\n", encoding="utf-8")
    book = StyleBook([first, second])
    book.save(Style(name="night", prompt="dark, {prompt}\ntwo lines", negative_prompt=" light"))
    assert book.save(Style(name="dusk", prompt="orange", negative_prompt="grey")) == second
    assert book.file_of("dusk") == second
    text = '\ufeffname,prompt,negative_prompt\nnight,"dark, {prompt}\ntwo lines"," light"\n"# mine, a comment",,\n'
    assert first.read_text(encoding="utf-8") == text + "day,bright,dull\n"
    assert second.read_text(encoding="utf-8-sig") == (
        "name;text;mine;negative_prompt\nnoon;hot;17\n\ndusk;orange;18;grey\n"
    )
    assert book.all()[-1] == Style(name="dusk", prompt="orange", negative_prompt="grey")


def test_a_new_style_goes_into_the_first_file_which_is_made_if_need_be(tmp_path: Path) -> None:
    book = StyleBook([tmp_path / "sub" / "styles.csv", put(tmp_path / "b.csv", "night,dark,")])
    assert book.save(Style(name="day", prompt="bright")) == tmp_path / "b.csv"
    alone = StyleBook([tmp_path / "sub" / "styles.csv"])
    assert alone.save(Style(name="day", prompt="bright")) == tmp_path / "sub" / "styles.csv"
    assert found(alone) == {"day": "bright"}


def test_a_renamed_style_keeps_its_place_and_leaves_nothing_under_its_old_name(tmp_path: Path) -> None:
    first = put(tmp_path / "a.csv", "night,dark,", "day,bright,", "night,darker,")
    second = put(tmp_path / "b.csv", "night,darkest,", "noon,hot,")
    book = StyleBook([first, second])
    assert book.save(Style(name="midnight", prompt="black"), "night") == second
    assert found(book) == {"day": "bright", "midnight": "black", "noon": "hot"}
    with pytest.raises(RequestError, match="already"):
        book.save(Style(name="noon"), "day")
    assert found(book)["noon"] == "hot"


def test_a_removed_style_is_gone_from_every_file(tmp_path: Path) -> None:
    book = StyleBook([put(tmp_path / "a.csv", "night,dark,", "day,bright,"), put(tmp_path / "b.csv", "night,darker,")])
    book.remove("night")
    assert found(book) == {"day": "bright"}
    with pytest.raises(RequestError, match="night"):
        book.remove("night")


@pytest.mark.parametrize("name", ["", "  ", " night", "#night", "None", "two\nlines"])
def test_names_that_no_style_can_have_are_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    book = StyleBook([tmp_path / "styles.csv"])
    with pytest.raises(RequestError):
        book.save(Style(name=name, prompt="dark"))
    assert not (tmp_path / "styles.csv").exists()


def test_a_broken_file_is_told_of_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "styles.csv"
    path.write_text("night,dark\nday,bright\n", encoding="utf-8")
    book = StyleBook([path])
    assert len(book.problems()) == 1
    assert str(path) in book.problems()[0]
    with pytest.raises(SettingsError, match="was not changed"):
        book.save(Style(name="noon", prompt="hot"))
    assert path.read_text(encoding="utf-8") == "night,dark\nday,bright\n"
    put(path, "night,dark,")
    assert book.problems() == ()


TEXTS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=30)


@given(st.lists(st.builds(Style, name=st.sampled_from("abcd"), prompt=TEXTS, negative_prompt=TEXTS), max_size=6))
def test_what_is_written_is_read_again(styles: list[Style]) -> None:
    assert read_styles(write_styles(styles)) == styles
