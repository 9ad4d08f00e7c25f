"""A hook point that nothing reaches is a promise that nothing keeps."""

from __future__ import annotations

import ast

import pytest

from modules.hooks.points import Hooks
from tests.architecture.source import files, name_of, tree_of


def _used() -> set[str]:
    """Points that something does more with than attach to: `hooks.plan(...)`, `partial(hooks.decoded, ...)`."""
    used: set[str] = set()
    for path in files("modules"):
        if name_of(path).startswith("modules/hooks/"):
            continue
        attached = {
            id(node.value)
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Attribute) and node.attr in ("attach", "detach")
        }
        used |= {
            node.attr
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Attribute) and id(node) not in attached
            if ast.unparse(node.value).endswith("hooks")
        }
    return used


USED = _used()


@pytest.mark.parametrize("name", [point.name for point in Hooks().all()])
def test_a_hook_point_is_reached_somewhere(name: str) -> None:
    assert name in USED
