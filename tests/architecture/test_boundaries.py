"""Where any error at all may be caught: where others' code is called, and where work ends that others must survive."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tests.architecture.source import PROGRAM, files, name_of, tree_of

CATCHES_EXCEPTION = {
    "modules/a1111/attachments/batch.py": "a replaced reader of prompts that raises is named and not used",
    "modules/a1111/ldm/attention.py": "a replaced forward of attention that raises is named and taken away",
    "modules/a1111/ldm/unet.py": "what is put into the UNet and raises is named and taken away",
    "modules/a1111/ldm/vae.py": "a replaced forward of the VAE that raises is named and taken away",
    "modules/a1111/seams.py": "a replaced call of the network that raises is named and taken away",
    "modules/a1111/pasting.py": "functions of scripts that read parameters",
    "modules/a1111/dialect.py": "code of an extension that raises is named, and the run goes on",
    "modules/a1111/extras_scripts.py": "a script of the Extras tab that raises is named, and the other files go on",
    "modules/a1111/errors.py": "an extension has its own code called, and what it raises logged",
    "modules/a1111/queueing.py": "what a function of an extension's button raises is shown where its result would be",
    "modules/a1111/callbacks.py": "a callback of an extension that raises is named, and the others are called",
    "modules/a1111/loading.py": "a file of an extension that cannot be loaded is named, and the others are loaded",
    "modules/a1111/option_controls.py": "an extension's setting is drawn by the extension's component and arguments",
    "modules/a1111/attachments/run.py": "a replaced process_images that raises is named and not used",
    "modules/a1111/attachments/sampling.py": "a replaced p.sample that raises is named and not used",
    "modules/application/jobs/queue.py": "a job, or a task between two jobs, must not end the engine's thread",
    "modules/application/jobs/service.py": "a recurring job that cannot go on must not take the queue with it",
    "modules/hooks/point.py": "an attachment that raises is named and skipped, and the picture is made",
    "modules/text_encoders/xlmr.py": "the library of tokenizers raises nothing more special for a file it cannot read",
    "modules/library/background.py": "a model file that cannot be described must not end the thread of the others",
}
"""File -> the boundary at which it catches every Exception."""


def test_exception_is_caught_at_boundaries_only() -> None:
    found = {name_of(path) for path in files(*PROGRAM) if any(_names(node) & {"Exception"} for node in _handlers(path))}
    assert found - CATCHES_EXCEPTION.keys() == set(), "Catch what can happen; see modules/foundation/errors.py."
    assert CATCHES_EXCEPTION.keys() - found == set(), "These do not any more: take them off the list."


def test_what_catches_everything_raises_it_again() -> None:
    """`except BaseException` puts things back on the way out and swallows nothing."""
    swallowed = Counter(
        name_of(path)
        for path in files(*PROGRAM)
        for node in _handlers(path)
        if node.type is None or "BaseException" in _names(node)
        if not any(isinstance(each, ast.Raise | ast.Call) and _passes_on(each) for each in ast.walk(node))
    )
    assert swallowed == Counter()


def _handlers(path: Path) -> list[ast.ExceptHandler]:
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ExceptHandler)]


def _names(node: ast.ExceptHandler) -> set[str]:
    return {each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)} if node.type else set()


def _passes_on(node: ast.Raise | ast.Call) -> bool:
    # `self._raise(...)` never returns.
    onward = ("set_exception", "_raise")
    return isinstance(node, ast.Raise) or (isinstance(node.func, ast.Attribute) and node.func.attr in onward)
