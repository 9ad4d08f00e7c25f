"""A hook point that nothing calls is a promise that nothing keeps."""

from __future__ import annotations

import ast

import pytest

from modules.hooks.points import Hooks
from tests.architecture.source import files, name_of, tree_of

CALLED = {
    node.func.attr
    for path in files("modules")
    if not name_of(path).startswith("modules/hooks/")
    for node in ast.walk(tree_of(path))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    if ast.unparse(node.func.value).endswith("hooks")
}
"""Names of points that are called on something called hooks: `self.hooks.plan(...)`, `hooks.plan(...)`."""


@pytest.mark.parametrize("name", [point.name for point in Hooks().all()])
def test_a_hook_point_is_called_somewhere(name: str) -> None:
    assert name in CALLED
