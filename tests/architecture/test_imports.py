"""Imports go one way, and importing does nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pytest

from tests.architecture.source import ROOT, imports_of, modules

PACKAGES = sorted({name.split(".")[1] for name in modules() if "." in name})

WITHOUT_TORCH = {
    "api",
    "application",
    "foundation",
    "hooks",
    "infotext",
    "library",
    "prompts",
    "settings",
    "webui",
}
"""Packages that are there before torch is. The others have files that import it at their top, and are imported late."""

IMPORT_ALL = """
import json, os, pkgutil, importlib, sys, threading

root, *packages = sys.argv[1:]
sys.argv = ["nobody", "--reads", "this"]
found, did = {}, []


def ours():
    # Whether it was done by a file of ours, and not by a library that one imports.
    frame = sys._getframe(2)
    while frame is not None:
        if "importlib" in frame.f_code.co_filename:
            return False
        if frame.f_code.co_filename.startswith(root):
            return True
        frame = frame.f_back
    return False


def watch(event, arguments):
    if event in WATCHED and ours():
        did.append(f"{event} {arguments[:2]}")


WATCHED = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename", "os.putenv", "os.system",
           "socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "_thread.start_new_thread"}
sys.addaudithook(watch)
for package in packages:
    did.clear()
    pending = [f"modules.{package}"]
    while pending:
        name = pending.pop()
        module = importlib.import_module(name)
        pending += [each.name for each in pkgutil.iter_modules(getattr(module, "__path__", []), name + ".")]
    heavy = [name for name in ("torch", "diffusers", "transformers") if name in sys.modules]
    found[package] = {"did": list(did), "heavy": heavy, "argv": sys.argv[1:]}
print(json.dumps(found))
"""


def test_no_module_imports_itself_through_others() -> None:
    known = modules()
    graph = {name: imports_of(path, known) - {name} for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"Imports go round, late ones included: {' <- '.join(error.args[1])}")


@pytest.fixture(scope="module")
def imported() -> dict[str, Any]:
    """What each package did while all of them were imported, one after the other, in a process of their own.

    Those that are there before torch go first. What a package brings of another one is told of the first of the two.
    """
    order = sorted(PACKAGES, key=lambda package: package not in WITHOUT_TORCH)
    command = [sys.executable, "-c", IMPORT_ALL, str(ROOT / "modules"), *order]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_does_nothing(package: str, imported: dict[str, Any]) -> None:
    found = imported[package]
    assert found["did"] == [], "Importing opened a file, started a thread or touched the disk or the network."
    assert found["argv"] == ["--reads", "this"]
    if package in WITHOUT_TORCH:
        assert found["heavy"] == [], "This package must be there before torch is: import it where it is needed."
