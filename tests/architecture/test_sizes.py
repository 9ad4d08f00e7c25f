"""A file and a function of a size that is read in one go."""

from __future__ import annotations

import ast

from tests.architecture.source import EVERYTHING, files, name_of, tree_of

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60

LONG_FILES = {
    "tests/api/test_attacks.py": "what is sent to do harm, side by side, against one server",
    "tests/api/sdapi/test_generation.py": "txt2img over the API is one subject, and its tests share a server",
    "tests/checkpoints/test_merge.py": "merging is one subject, and its tests share their models",
    "tests/parity/make_tiny.py": "the recipe of the recorded models, kept byte for byte",
    "starter_model/networks.py": "all networks of the starter model side by side, as its paper page describes them",
}
"""File -> why it may be longer."""

LONG_FUNCTIONS = {
    "benchmarks/load.py:measure": "one measurement in the order in which it is done",
    "modules/pipeline/parameters_text.py:fields_of": "one table of fields, in the order in which they are written",
    "modules/pipeline/plan.py:make_plan": "one table: every field of a plan and where it comes from",
    "modules/pipeline/sample.py:sample": "half of it hands named arguments on",
    "tests/parity/make_tiny.py:networks": "the recipe of the recorded models, kept byte for byte",
    "tests/parity/make_tiny.py:unet": "the recipe of the recorded models, kept byte for byte",
}
"""File:function -> why it may be longer."""


def test_files_are_short() -> None:
    sizes = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files(*EVERYTHING)}
    too_long = {name for name, lines in sizes.items() if lines > MOST_LINES}
    assert too_long - LONG_FILES.keys() == set(), f"Longer than {MOST_LINES} lines; there are two ideas in it."
    assert LONG_FILES.keys() - too_long == set(), "These are short enough by now: take them off the list."


def test_functions_are_short() -> None:
    too_long = {
        f"{name_of(path)}:{node.name}"
        for path in files(*EVERYTHING)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    }
    assert too_long - LONG_FUNCTIONS.keys() == set(), f"Longer than {MOST_LINES_OF_A_FUNCTION} lines; take it apart."
    assert LONG_FUNCTIONS.keys() - too_long == set(), "These are short enough by now: take them off the list."
