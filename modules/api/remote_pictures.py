"""Pictures by address, where the settings allow it: fetched so that no client can reach into the network behind Easel.

A request that names an address makes this machine connect somewhere (server-side request forgery). So the name is
resolved once, every address it resolves to must be public, and the connection goes to that very address; each redirect
is looked at in the same way.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from modules.foundation.errors import Forbidden, RequestError
from modules.settings.model import Settings

SECONDS = 20.0
REDIRECTS = 3
BYTES = 64 * 1024 * 1024
CHUNK = 64 * 1024
MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """Whether and how pictures are fetched; the values of the settings, under plain names."""

    allowed: bool = False
    only_public: bool = True
    agent: str = ""
    most_bytes: int = BYTES

    @classmethod
    def from_settings(cls, settings: Settings) -> Fetching:
        """What the settings say."""
        return cls(
            allowed=settings.api_enable_requests,
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
    try:
        for _ in range(REDIRECTS + 1):
            found = _ask(urlsplit(address), field, fetching)
            if isinstance(found, bytes):
                return found
            address = urljoin(address, found)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RequestError(f"{field} could not be fetched from {address}: {error}.", field) from error
    raise RequestError(f"{field} could not be fetched: more than {REDIRECTS} redirects.", field)


def _ask(url: SplitResult, field: str, fetching: Fetching) -> bytes | str:
    """One request: the picture, or the address that it is said to have moved to."""
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.password:
        raise RequestError(f"{field} must be an http or https address without a user.", field)
    port = url.port or (443 if url.scheme == "https" else 80)
    host = _public_host(url.hostname, port, field, fetching)
    connection = _connection(url, host, port)
    try:
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        headers = {"Host": url.netloc, "Accept": "image/*", "Accept-Encoding": "identity"}
        connection.request(
            "GET", path, headers={**headers, **({"User-Agent": fetching.agent} if fetching.agent else {})}
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
    """The body, unless it is too large or drips in too slowly."""
    data, end = bytearray(), time.monotonic() + SECONDS
    while block := response.read1(CHUNK):
        data += block
        if len(data) > fetching.most_bytes:
            raise RequestError(f"{field} is larger than {fetching.most_bytes / 2**20:g} MB.", field)
        if time.monotonic() > end:
            raise RequestError(f"{field} took longer than {SECONDS:g} seconds to arrive.", field)
    return bytes(data)


def _public_host(name: str, port: int, field: str, fetching: Fetching) -> str:
    """The address to connect to. Raises Forbidden if the name leads into this machine's own networks."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    hosts = [str(entry[4][0]) for entry in found]
    if fetching.only_public and not all(_is_public(host) for host in hosts):
        raise Forbidden(
            f"{field} leads to {name}, which is not on the public internet. The setting 'api_forbid_local_requests' "
            "forbids that.",
            field,
        )
    return hosts[0]


def _is_public(host: str) -> bool:
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        # An IPv4 address in IPv6 clothes (mapped, 6to4, Teredo) is judged as what it leads to.
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is not None:
            return _is_public(str(inner))
        if address in ipaddress.ip_network("64:ff9b::/96"):
            return _is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
    return address.is_global and not address.is_multicast


def _connection(url: SplitResult, host: str, port: int) -> http.client.HTTPConnection:
    """A connection to `host`, an address, that speaks as if to the name in `url`."""
    if url.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=SECONDS)
    return _NamedHttps(host, port, str(url.hostname))


class _NamedHttps(http.client.HTTPSConnection):
    """https to an address whose certificate must be that of a name."""

    def __init__(self, host: str, port: int, name: str) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self._name = name

    def connect(self) -> None:
        """Connect and prove the name."""
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._name)
