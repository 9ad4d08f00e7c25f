"""The program's source as the tests of its architecture read it: files, trees, imports."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = ("modules", "webui.py")
EVERYTHING = ("modules", "webui.py", "tests", "benchmarks", "starter_model", "examples", "docs")


def files(*places: str) -> list[Path]:
    """The Python files below these places, by path."""
    found: list[Path] = []
    for place in places:
        path = ROOT / place
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


def name_of(path: Path) -> str:
    """A file as it is named in lists of exceptions: "modules/api/server.py"."""
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules() -> dict[str, Path]:
    """Every module of the program by its dotted name."""
    named: dict[str, Path] = {}
    for path in files("modules"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below `node`, those inside functions included, but not what only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield other
                yield from running(other)
            continue
        yield child
        yield from running(child)


def imports_of(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of the program that a file imports anywhere, late imports within functions included."""
    found: set[str] = set()
    for node in running(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(name if name in known else node.module for name in below)
    return found
