"""Files of the page, served from memory: a page is some two hundred of them, and each costs the server a moment.

They are read and packed when they are first asked for, and again when they have changed.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.routing import get_route_path
from starlette.types import Receive, Scope, Send

ASKED_EACH_TIME = "no-cache"
"""A browser keeps such a file and asks each time whether it is still the same."""

KEPT = "public, max-age=31536000, immutable"
"""A browser keeps such a file and never asks again: another content has another address."""

PACKED_FROM = 512
"""Bytes from which on packing is worth it."""

_TEXT = ("text/", "application/json", "image/svg")
FileState = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StaticFile:
    """A file in memory: `packed` is its content by gzip, None where that is no gain."""

    stamp: FileState
    media_type: str
    tag: str
    content: bytes
    packed: bytes | None

    @classmethod
    def of(cls, name: str, content: bytes, stamp: FileState = ()) -> StaticFile:
        """With what its name tells."""
        kind = (
            "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0] or "application/octet-stream"
        )
        packed = None
        if kind.startswith(_TEXT) and len(content) >= PACKED_FROM:
            packed = gzip.compress(content, 6, mtime=0)
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return cls(stamp=stamp, media_type=kind, tag=tag, content=content, packed=packed)


class StaticFolder:
    """ASGI application: the files of a folder and below.

    `instead` are contents that are served in place of a file, by name; a browser asks about those each time, and about
    all others as `cache` says. `joined` are files that are several in one. With `versioned` the first part of the path
    is a version, which is passed over.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cache: str = ASKED_EACH_TIME,
        instead: Mapping[str, bytes] | None = None,
        joined: Mapping[str, Sequence[str]] | None = None,
        versioned: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self._cache, self._versioned, self._joined = cache, versioned, joined or {}
        self._instead = {name: StaticFile.of(name, content) for name, content in (instead or {}).items()}
        self._files: dict[str, StaticFile] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file, with 304 where the browser has it, with 404 where there is none."""
        name = get_route_path(scope).lstrip("/")
        if self._versioned:
            name = name.partition("/")[2]
        await self._answer(scope, name)(scope, receive, send)

    def _answer(self, scope: Scope, name: str) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Method Not Allowed", status_code=405)
        file = self._instead.get(name) or (self._join(name) if name in self._joined else self._read(name))
        if file is None:
            return PlainTextResponse("Not Found", status_code=404)
        request = Headers(scope=scope)
        cache = ASKED_EACH_TIME if name in self._instead else self._cache
        headers = {"etag": file.tag, "cache-control": cache, "vary": "Accept-Encoding"}
        if file.tag in request.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if file.packed is not None and "gzip" in request.get("accept-encoding", ""):
            return Response(file.packed, media_type=file.media_type, headers={**headers, "content-encoding": "gzip"})
        return Response(file.content, media_type=file.media_type, headers=headers)

    def _join(self, name: str) -> StaticFile:
        parts = [part for each in self._joined[name] if (part := self._read(each)) is not None]
        stamp = tuple(number for part in parts for number in part.stamp)
        known = self._files.get(name)
        if known is None or known.stamp != stamp:
            known = self._files[name] = StaticFile.of(name, b"\n".join(part.content for part in parts), stamp)
        return known

    def _read(self, name: str) -> StaticFile | None:
        try:
            path = (self.folder / name).resolve()
            if not path.is_relative_to(self.folder) or not path.is_file():
                return None
            stamp = _stamp(path)
            known = self._files.get(name)
            if known is None or known.stamp != stamp:
                known = self._files[name] = StaticFile.of(name, path.read_bytes(), stamp)
            return known
        except (OSError, ValueError):  # a name that no file can have
            return None


def version_of(folder: Path) -> str:
    """Digits that are others as soon as any file in a folder or below is another."""
    digest = hashlib.sha256()
    for place, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            digest.update(f"{place}/{name}{_stamp(Path(place, name))}".encode())
    return digest.hexdigest()[:16]


def _stamp(path: Path) -> FileState:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
