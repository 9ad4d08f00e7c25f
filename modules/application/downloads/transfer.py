"""One file over HTTP into a partial file that a later try, or a later start of the program, goes on with.

Beside the partial file lies a note of where it comes from and which version of the file it was (its ETag or date). A
further try asks for the rest of that very version (RFC 9110, Range and If-Range); a server that sends the whole file
instead, or another version, is taken at its word, and the file is begun again.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, urljoin, urlsplit

from modules.foundation.atomic import write_json
from modules.foundation.connect import MOVED, NotPublicError, open_connection, path_of
from modules.foundation.errors import DownloadError, Forbidden, reason_of
from modules.foundation.json_text import parse_json

BLOCK = 1024 * 1024
REDIRECTS = 5
SECONDS = 30.0
"""How long a server may be silent."""
TRIES = 5
"""Tries in a row that bring nothing new before it is given up."""
KEPT_FREE = 256 * 1024 * 1024
"""Bytes that a download leaves free on the disk."""

_BROKEN = (OSError, http.client.HTTPException)
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of trouble that passes."""


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """What is to be fetched. `sha256` is None where it is unknown; the download fails beyond `most_bytes`."""

    url: str
    sha256: str | None = None
    most_bytes: int = 64 * 10**9
    only_public: bool = True
    pause: float = 1.0
    """Seconds before the second try; they double with each further one."""


@dataclass(frozen=True, kw_only=True)
class RemoteVersion:
    """Where a partial file comes from, and which version of the file it is."""

    url: str
    etag: str = ""
    modified: str = ""
    size: int | None = None

    @property
    def condition(self) -> str:
        """What If-Range may say: a strong tag, else the date; empty when a version cannot be told from another."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def same_as(self, other: RemoteVersion) -> bool:
        """Whether both are the same version, as far as the server tells."""
        return (self.etag, self.modified, self.size) == (other.etag, other.modified, other.size)


class Transfer:
    """Fetches `wanted` into `partial`. `suggested_name` is what the server calls the file, once it has answered."""

    def __init__(self, wanted: TransferRequest, partial: Path, on_progress: Callable[[int, int | None], None]) -> None:
        self._wanted, self._partial, self._on_progress = wanted, partial, on_progress
        self._note = partial.with_name(partial.name + ".json")
        self._host = urlsplit(wanted.url).hostname or ""
        self._sha256 = wanted.sha256.lower() if wanted.sha256 else None
        self.suggested_name = ""

    def run(self) -> str:
        """Fetch all of it and return its SHA-256.

        `on_progress(done, total)` is called after each block; what it raises stops the transfer, and what has arrived
        stays for a later one. Raises DownloadError saying what happened, Forbidden for an address that may not be used.
        """
        self._partial.parent.mkdir(parents=True, exist_ok=True)
        failures, before = 0, self._size()
        while True:
            try:
                if self._once():
                    return self._checked()
                reason = "the connection was closed before the end"
            except ssl.SSLCertVerificationError as error:
                raise DownloadError(f"{self._host} cannot prove its name: {error.verify_message}.") from error
            except _BROKEN as error:
                reason = str(error) or type(error).__name__
            after = self._size()
            failures, before = (1 if after > before else failures + 1), after
            if failures >= TRIES:
                raise DownloadError(
                    f"The download from {self._host} broke off at {after:,} bytes: {reason}. What has arrived is kept; "
                    "ask for it again to go on."
                )
            self._wait(self._wanted.pause * 2 ** (failures - 1))

    def discard(self) -> None:
        """Remove what has arrived."""
        self._partial.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def keep_as(self, path: Path) -> None:
        """Give the finished file its name."""
        with self._partial.open("rb+") as file:
            os.fsync(file.fileno())
        self._partial.replace(path)
        self._note.unlink(missing_ok=True)

    def _once(self) -> bool:
        """One request, and what it brings; True when the file is whole."""
        known, have = self._known(), self._size()
        if known is None or not (known.condition or self._sha256):
            have = 0  # without a validator the rest may belong to another version
        if have and known is not None and known.size == have:
            return True
        headers = {"Range": f"bytes={have}-"} if have else {}
        if known is not None and have and known.condition:
            headers["If-Range"] = known.condition
        connection, response = self._open(headers)
        try:
            self._listen(response)
            version = _version(self._wanted.url, response)
            start = _start(response) if response.status == http.client.PARTIAL_CONTENT else 0
            if start and (start != have or known is None or not version.same_as(known)):
                # The rest of another version: of no use.
                self.discard()
                return False
            self._check_room(version, start)
            if not start:
                write_json(self._note, asdict(version))
            return self._receive(response, version, start)
        finally:
            connection.close()

    def _open(self, headers: Mapping[str, str]) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        address = self._wanted.url
        for _ in range(REDIRECTS + 1):
            url = urlsplit(address)
            connection = self._connect(url)
            try:
                connection.request("GET", path_of(url), headers=_request_headers(url, headers))
                response = connection.getresponse()
                if response.status not in MOVED:
                    self._check_answer(response)
                    return connection, response
                self._listen(response)
                following = urljoin(address, response.headers.get("Location", ""))
            except BaseException:
                connection.close()
                raise
            connection.close()
            if url.scheme == "https" and urlsplit(following).scheme != "https":
                raise DownloadError(f"{url.hostname} leads from https to an unprotected address; it is not followed.")
            address = following
        raise DownloadError(f"{self._host} leads on to more than {REDIRECTS} further addresses.")

    def _listen(self, response: http.client.HTTPResponse) -> None:
        """What a hub says of the file on the way to it: its name, and the SHA-256 of one in large-file storage."""
        linked = response.headers.get("X-Linked-Etag", "").strip('"').lower()
        if self._sha256 is None and re.fullmatch(r"[0-9a-f]{64}", linked):
            self._sha256 = linked
        self.suggested_name = response.headers.get_filename("") or self.suggested_name

    def _connect(self, url: SplitResult) -> http.client.HTTPConnection:
        try:
            return open_connection(url, only_public=self._wanted.only_public, seconds=SECONDS)
        except NotPublicError as error:
            raise Forbidden(
                f"The address leads to {error}, which is not on the public internet. Turn the setting "
                "'api_forbid_local_requests' off to fetch from your own network.",
                "url",
            ) from error
        except ValueError as error:
            raise DownloadError(f"{url.geturl()!r} cannot be fetched: {reason_of(error)}.") from error

    def _check_answer(self, response: http.client.HTTPResponse) -> None:
        status, kind = response.status, response.headers.get_content_type()
        if status == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            self.discard()
            raise http.client.HTTPException("the file has become shorter")
        if status in _LATER:
            raise http.client.HTTPException(f"{self._host} answered {status} {response.reason}")
        if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
            raise DownloadError(f"{self._host} does not give this file to everybody ({status}): it wants a login.")
        if status not in (http.client.OK, http.client.PARTIAL_CONTENT):
            raise DownloadError(f"{self._host} answered {status} {response.reason}. Check the address.")
        if kind == "text/html":
            raise DownloadError(f"{self._host} answered with a web page instead of a file. Check the address.")

    def _check_room(self, version: RemoteVersion, start: int) -> None:
        size = version.size
        if size is not None and size > self._wanted.most_bytes:
            raise DownloadError(f"The file has {size:,} bytes, and at most {self._wanted.most_bytes:,} are taken.")
        free = shutil.disk_usage(self._partial.parent).free
        if (size or 0) - start + KEPT_FREE > free:
            raise DownloadError(
                f"The file takes {(size or 0) / 1e9:.2f} GB, and {free / 1e9:.2f} GB are free in "
                f"{self._partial.parent}. Make room first."
            )

    def _receive(self, response: http.client.HTTPResponse, version: RemoteVersion, start: int) -> bool:
        done = start
        with self._opened(start) as file:
            self._on_progress(done, version.size)
            while block := response.read1(BLOCK):
                self._write(file, block)
                done += len(block)
                if done > self._wanted.most_bytes:
                    raise DownloadError(
                        f"The file has more than {self._wanted.most_bytes:,} bytes, which is the limit."
                    )
                self._on_progress(done, version.size)
        # A server that does not tell the size ends the file by ending the connection (or with its last chunk).
        return version.size is None or done == version.size

    def _opened(self, start: int) -> IO[bytes]:
        try:
            file = self._partial.open("rb+" if start else "wb")
            file.seek(start)
            file.truncate()
        except OSError as error:
            raise self._unwritable(error) from error
        return file

    def _write(self, file: IO[bytes], block: bytes) -> None:
        try:
            file.write(block)
            file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> DownloadError:
        return DownloadError(f"{self._partial} cannot be written: {error.strerror}. What has arrived is kept.")

    def _checked(self) -> str:
        digest = hashlib.sha256()
        with self._partial.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                self._on_progress(-1, None)
        found = digest.hexdigest()
        if self._sha256 is not None and found != self._sha256:
            self.discard()
            raise DownloadError(
                f"What {self._host} sent is not the file that was meant: its SHA-256 is {found}, not "
                f"{self._sha256}. It was thrown away; check the address and the hash."
            )
        return found

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._on_progress(-1, None)
            time.sleep(min(left, 0.2))

    def _size(self) -> int:
        return self._partial.stat().st_size if self._partial.exists() else 0

    def _known(self) -> RemoteVersion | None:
        """The version that the partial file is of, if it comes from this address."""
        try:
            version = RemoteVersion(**parse_json(self._note.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return version if version.url == self._wanted.url else None


def _request_headers(url: SplitResult, headers: Mapping[str, str]) -> dict[str, str]:
    return {"Host": url.netloc, "User-Agent": "Easel", "Accept": "*/*", "Accept-Encoding": "identity", **headers}


def _version(url: str, response: http.client.HTTPResponse) -> RemoteVersion:
    headers: Message = response.headers
    if response.status == http.client.PARTIAL_CONTENT:
        total = re.search(r"/(\d+)\s*$", headers.get("Content-Range", ""))
        size = int(total[1]) if total else None
    else:
        length = headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else None
    return RemoteVersion(url=url, etag=headers.get("ETag", ""), modified=headers.get("Last-Modified", ""), size=size)


def _start(response: http.client.HTTPResponse) -> int:
    begin = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(begin[1]) if begin else -1
