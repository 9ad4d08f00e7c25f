"""JSON that came from outside: a file, a header, a request. Whatever the text is, ValueError is all it can raise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, cast

MAX_DEPTH = 100
"""How deeply lists and tables may be nested; what is deeper would break whatever walks through it later."""


MEGABYTE = 2**20

MOST_VALUES = 5_000_000
"""Of a text of megabytes. The free text in the header of a model counts, too, where trainers write tables of tags."""

MOST_HALVES = 500_000
"""Halves of characters beyond the first 65,536, written as \\uD83D\\uDE00; putting them right is slow work."""

_LONG_NUMBER = re.compile(r"[\[:,\s-]\d{24}")
"""As a value: in texts there may be hashes, which follow a quotation mark or letters."""


def parse_json(text: str | bytes) -> Any:
    """The value that `text` (bytes are UTF-8) stands for.

    Halves of characters ("\\ud800"), which neither a file nor an answer can hold, become U+FFFD. Raises ValueError
    for what is no JSON, nested more than `MAX_DEPTH` deep, has numbers of thousands of digits, or is so large that
    reading it would hold the interpreter for seconds.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if len(text) > MEGABYTE:
        _check_work(text)
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deeper_than(value, MAX_DEPTH):
        raise ValueError(_TOO_DEEP)
    return _whole(value) if "\\ud" in text or "\\uD" in text else value


def _check_work(text: str) -> None:
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise ValueError(f"it has more than {MOST_VALUES:,} values")
    if any(_LONG_NUMBER.search(text, at, at + MEGABYTE + 64) for at in range(0, len(text), MEGABYTE)):
        raise ValueError("it has numbers of very many digits")
    if text.count("\\ud") + text.count("\\uD") > MOST_HALVES:
        raise ValueError("it has more emoji than words")


def readable_members(text: str) -> dict[str, Any]:
    """What can be read of a damaged JSON object: each entry whose value is whole and ended as values are.

    >>> readable_members('{"a": 1, "b": [1, 2, "c": "x",}')
    {'a': 1, 'c': 'x'}
    """
    found: dict[str, Any] = {}
    position = text.find("{") + 1
    while match := _KEY.search(text, position):
        position = match.end()
        try:
            value, end = _DECODER.raw_decode(text, match.end())
            if _END.match(text, end):
                found[json.loads(match[1])] = parse_json(json.dumps(value))
                position = end
        except (ValueError, RecursionError):
            continue
    return found


_KEY = re.compile(r'("(?:[^"\\\n]|\\.)*")[ \t]*:\s*')
_END = re.compile(r"\s*[,}]|[ \t]*\n")
_DECODER = json.JSONDecoder()
_TOO_DEEP = f"it is nested more than {MAX_DEPTH} deep"


def whole_text(text: str) -> str:
    """`text` with pairs of halves put together, and halves of characters that stand alone as U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _is_deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [inner for each in level for inner in _members(each)]
        if not level:
            return False
    return True


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _whole(value: object) -> Any:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [_whole(each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        return {whole_text(key): _whole(each) for key, each in cast("dict[str, object]", value).items()}
    return value
