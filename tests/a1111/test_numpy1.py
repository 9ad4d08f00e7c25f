"""NumPy 1's names in modules of extensions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.a1111.gradio3.importing import globals_for
from modules.a1111.numpy1 import give_former_names


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """NumPy's names are for the whole program: leave those of today behind."""
    own = set(vars(numpy))
    yield
    for name in set(vars(numpy)) - own:
        with contextlib.suppress(AttributeError):
            delattr(numpy, name)


def of_extension(source: str) -> Any:
    there = globals_for("some")
    exec(f"import numpy as np\nmade = {source}", there)
    return there["made"]


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("np.float_(1.5)", 1.5),
        ("np.zeros(2, dtype=np.complex_).dtype.name", "complex128"),
        ("[np.Inf, -np.NINF, np.PINF, np.infty]", [numpy.inf] * 4),
        ("np.product([2, 3])", 6),
        ("np.alltrue([True, False]), np.sometrue([True, False])", (False, True)),
        ("float(np.trapz([1, 2, 3]))", 4.0),
        ("np.asfarray([1, 2], dtype=int).dtype.name", "float64"),
        ("np.bool8(1) is np.True_", True),
        ("np.issubclass_(int, object)", True),
        ("np.find_common_type([np.float32], [np.float64]).name", "float64"),
    ],
)
def test_names_of_numpy_1_are_there(source: str, made: object) -> None:
    assert of_extension(source) == made


def test_what_numpy_1_24_had_taken_away_is_missing_as_in_a1111() -> None:
    with pytest.raises(AttributeError):
        of_extension("np.int")


@given(st.lists(st.integers(-3, 3), min_size=1), st.lists(st.integers(-3, 3)))
def test_in1d_tells_which_of_the_flat_values_are_among_others(values: list[int], others: list[int]) -> None:
    module: Any = numpy
    give_former_names(module)
    assert module.in1d([values], others).tolist() == [value in others for value in values]
