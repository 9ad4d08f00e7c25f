"""Pictures by address, where the settings allow it: fetched so that no client can reach into the network behind Easel.

Every redirect is looked at in the same way as the first address (`foundation/connect.py`).
"""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from modules.foundation.connect import MOVED, NotPublicError, cut_off_after, open_connection, path_of
from modules.foundation.errors import Forbidden, RequestError, reason_of
from modules.settings.model import Settings

SECONDS = 20.0
"""For all of it, redirects included."""

AT_ONCE = 8
"""Pictures that are fetched at the same time: each holds one of the threads that serve clients."""

_UNDER_WAY = threading.BoundedSemaphore(AT_ONCE)
REDIRECTS = 3
BYTES = 64 * 1024 * 1024
CHUNK = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """Whether and how pictures are fetched; the values of the settings, under plain names."""

    allowed: bool = False
    only_public: bool = True
    agent: str = ""
    most_bytes: int = BYTES
    seconds: float = SECONDS

    @classmethod
    def from_settings(cls, settings: Settings, *, offline: bool = False) -> Fetching:
        """What the settings say; `offline` goes before them."""
        return cls(
            allowed=settings.api_enable_requests and not offline,
            only_public=settings.api_forbid_local_requests,
            agent=settings.api_useragent,
        )


def fetch_picture(address: str, field: str, fetching: Fetching) -> bytes:
    """The bytes behind an http(s) address, at most `fetching.most_bytes`.

    Raises Forbidden where fetching, or that machine, is not allowed, RequestError naming `field` for what fails.
    """
    if not fetching.allowed:
        raise Forbidden(
            f"{field} is an address. Easel fetches no pictures for clients unless the setting 'api_enable_requests' is "
            "on; send the picture itself in base64.",
            field,
        )
    if not _UNDER_WAY.acquire(blocking=False):
        raise RequestError(
            f"{field} is not fetched now: {AT_ONCE} pictures are being fetched already. Try again in a moment.", field
        )
    try:
        end = time.monotonic() + fetching.seconds
        for _ in range(REDIRECTS + 1):
            found = _ask(urlsplit(address), field, fetching, end)
            if isinstance(found, bytes):
                return found
            address = urljoin(address, found)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RequestError(f"{field} could not be fetched from {address}: {reason_of(error)}.", field) from error
    finally:
        _UNDER_WAY.release()
    raise RequestError(f"{field} could not be fetched: more than {REDIRECTS} redirects.", field)


def _ask(url: SplitResult, field: str, fetching: Fetching, end: float) -> bytes | str:
    """One request, over at `end`: the picture, or the address that it is said to have moved to."""
    left = max(end - time.monotonic(), 0.01)
    try:
        connection = open_connection(url, only_public=fetching.only_public, seconds=left)
    except NotPublicError as error:
        raise Forbidden(
            f"{field} leads to {error}, which is not on the public internet. The setting 'api_forbid_local_requests' "
            "forbids that.",
            field,
        ) from error
    with cut_off_after(connection, end - time.monotonic()) as over:
        try:
            return _answer(connection, url, field, fetching)
        except (OSError, http.client.HTTPException, ValueError):
            if over.is_set():
                raise RequestError(f"{field} took longer than {fetching.seconds:g} seconds to arrive.", field) from None
            raise


def _answer(connection: http.client.HTTPConnection, url: SplitResult, field: str, fetching: Fetching) -> bytes | str:
    try:
        headers = {"Host": url.netloc, "Accept": "image/*", "Accept-Encoding": "identity"}
        connection.request(
            "GET", path_of(url), headers={**headers, **({"User-Agent": fetching.agent} if fetching.agent else {})}
        )
        response = connection.getresponse()
        if response.status in MOVED:
            return response.headers.get("Location", "")
        if response.status != http.client.OK:
            raise RequestError(f"{field} could not be fetched: {url.hostname} answered {response.status}.", field)
        kind = response.headers.get_content_type()
        if not kind.startswith("image/") and kind != "application/octet-stream":
            raise RequestError(f"{field} is no picture: {url.hostname} answered with {kind}.", field)
        return _read(response, field, fetching)
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, field: str, fetching: Fetching) -> bytes:
    """The body, unless it is too large or breaks off."""
    data = bytearray()
    while block := response.read1(CHUNK):
        data += block
        if len(data) > fetching.most_bytes:
            raise RequestError(f"{field} is larger than {fetching.most_bytes / 2**20:g} MB.", field)
    if response.length:
        raise http.client.IncompleteRead(bytes(data[:64]), response.length)
    return bytes(data)
