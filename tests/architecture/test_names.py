"""One word, one thing."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.architecture.source import files, name_of, tree_of


def test_a_name_of_a_class_has_one_owner() -> None:
    """Private classes are the business of their file; in `a1111/` the names are those that extensions know."""
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for path in files("modules"):
        if name_of(path).startswith("modules/a1111/"):
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                owners[node.name].append(name_of(path))
    assert {name: places for name, places in owners.items() if len(places) > 1} == {}


def test_a_name_of_a_type_is_not_that_of_a_class_elsewhere() -> None:
    classes, aliases = set[str](), dict[str, list[str]]()
    for path in files("modules"):
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef):
                classes.add(node.name)
            elif isinstance(node, ast.Assign) and _is_type(node) and isinstance(node.targets[0], ast.Name):
                aliases.setdefault(node.targets[0].id, []).append(name_of(path))
    twice = {name: places for name, places in aliases.items() if len(places) > 1 or name in classes}
    assert twice == {}


def _is_type(node: ast.Assign) -> bool:
    """Whether an assignment gives a type a name: `Pixels = NDArray[np.uint8]`, `Kind = Literal[...]`."""
    name, value = ast.unparse(node.targets[0]), node.value
    return name[:1].isupper() and not name.isupper() and isinstance(value, ast.Subscript | ast.BinOp)
