"""While much is imported the collector waits, and afterwards it leaves alone what came."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Iterator

import pytest

from modules.foundation.importing import importing

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
