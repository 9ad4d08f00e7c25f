from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.prompts.craft.tag_index import TagHit, TagIndex, TagRow, read_tags, written

NAMES = st.text("ab_", min_size=1, max_size=6)
DANBOORU = (
    '1girl,0,6008644,"1girls,sole_female"\n'
    "long_hair,0,4350743,/lh\n"
    "hatsune_miku,4,110000,miku\n"
    "vocaloid,3,150000,\n"
    "hair_ribbon,0,700000\n"
    "highres,5,5256195,\n"
    "wlop,1,900\n"
)


@pytest.fixture
def index(tmp_path: Path) -> TagIndex:
    (tmp_path / "danbooru.csv").write_text(DANBOORU)
    (tmp_path / "e621.csv").write_text('anthro,0,3000000,"bipedal"\ncanine,5,1500000,\nlong_hair,0,1,\n')
    return read(*sorted(tmp_path.iterdir()))[0]


def read(*paths: Path) -> tuple[TagIndex, list[str]]:
    problems: list[str] = []
    return TagIndex(row for path in paths for row in read_tags(path, problems)), problems


def names(hits: list[TagHit]) -> list[str]:
    return [hit.tag.name for hit in hits]


def test_tags_are_found_by_their_words_and_other_names_by_count(index: TagIndex) -> None:
    assert len(index) == 9
    assert names(index.search("h")) == ["highres", "long_hair", "hair_ribbon", "hatsune_miku"]
    assert names(index.search("hair")) == ["long_hair", "hair_ribbon"]
    assert names(index.search("Long H")) == ["long_hair"]
    assert [(hit.tag.name, hit.alias) for hit in index.search("sole")] == [("1girl", "sole_female")]
    assert [(hit.tag.name, hit.alias) for hit in index.search("miku")] == [("hatsune_miku", "")]
    assert [(hit.tag.name, hit.alias) for hit in index.search("/l")] == [("long_hair", "/lh")]
    assert index.search("zzz") == index.search("") == []
    assert names(index.search("h", 2)) == ["highres", "long_hair"]


def test_an_exact_name_comes_first(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("hairband,0,9\nhair,0,1\nhairpin,0,5\n")
    assert names(read(tmp_path / "a.csv")[0].search("hair")) == ["hair", "hairband", "hairpin"]


def test_categories_are_those_of_the_list(index: TagIndex) -> None:
    assert index.category("hatsune miku") == "character"
    assert index.category("canine") == "species"
    assert index.category("highres") == "meta"
    assert index.category("wlop") == "artist"
    assert index.category("gone") is None
    assert index.knows("long hair")
    assert not index.knows("long hairs")


def test_lines_that_make_no_sense_are_left_out_and_the_first_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b'tag,category,count,aliases\ngood,0,5,\n,0,1\nx,y,z\n"open,0,1\nlast,0,1\n' + b"c\xe4t,0,2\n")
    index, problems = read(path, tmp_path / "gone.csv")
    assert names(index.search("good")) == ["good"]
    assert any(f"{path}, line 3" in problem for problem in problems)
    assert any("gone.csv cannot be read" in problem for problem in problems)
    (tmp_path / "long.csv").write_text("a" * 1000 + ",0,1\n" + "b_" * 5000 + ",0,1\nok,0,99999999999999999999\n")
    assert len(read(tmp_path / "long.csv")[0]) == 1


@given(
    st.lists(st.tuples(NAMES, st.integers(0, 50)), max_size=30, unique_by=lambda row: row[0]),
    st.text("ab", min_size=1, max_size=4),
)
def test_a_search_finds_what_looking_at_every_tag_finds(rows: list[tuple[str, int]], wanted: str) -> None:
    index = TagIndex((TagRow(name=name, category="general", count=count), ()) for name, count in rows)
    expected = {name for name, _ in rows if any(part.startswith(wanted) for part in _words(name))}
    found = index.search(wanted, 100)
    assert {hit.tag.name for hit in found} == expected
    counts = [hit.tag.count for hit in found if hit.tag.name != wanted]
    assert counts == sorted(counts, reverse=True)


def _words(name: str) -> list[str]:
    """The name from its beginning and from each of its words on."""
    return [name[at:] for at in range(len(name)) if at == 0 or (name[at - 1] == "_" and name[at] != "_" and at > 1)]


def test_a_tag_is_written_as_prompts_have_it() -> None:
    assert written("lucy_(cyberpunk)") == r"lucy \(cyberpunk\)"
    assert written("lucy_(cyberpunk)", blanks=False, escape=False) == "lucy_(cyberpunk)"
    assert written("^_^") == "^_^"
    assert written(">_<") == ">_<"
