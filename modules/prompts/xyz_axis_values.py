"""The value syntax of X/Y/Z plots: lists and ranges of numbers, quoted text, permutations."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

_Number = TypeVar("_Number", int, float)

AxisType = Literal["int", "float", "str", "permutation"]

MOST_VALUES = 10_000
"""Of an axis; more, often a range, are a typing error: that many pictures cannot be viewed."""

# Nothing here gives back what it took ("+" after a count): what follows could not use it, and trying takes time.
# A number has as many digits as the longest floats.
_INT = r"\d{1,400}+"
_FLOAT = r"(?:\d{1,400}+(?:\.\d{0,400}+)?|\.\d{1,400}+)"


def _range_patterns(number: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Ranges by steps and by count. As in A1111 no blank follows a sign or an opening bracket."""
    between = rf"\s*+([+-]?{number})\s*+-\s*+([+-]?{number})\s*+"
    by_count = rf"{between}\[({_INT})\s*+\]\s*+"
    return re.compile(rf"{between}(?:\(([+-]{number})\s*+\)\s*+)?"), re.compile(by_count)


_PATTERNS = {"int": _range_patterns(_INT), "float": _range_patterns(_FLOAT)}
_SINGLE = {"int": re.compile(rf"[+-]?{_INT}"), "float": re.compile(rf"[+-]?{_FLOAT}")}


def split_values(text: str) -> list[str]:
    """Comma-separated values over any number of lines; double quotes keep a comma, a doubled quote is a quote.

    White space around each value is dropped, empty values stay.
    """
    source = io.StringIO(text.replace("\0", ""), newline="")
    try:
        return [value.strip() for row in csv.reader(source, skipinitialspace=True) for value in row]
    except csv.Error as error:
        raise ValueError(f"The list of values cannot be read: {error}.") from error


def parse_axis_values(text: str, kind: AxisType) -> list[Any]:
    """The values of an axis whose values are of this kind.

    Numbers: `1-5` is 1 2 3 4 5, `1-5 (+2)` and `5-1 (-2)` go in steps, `1-10 [4]` is four of them evenly spread.
    A permutation axis takes every order of its values. Raises ValueError that names what is not a number, and for more
    than `MOST_VALUES` in all.

    >>> parse_axis_values("1-3, 10-20 [3]", "int")
    [1, 2, 3, 10, 15, 20]
    """
    values = split_values(text)
    if len(values) > MOST_VALUES:
        raise ValueError(f"There are {len(values):,} values; the most is {MOST_VALUES:,}.")
    if kind == "str":
        return list(values)
    if kind == "permutation":
        if math.factorial(min(len(values), 20)) > MOST_VALUES:
            raise ValueError(f"{len(values)} parts have more than {MOST_VALUES} orders; give fewer.")
        return [list(order) for order in itertools.permutations(values)]
    expand = _expand_ints if kind == "int" else _expand_floats
    numbers: list[Any] = []
    for value in values:
        numbers += expand(value) if value else ()
        if len(numbers) > MOST_VALUES:
            raise ValueError(f"All its ranges together have more than {MOST_VALUES:,} values.")
    return numbers


def axis_label(name: str, value: Any, kind: AxisType) -> str:
    """What is drawn beside a row or column: text as it is, a number rounded to 8 digits after the name of the axis."""
    if kind == "permutation":
        return ", ".join(value)
    if kind == "str":
        return str(value)
    return f"{name}: {round(value, 8) if isinstance(value, float) else value}"


def _expand_ints(text: str) -> Sequence[int]:
    stepped, counted = _PATTERNS["int"]
    if found := stepped.fullmatch(text):
        start, end, step = int(found[1]), int(found[2]), int(found[3] or "1")
        # The end belongs to it; counting down it does not, as A1111 has it.
        return _limited(range(start, end + 1, _not_zero(step, text)), text)
    if found := counted.fullmatch(text):
        return [int(value) for value in _spread(int(found[1]), int(found[2]), int(found[3]), text)]
    return [_single(text, "int", int)]


def _expand_floats(text: str) -> Sequence[float]:
    stepped, counted = _PATTERNS["float"]
    if found := stepped.fullmatch(text):
        start, end, step = float(found[1]), float(found[2]), float(found[3] or "1")
        count = (end + step - start) / _not_zero(step, text)
        if not math.isfinite(count):
            raise _too_many(text)
        count = math.ceil(count)
        width = (start + step) - start  # rounded once, so that the values are those of numpy.arange
        return [start + width * index for index in _limited(range(count), text)]
    if found := counted.fullmatch(text):
        return _spread(float(found[1]), float(found[2]), int(found[3]), text)
    return [_single(text, "float", float)]


def _single(text: str, kind: str, convert: Callable[[str], _Number]) -> _Number:
    if not _SINGLE[kind].fullmatch(text):
        raise ValueError(f"{_short(text)} is neither a number nor a range of numbers.")
    number = convert(text)
    if not math.isfinite(number):
        raise ValueError(f"{_short(text)} is larger than any number here can be.")
    return number


def _spread(start: float, end: float, count: int, text: str) -> list[float]:
    """`count` numbers from `start` to `end`, both included."""
    _limited(range(count), text)
    if count == 1:
        return [float(start)]
    width = (end - start) / (count - 1) if count else 0.0
    return [float(end) if index == count - 1 else start + index * width for index in range(count)]


def _not_zero(step: _Number, text: str) -> _Number:
    if not step:
        raise ValueError(f"The steps of {_short(text)} are 0, which never arrives.")
    return step


def _limited(values: Sequence[object], text: str) -> Sequence[Any]:
    # Not its length, which has to fit into 64 bits.
    if values[MOST_VALUES:]:
        raise _too_many(text)
    return values


def _too_many(text: str) -> ValueError:
    return ValueError(f"{_short(text)} has more than {MOST_VALUES} values; the most is {MOST_VALUES}.")


def _short(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:100] + "...")
