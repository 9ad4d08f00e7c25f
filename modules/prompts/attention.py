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

Dialect = Literal["A1111", "NovelAI", "none"]
"""How emphasis is written: A1111's round and square brackets, NovelAI's curly ones, or not at all."""

BREAK = "BREAK"
"""The word that ends a chunk of tokens. As a piece of its own it carries the weight -1."""

_ROUND, _SQUARE, _CURLY = 1.1, 1 / 1.1, 1.05

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
_BREAK = re.compile(r"\s*\bBREAK\b\s*")

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

    def close(kind: str, factor: float) -> None:
        for index in range(scopes[kind].pop(), len(pieces)):
            piece, weight = pieces[index]
            pieces[index] = (piece, weight * factor)

    for token in _TOKEN.finditer(text):
        if token["open"]:
            scopes[token["open"]].append(len(pieces))
        elif token["end"] and scopes["("] and (weight := _number(token["weight"])) is not None:
            close("(", weight)
        elif token["end"] and scopes["("]:  # "(a:1.2.3)": no number, so its colon is text and its bracket a bracket
            pieces += _split_breaks(token[0][:-1])
            close("(", _ROUND)
        elif token["close"] == ")" and scopes["("]:
            close("(", _ROUND)
        elif token["close"] == "]" and scopes["["]:
            close("[", _SQUARE)
        elif token["escaped"]:
            pieces.append((token["escaped"], 1.0))
        elif token["stray"]:
            pieces.append(("", 1.0))
        else:
            pieces += _split_breaks(token[0])

    while scopes["("]:
        close("(", _ROUND)
    while scopes["["]:
        close("[", _SQUARE)
    return pieces


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
}


def _split_breaks(text: str) -> _Pieces:
    """`text` at weight 1, cut at each BREAK together with the white space around it."""
    first, *others = _BREAK.split(text)
    pieces: _Pieces = [(first, 1.0)]
    for other in others:
        pieces += [(BREAK, -1.0), (other, 1.0)]
    return pieces


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
