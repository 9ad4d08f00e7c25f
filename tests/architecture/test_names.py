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


VAGUE = frozenset(
    (
        *("this", "one", "another", "them", "such", "which", "whoever", "nobody", "somebody", "anybody", "everybody"),
        *("here", "there", "ours", "theirs", "thing", "things", "stuff", "look", "adopt", "shelf", "come", "going"),
        *("asked", "asking", "told", "given", "heard", "wish", "wishes"),
    )
)
"""Words that say nothing of what a name stands for. The field has a term: request, event, options, size, fields."""


def test_no_name_is_a_vague_word() -> None:
    """Of a function, a parameter or a variable; names with a leading or trailing underscore count as without it."""
    found: list[str] = []
    for path in files("modules", "scripts", "benchmarks", "examples", "starter_model", "docs"):
        for node in ast.walk(tree_of(path)):
            found += [
                f"{name_of(path)}:{getattr(node, 'lineno', 1)} {name}"
                for name in _named(node)
                if name.strip("_") in VAGUE
            ]
    assert found == []


def _named(node: ast.AST) -> tuple[str, ...]:
    """The names that a piece of code gives."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name.lower(),)
        case ast.arg(arg=name):
            return (name,)
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            return (name,)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return (name,)
        case _:
            return ()


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
