"""How much work the JSON of a request is, counted while it comes in.

Reading JSON holds the interpreter: two hundred megabytes of "1,1,1" take it for a minute, eighty of long numbers or of
halves of characters ("\\ud800") for seconds, in which no other client is answered. A long plain text in it (a picture
in base64) costs next to nothing; so what counts is what stands between texts, and what is not ASCII.
"""

from __future__ import annotations

import re

MOST_VALUES = 100_000
"""Of one body, in lists and tables together; those of people have some hundreds, drawn poses some ten thousand."""

MOST_BESIDE = 8 * 2**20
"""Bytes beside texts: numbers, brackets, blanks."""

MOST_ESCAPED = 1_000_000
"""Characters that are not ASCII, written as \\uXXXX."""

MOST_BACKSLASHES = 8_000_000
"""Of all escapes; some libraries break a picture in base64 into lines, or write each of its slashes as \\/."""

MOST_FOREIGN = 16 * 2**20
"""Bytes of characters that are not ASCII."""

MOST_IN_WORDS = 8 * 2**20
"""Bytes of one text in which anything is not ASCII: Python would keep four bytes of memory for each."""

MOST_DEEP = 200
"""Lists and tables within each other; what is deeper breaks what walks through it later."""

_UNIMPORTANT = bytes(set(range(256)) - set(b",[{"))
_FOREIGN = bytes(range(128, 256))
_ESCAPED = re.compile(rb"\\u(?:00[89a-fA-F]|0[1-9a-fA-F]|[1-9a-fA-F])")
_NOT_NESTING = bytes(set(range(256)) - set(b"[]{}"))
_DEEPER = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class JsonMeter:
    """Measures a JSON text that comes in pieces, without reading it."""

    def __init__(self) -> None:
        self.values = self.beside = self.escaped = self.backslashes = self.foreign = self.deepest = self._depth = 0
        self.longest_in_words = self._length = 0
        self._in_text = self._is_words = False
        self._escape = b""

    def add(self, piece: bytes) -> None:
        """Measure on with the next piece."""
        foreign = len(piece) - len(piece.translate(None, _FOREIGN))
        escaped = 0
        if self._escape or b"\\" in piece:
            piece = self._escape + piece
            escaped = len(_ESCAPED.findall(piece))
            self.backslashes += piece.count(b"\\")
            piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
            self._escape = b"\\" if piece.endswith(b"\\") else b""
        self.foreign += foreign
        self.escaped += escaped
        parts = piece.split(b'"')
        self._measure_text(parts, has_words=bool(foreign or escaped))
        beside = b"".join(parts[self._in_text :: 2])
        self.beside += len(beside)
        self.values += len(beside.translate(None, _UNIMPORTANT))
        for bracket in beside.translate(None, _NOT_NESTING):
            self._depth += _DEEPER[bracket]
            self.deepest = max(self.deepest, self._depth)
        self._in_text ^= len(parts) % 2 == 0

    def _measure_text(self, parts: list[bytes], *, has_words: bool) -> None:
        """Note how long the text is that goes on from piece to piece; `has_words` if anything here is not ASCII."""
        if self._in_text:
            self._length += len(parts[0])
            self._is_words |= has_words and _is_words(parts[0])
        if self._is_words:
            self.longest_in_words = max(self.longest_in_words, self._length)
        if len(parts) > 1:
            self._length = len(parts[-1])
            self._is_words = has_words and _is_words(parts[-1])

    @property
    def too_deep(self) -> str | None:
        """That it is nested too deep, as a sentence; None while it is not."""
        if self.deepest <= MOST_DEEP:
            return None
        return f"The JSON of the request is nested more than {MOST_DEEP} deep."

    @property
    def excess(self) -> str | None:
        """What there is too much of, as a sentence; None while there is not."""
        for count, most, what in (
            (self.values, MOST_VALUES, "values in its lists and tables"),
            (self.beside, MOST_BESIDE, "bytes beside its texts"),
            (self.escaped, MOST_ESCAPED, "characters that are not ASCII, written as \\uXXXX"),
            (self.backslashes, MOST_BACKSLASHES, "backslashes"),
            (self.longest_in_words, MOST_IN_WORDS, "bytes in a text that is not ASCII"),
            (self.foreign, MOST_FOREIGN, "bytes of characters that are not ASCII"),
        ):
            if count > most:
                return f"The JSON of the request has more than {most:,} {what}. Send less at once."
        return None


def _is_words(part: bytes) -> bool:
    return not part.isascii() or _ESCAPED.search(part) is not None
