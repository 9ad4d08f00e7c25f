"""Answers of JSON that hold files in base64, put into words and sent piece by piece.

A picture of a hundred megapixels is hundreds of megabytes of text. Written into JSON at once it would hold the
interpreter, and with it every other client, for seconds, and be in memory four times.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import Response
from fastapi.responses import StreamingResponse

from modules.foundation.plain import JsonMapping

PIECE = 3 * 256 * 1024
"""Bytes of a file that are put into words at a time: a multiple of three, so that pieces can stand side by side."""

SMALL = 2 * 1024 * 1024
"""Bytes of files that are sent as one message."""


@dataclass(frozen=True)
class PackedFile:
    """A file in the place of a text of JSON: the text is the file in base64."""

    data: bytes

    @property
    def length(self) -> int:
        """Of the text, in characters."""
        return -(-len(self.data) // 3) * 4

    def pieces(self) -> Iterator[bytes]:
        """The text, in order."""
        for start in range(0, len(self.data), PIECE):
            yield base64.b64encode(self.data[start : start + PIECE])


def base64_text(data: bytes) -> str:
    """`data` in base64; others come in between, however much it is."""
    return b"".join(PackedFile(data).pieces()).decode()


@dataclass(frozen=True)
class LargeJson:
    """A JSON text with files in it: `texts` with one of `files` between each and the next."""

    texts: tuple[bytes, ...]
    files: tuple[PackedFile, ...]

    @classmethod
    def of(cls, value: JsonMapping) -> LargeJson:
        """`value`, in which a `PackedFile` may stand wherever a text may. What JSON does not have becomes its `str`."""
        files: list[PackedFile] = []
        place = secrets.token_hex(16)

        def stand_in(each: object) -> str:
            if not isinstance(each, PackedFile):
                return str(each)
            files.append(each)
            return place

        text = json.dumps(value, default=stand_in).encode()
        return cls(tuple(text.split(place.encode())), tuple(files))

    @property
    def length(self) -> int:
        """In bytes."""
        return sum(map(len, self.texts)) + sum(file.length for file in self.files)

    def pieces(self) -> Iterator[bytes]:
        """The text, in order."""
        yield self.texts[0]
        for file, text in zip(self.files, self.texts[1:], strict=True):
            yield from file.pieces()
            yield text

    def response(self) -> Response:
        """It as the answer to a request."""
        if self.length <= SMALL:
            return Response(b"".join(self.pieces()), media_type="application/json")
        headers = {"Content-Length": str(self.length)}
        return StreamingResponse(self.pieces(), media_type="application/json", headers=headers)
