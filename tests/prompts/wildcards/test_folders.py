from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.prompts.wildcards.folders import WildcardFolders, cleaned, matches
from tests.prompts.wildcards.conftest import Pantry

STRUCTURED = """\
clothing:
  - T-shirt
  - Pants
  - 2
artists:
  finnish:
    - Akseli Gallen-Kallela
    - Eero Järnefelt
  dutch: [Piet Mondrian]
  1234: 5678  # no list
  flurp: 12345
"""


def test_files_of_every_kind_are_found_in_nested_folders(pantry: Pantry) -> None:
    pantry.put("flavors/sour.txt", "grapefruit\r\nlemon")
    pantry.put("flavors/pantry.json", '{"bitter": ["coffee", "dark chocolate"], "n": 3}')
    pantry.put("pantry.yaml", STRUCTURED)
    pantry.put("shapes.yml", "- circle\n- square")
    pantry.put(
        "public/plush.yaml", "- |\n  # Usage: __public/plush(figure=elephant)__\n  Squishy ${figure} toy,\n  smooth\n"
    )
    pantry.put(".hidden/x.txt", "no")
    assert pantry.folders.names() == [
        "artists/dutch",
        "artists/finnish",
        "clothing",
        "flavors/bitter",
        "flavors/sour",
        "public/plush",
        "shapes",
    ]
    assert pantry.all("__flavors\\*__") == ["coffee", "dark chocolate", "grapefruit", "lemon"]
    assert pantry.all("__clothing__") == ["T-shirt", "Pants", "2"]
    assert pantry.all("__ARTISTS/Finnish__") == ["Akseli Gallen-Kallela", "Eero Järnefelt"]
    assert pantry.all("__public/plush(figure=cat)__") == ["Squishy cat toy,\nsmooth"]


def test_weights_and_repetitions_in_files(pantry: Pantry) -> None:
    pantry.put("w.txt", "3::a\nb\n0::c\nb")
    assert pantry.all("__w__") == ["a", "b", "c"]
    drawn = pantry.some("__w__", 1000)
    assert drawn.count("c") == 0
    assert 540 < drawn.count("a") < 660


def test_text_in_brackets_needs_no_quotes_in_yaml(pantry: Pantry) -> None:
    pantry.put("q.yaml", 'q:\n  - {a|b}\n  - [x|y] and\n  - "{c|d}"\n')
    pantry.put("r.yaml", 'r:\n  - {a|b}\n  - "{c|d}"\n  - [x|y]\n')
    assert pantry.all("__r__") == ["a", "b", "c", "d", "[x|y]"]
    assert pantry.all("__q__") == ["__q__"]
    assert f"{pantry.folder / 'q.yaml'}, line 3" in " ".join(pantry.notes("__q__"))


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("bomb.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "line 2: aliases"),
        ("bomb2.yaml", "a: &a\n  - x\nb:\n  <<: *a\n", "line 4: aliases"),
        ("plain.yaml", "# no list\nhello\n", "line 1: there must be"),
        ("broken.yaml", "a:\n  - x\n b: y\n", "line 3"),
        ("at.yaml", "a:\n  - @x\n", "line 2"),
        ("deep.yaml", "[" * 5000, "did not find expected node"),
        ("deep2.yaml", "".join(f"{' ' * i}a:\n" for i in range(80)), "line 51: lists and tables are nested"),
        ("broken.json", '{"a": ["x",\n}', "line 2"),
        ("deep.json", "[" * 100_000, "is no JSON"),
        ("object.yaml", "!!python/object/apply:os.system ['true']\n", ""),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_line(pantry: Pantry, name: str, content: str, line: str) -> None:
    pantry.put(name, content)
    pantry.put("good.txt", "fine")
    assert pantry.all("__good__ __a__") == ["fine __a__"]
    notes = pantry.notes("__good__ __a__")
    assert notes[0].startswith('Wildcard "a" is not there')
    if line:
        assert any(str(pantry.folder / name) in note and line in note for note in notes), notes


def test_broken_letters_are_told_with_their_line_and_used_all_the_same(pantry: Pantry) -> None:
    pantry.put("latin.txt", b"one\ntwo\nJ\xe4rnefelt\n")
    pantry.put("wide.txt", "ä\nб".encode("utf-16"))
    pantry.put("marked.txt", "\ufeffä".encode())
    assert pantry.all("__latin__")[2] == "Järnefelt"
    (note,) = pantry.notes("__latin__")
    assert "latin.txt, line 3" in note
    assert pantry.all("__wide__") == ["ä", "б"]
    assert pantry.all("__marked__") == ["ä"]
    assert pantry.notes("__wide__ __marked__") == []


def test_no_name_leads_out_of_the_folder(pantry: Pantry, tmp_path: Path) -> None:
    pantry.put("in.txt", "in")
    (tmp_path / "secret.txt").write_text("oh no")
    for name in ("../secret", "..\\secret", "x/../../secret", "/secret", f"{tmp_path}/secret"):
        assert pantry.all(f"__{name}__") == [f"__{name}__"]


def test_links_are_followed_and_circles_are_not(pantry: Pantry, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "wild.txt").write_text("forest")
    pantry.put("in.txt", "in")
    try:
        (pantry.folder / "linked").symlink_to(tmp_path / "outside")
        (pantry.folder / "circle").symlink_to(pantry.folder)
    except OSError:
        pytest.skip("no links here")
    assert pantry.all("__linked/wild__") == ["forest"]
    assert pantry.folders.names() == ["in", "linked/wild"]


def test_changes_are_seen(pantry: Pantry) -> None:
    path = pantry.put("a.txt", "one")
    assert pantry.all("__a__ __b__") == ["one __b__"]
    path.write_text("another")
    os.utime(path, ns=(1, 1))
    pantry.put("deep/b.txt", "two")
    os.utime(pantry.folder, ns=(5, 5))
    assert pantry.all("__a__ __b__") == ["another two"]
    path.unlink()
    os.utime(pantry.folder, ns=(6, 6))
    assert pantry.all("__a__") == ["__a__"]
    assert WildcardFolders(lambda: [Path("/no/such/folder")]).names() == []


@given(st.text("ab/*", max_size=8), st.text("ab/", max_size=10))
def test_a_pattern_fits_what_its_pieces_fit_in_order(pattern: str, name: str) -> None:
    def fits(pattern: str, name: str) -> bool:
        if not pattern:
            return not name
        if pattern[0] == "*":
            return any(fits(pattern[1:], name[at:]) for at in range(len(name) + 1))
        return name[:1] == pattern[0] and fits(pattern[1:], name[1:])

    expected = fits(pattern, name) if "*" in pattern else None
    if expected is not None:
        assert matches(pattern, name) == expected


def test_names_are_cleaned() -> None:
    assert cleaned("Foo\\\\bar//") == "foo/bar"
    assert cleaned("a/../b") is None
    assert cleaned("") is None
