"""Connections to other machines that lead where they say: the address is looked at before it is connected to.

A client that may name an address makes this machine connect to it (server-side request forgery). So a name is resolved
once, every address it resolves to must be public where that is asked for, and the connection goes to that very one.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Generator
from urllib.parse import SplitResult

from modules.foundation.addresses import is_public

MOVED = frozenset({301, 302, 303, 307, 308})
"""Statuses that name another address."""


HOST = re.compile(r"[^\s\x00-\x20\x7f]{1,253}")
"""What may be the name of a machine; whether it is one is the resolver's to say."""


class NotPublicError(Exception):
    """A name leads into this machine's own networks."""


def open_connection(url: SplitResult, *, only_public: bool, seconds: float) -> http.client.HTTPConnection:
    """A connection for requests to `url` (http or https), each of whose answers may take `seconds`.

    Raises NotPublicError, ValueError for what is no such address, OSError when the name is not known.
    """
    if (
        url.scheme not in ("http", "https")
        or not url.hostname
        or not HOST.fullmatch(url.hostname)
        or url.username
        or url.password
    ):
        raise ValueError("it must be an http or https address without a user")
    port = url.port or (443 if url.scheme == "https" else 80)
    host = _host(url.hostname, port, only_public=only_public)
    if url.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=seconds)
    return _NamedHttps(host, port, url.hostname, seconds)


@contextlib.contextmanager
def cut_off_after(connection: http.client.HTTPConnection, seconds: float) -> Generator[threading.Event]:
    """Break `connection` when `seconds` are over, however slowly something still comes. Gives what tells that it was.

    A timeout of a socket is that of one read, and starts again with each byte.
    """
    over = threading.Event()

    def cut() -> None:
        over.set()
        if (plain := connection.sock) is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(plain, socket.SHUT_RDWR)  # below TLS, which would want to say goodbye

    timer = threading.Timer(max(seconds, 0.0), cut)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()


def path_of(url: SplitResult) -> str:
    """What a request asks the machine for."""
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def _host(name: str, port: int, *, only_public: bool) -> str:
    """The address to connect to."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    hosts = [str(entry[4][0]) for entry in found]
    if only_public and not all(is_public(host) for host in hosts):
        raise NotPublicError(name)
    return hosts[0]


class _NamedHttps(http.client.HTTPSConnection):
    """https to an address whose certificate must be that of a name."""

    def __init__(self, host: str, port: int, name: str, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self._name = name

    def connect(self) -> None:
        """Connect and prove the name."""
        plain = self.sock = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._name)
