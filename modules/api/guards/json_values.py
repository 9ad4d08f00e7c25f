"""How many values the JSON of a request may hold, counted while it comes in.

Reading JSON holds the interpreter: two hundred megabytes of "1,1,1" take it for a minute, in which no other client is
answered. A long text in it (a picture in base64) costs next to nothing; so what counts is what stands between values.
"""

from __future__ import annotations

import re

MOST_VALUES = 100_000
"""Of one body, in lists and tables together; those of people have some hundreds, drawn poses some ten thousand."""

_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_UNIMPORTANT = bytes(set(range(256)) - set(b'",[{'))


class ValueCounter:
    """Counts the values of a JSON text that comes in pieces, without reading it."""

    def __init__(self) -> None:
        self.values = 0
        self._in_text = False
        self._escape = b""

    def add(self, piece: bytes) -> None:
        """Count on with the next piece."""
        if self._escape or b"\\" in piece:
            piece = _ESCAPED.sub(b"", self._escape + piece)
            self._escape = b"\\" if piece.endswith(b"\\") else b""
        parts = piece.translate(None, _UNIMPORTANT).split(b'"')
        outside = parts[self._in_text :: 2]
        self.values += sum(map(len, outside))
        self._in_text ^= len(parts) % 2 == 0
