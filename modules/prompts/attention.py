"""Emphasis: `(more:1.3)`, `[less]`, and BREAK.

Brackets never have to match. `(` and `[` open a scope, `)` and `]` close the nearest open one of their own kind, and
what is closed nowhere reaches to the end of the text. A scope multiplies the weight of everything inside it; a closing
bracket that closes nothing is text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Literal

Dialect = Literal["A1111", "NovelAI", "none", "A1111, {} is text"]
"""How emphasis is written: A1111's round and square brackets, NovelAI's curly ones, or not at all.

Variants `{a|b}` are part of "A1111" and of no other.
"""

BREAK = "BREAK"
"""The word that ends a chunk of tokens. As a piece of its own it carries the weight -1."""

_ROUND, _SQUARE, _CURLY = 1.1, 1 / 1.1, 1.05
_OPENED_BY = {")": "(", "]": "["}
_FACTORS = {")": _ROUND, "]": _SQUARE}

_TOKEN = re.compile(
    r"""
      \\(?P<escaped>[()\[\]\\])                  # \( is a bracket that is only a character
    | (?P<stray>\\)                              # any other backslash vanishes
    | (?P<open>[(\[])
    | :\s*(?P<weight>[+-]?[.\d]+)\s*(?P<end>\))  # the ":1.3)" of "(x:1.3)"
    | (?P<close>[)\]])
    | (?P<text>[^\\()\[\]:]+ | :)
    """,
    re.VERBOSE,
)
_NOVELAI_TOKEN = re.compile(r"\\(?P<escaped>[{}\[\]\\])|(?P<brace>[{}\[\]])|(?P<text>[^\\{}\[\]]+|\\)")
_BREAK = re.compile(r"\bBREAK\b")

MAX_NESTING = 4000
"""Brackets of one kind inside each other that count; long before that a weight is beyond all numbers."""

_Pieces = list[tuple[str, float]]


def parse_attention(text: str, dialect: Dialect = "A1111") -> _Pieces:
    r"""Split `text` into pieces of equal weight, in order.

    `BREAK` is a piece of its own with weight -1 (times the weight of brackets around it). There is always at least
    one piece; the empty text gives `[("", 1.0)]`. No text is an error: what is not syntax is text.

    >>> parse_attention(r"a (red:1.4) [blue] \(cat\)")
    [('a ', 1.0), ('red', 1.4), (' ', 1.0), ('blue', 0.9090909090909091), (' (cat)', 1.0)]
    """
    return _merge_equal(_READERS[dialect](text))


def uses_emphasis(text: str, dialect: Dialect = "A1111") -> bool:
    """Whether any piece of `text` is weighted."""
    return any(weight != 1.0 and piece != BREAK for piece, weight in parse_attention(text, dialect))


def _read_a1111(text: str) -> _Pieces:
    pieces: _Pieces = []
    # For each kind of bracket, the piece at which every open scope begins.
    scopes: dict[str, list[int]] = {"(": [], "[": []}
    closed: list[_Scope] = []

    def close(kind: str, factor: float) -> None:
        start = scopes[kind].pop()
        if start != _TOO_DEEP:
            closed.append((start, len(pieces), factor))

    for token in _TOKEN.finditer(text):
        if token["open"]:
            opened = scopes[token["open"]]
            opened.append(len(pieces) if len(opened) < MAX_NESTING else _TOO_DEEP)
        elif token["end"] and scopes["("]:
            before, factor = _closing_weight(token)
            pieces += before
            close("(", factor)
        elif token["close"] and scopes[_OPENED_BY[token["close"]]]:
            close(_OPENED_BY[token["close"]], _FACTORS[token["close"]])
        elif token["escaped"] or token["stray"]:
            pieces.append((token["escaped"] or "", 1.0))
        else:
            pieces += _split_breaks(token[0])

    for closing, opening in _OPENED_BY.items():
        for _ in range(len(scopes[opening])):
            close(opening, _FACTORS[closing])
    return _weighted(pieces, closed)


def _closing_weight(token: re.Match[str]) -> tuple[_Pieces, float]:
    """What the ":1.3)" of "(x:1.3)" means: text before the bracket, and the factor of the scope."""
    weight = _number(token["weight"])
    if weight is None:  # "(a:1.2.3)": no number, so its colon is text and its bracket a bracket
        return _split_breaks(token[0][:-1]), _ROUND
    return [], weight


_Scope = tuple[int, int, float]
_TOO_DEEP = -1


def _weighted(pieces: _Pieces, scopes: list[_Scope]) -> _Pieces:
    """`pieces` with those from the first to before the second index of each scope multiplied by its factor, in order.

    An array, because a thousand scopes may each hold a hundred thousand pieces.
    """
    if not scopes:
        return pieces
    import numpy as np

    weights = np.array([weight for _, weight in pieces])
    with np.errstate(all="ignore"):
        for start, end, factor in scopes:
            weights[start:end] *= factor
    return [(piece, weight) for (piece, _), weight in zip(pieces, weights.tolist(), strict=True)]


def _read_novelai(text: str) -> _Pieces:
    """`{` and `]` make all that follows stronger by 1.05, `}` and `[` weaker; nothing has to be closed.

    The exponent is counted, not the product, so that `{x} y` is back at exactly 1.
    """
    pieces: _Pieces = []
    exponent = 0
    for token in _NOVELAI_TOKEN.finditer(text):
        if token["brace"]:
            exponent += 1 if token["brace"] in "{]" else -1
        else:
            factor = _power(_CURLY, exponent)
            found = [(token["escaped"], 1.0)] if token["escaped"] else _split_breaks(token["text"])
            pieces += [(piece, weight if piece == BREAK else weight * factor) for piece, weight in found]
    return pieces


def _read_plain(text: str) -> _Pieces:
    return [(text, 1.0)]


_READERS: dict[Dialect, Callable[[str], _Pieces]] = {
    "A1111": _read_a1111,
    "NovelAI": _read_novelai,
    "none": _read_plain,
    "A1111, {} is text": _read_a1111,
}


def _split_breaks(text: str) -> _Pieces:
    """`text` at weight 1, cut at each BREAK together with the white space around it."""
    first, *others = _BREAK.split(text)
    if not others:
        return [(text, 1.0)]
    pieces: _Pieces = [(first.rstrip(), 1.0)]
    for other in others[:-1]:
        pieces += [(BREAK, -1.0), (other.strip(), 1.0)]
    return [*pieces, (BREAK, -1.0), (others[-1].lstrip(), 1.0)]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _power(base: float, exponent: int) -> float:
    """`base ** exponent`, kept within what a weight can be used for."""
    return base ** max(-1000, min(1000, exponent))


def _merge_equal(pieces: _Pieces) -> _Pieces:
    """Neighbours of equal weight as one piece. Empty pieces with a weight of their own stay, as A1111 keeps them."""
    merged: _Pieces = []
    run: list[str] = []
    for piece, weight in pieces:
        if merged and merged[-1][1] == weight:
            run.append(piece)
            continue
        if merged:
            merged[-1] = ("".join(run), merged[-1][1])
        merged.append((piece, weight))
        run = [piece]
    if not merged:
        return [("", 1.0)]
    merged[-1] = ("".join(run), merged[-1][1])
    return merged
