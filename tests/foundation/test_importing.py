"""While much is imported the collector waits, and afterwards it leaves alone what came."""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.foundation.importing import already_imported, importing, load_libraries

NAME = "a_large_library_of_this_test"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    sys.modules.pop(NAME, None)
    gc.enable()
    gc.unfreeze()


def test_the_collector_waits_and_leaves_alone_what_came() -> None:
    before = gc.get_freeze_count()
    with importing("json", NAME):
        assert not gc.isenabled()
        library = types.ModuleType(NAME)
        library.__dict__.update({str(number): [number] for number in range(1000)})
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + 1000
    assert not any(found is library.__dict__["5"] for found in gc.get_objects())


def test_nothing_happens_where_everything_is_imported_already() -> None:
    before = gc.get_freeze_count()
    with importing("json", "gc"):
        assert gc.isenabled()
    assert gc.get_freeze_count() == before


def test_an_import_that_fails_leaves_the_collector_working() -> None:
    with pytest.raises(ImportError), importing(NAME):
        raise ImportError(NAME)
    assert gc.isenabled()


def test_a_collector_that_was_turned_off_stays_off() -> None:
    gc.disable()
    with importing(NAME):
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_a_module_counts_as_imported_when_all_of_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(sys, "meeting_point", (begun, go_on), raising=False)
    (tmp_path / f"{NAME}.py").write_text(
        "import sys\nbegun, go_on = sys.meeting_point\nbegun.set()\ngo_on.wait(60)\nanswer = 42\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert already_imported(NAME) is None
    thread = threading.Thread(target=importlib.import_module, args=(NAME,))
    thread.start()
    assert begun.wait(60)
    assert NAME in sys.modules
    assert already_imported(NAME) is None
    go_on.set()
    thread.join(60)
    module = already_imported(NAME)
    assert module is not None
    assert module.answer == 42
    assert already_imported("sys") is sys


LINKED = """
import sys
from modules.foundation.importing import load_libraries
print(load_libraries("torch", "libtorch_cpu", "no such library"), "torch" in sys.modules)
import torch
print(torch.ones(2).sum().item(), load_libraries("torch", "libtorch_cpu"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows finds libraries in another way")
def test_the_libraries_of_a_package_are_linked_before_its_import() -> None:
    done = subprocess.run([sys.executable, "-c", LINKED], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines() == ["['libtorch_cpu'] False", "2.0 []"]


def test_of_a_package_that_is_not_there_nothing_is_loaded() -> None:
    assert load_libraries(NAME, "any") == []
