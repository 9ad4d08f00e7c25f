from __future__ import annotations

import inspect

from modules.foundation import errors
from modules.foundation.errors import EaselError, Interrupted, UnknownName, reason_of


def test_every_error_of_the_module_stands_in_the_tree_of_its_docstring() -> None:
    classes = [each for _, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__]
    assert classes
    for each in classes:
        assert each.__name__ in (errors.__doc__ or "")
        assert issubclass(each, EaselError) or each is Interrupted


def test_an_unknown_name_is_answered_with_the_nearest_known_ones() -> None:
    error = UnknownName("sampler", "Euler b", ["Euler a", "Euler", "DDIM"], "sampler_name")
    assert "'Euler b'" in str(error)
    assert "'Euler a'" in str(error)
    assert "DDIM" not in str(error)
    assert error.field == "sampler_name"


def test_where_nothing_comes_near_the_known_names_are_listed() -> None:
    assert "Known: Euler, DDIM." in str(UnknownName("sampler", "zzz", ["Euler", "DDIM"]))
    assert "no checkpoint at all" in str(UnknownName("checkpoint", "zzz", []))


def test_what_a_library_says_is_told_without_the_addresses_of_objects() -> None:
    assert (
        reason_of(OSError("cannot identify image file <_io.BytesIO object at 0x7fd1>")) == "cannot identify image file"
    )
    assert reason_of(OSError("<a.B object at 0x7fd1>: refused")) == ": refused"
    assert reason_of(MemoryError()) == "MemoryError"
    assert reason_of(ValueError("width < height")) == "width < height"
