"""The server's loop, on which all clients are answered, waits for nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.source import files, name_of, tree_of


def test_no_job_is_submitted_on_the_loop() -> None:
    """It writes the job down with its pictures, which takes seconds, and longer while the database is locked."""
    found = [
        f"{name_of(path)}:{call.lineno} {name}"
        for path in files("modules")
        for function in ast.walk(tree_of(path))
        if isinstance(function, ast.AsyncFunctionDef)
        for call in _calls_on_the_loop(function)
        if (name := _name(call)).lstrip("_").startswith("submit")
    ]
    assert not found, "to be called through asyncio.to_thread"


def test_calls_in_functions_for_other_threads_are_told_apart() -> None:
    text = (
        "async def a():\n  submit()\n  to_thread(submit_task)\n  await b(lambda: app.submit())\n  app.submit_task(x())"
    )
    function = ast.parse(text).body[0]
    names = [_name(call) for call in _calls_on_the_loop(function)]
    assert names == ["submit", "to_thread", "b", "submit_task", "x"]


def _calls_on_the_loop(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls_on_the_loop(child)


def _name(call: ast.Call) -> str:
    called = call.func
    if isinstance(called, ast.Name):
        return called.id
    return called.attr if isinstance(called, ast.Attribute) else ""
