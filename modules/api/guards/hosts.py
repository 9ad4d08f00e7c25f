"""Under which names this Easel may be asked for: a page that has its own name lead here would else be one of ours.

DNS rebinding: a page of evil.example is loaded, then evil.example resolves to 127.0.0.1, and the browser takes what it
finds there for the same origin. Only the Host header still tells. An address instead of a name cannot be bent so.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import json
import logging
import re
import socket

from starlette.types import ASGIApp, Receive, Scope, Send

from modules.api.json_answer import send_json
from modules.foundation.errors import StartupError
from modules.settings.flags import Flags

log = logging.getLogger(__name__)

LOCAL_SUFFIXES = ("local", "lan", "home", "home.arpa", "internal", "localdomain", "fritz.box")
"""What routers and mDNS put behind the name of a machine; none of them exists on the public internet."""

MOST_LOGGED = 100
"""Different refused names that are logged, so that they cannot fill the log."""

_AUTHORITY = re.compile(
    r"(?:\[(?P<six>[0-9a-f:.]+)(?:%[0-9a-z._~%-]+)?\]|(?P<name>[a-z0-9._-]{1,255}))(?::(?P<port>\d{1,5})?)?"
)


def split_authority(authority: str) -> tuple[str, int | None] | None:
    """Name (lower case, without the root's dot) or address in its usual form, and port, of a Host header.

    None for what is no such header (RFC 9110, 7.2).

    >>> split_authority("LocalHost.:7860"), split_authority("[0:0::1]"), split_authority("a@b")
    (('localhost', 7860), ('::1', None), None)
    """
    found = _AUTHORITY.fullmatch(authority.strip().lower())
    if found is None:
        return None
    port = int(found["port"]) if found["port"] else None
    if found["six"] is not None:
        address = address_in(found["six"])
        return None if address is None else (str(address), port)
    return found["name"].removesuffix("."), port


def address_in(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that `text` is; an IPv4 one in IPv6 notation is that IPv4 one. None for a name."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class OwnNames:
    """The names and addresses under which this Easel is known: by its flags, by the machine, by being this machine."""

    def __init__(self, flags: Flags) -> None:
        self._any_name = False
        self._declared, self._below = self._read(flags.allowed_hosts)
        served = flags.host.lower().strip("[]").removesuffix(".")
        address = address_in(served)
        self._served = str(address) if address is not None else served
        # What listens on every address may be reached under one that it does not know: through a router, a container.
        self._any_address = address is not None and address.is_unspecified

    def _read(self, flag: str | None) -> tuple[frozenset[str], tuple[str, ...]]:
        """Names, and ends of names, that --allowed-hosts lists; addresses of whole pages are understood too."""
        names: set[str] = set()
        below: list[str] = []
        for entry in (each.strip() for each in (flag or "").split(",")):
            if not entry:
                continue
            if entry == "*":
                self._any_name = True
                continue
            bare = re.sub(r"^https?://", "", entry.lower()).partition("/")[0]
            part = split_authority(re.sub(r"^\*?\.", "", bare))
            if part is None:
                raise StartupError(
                    f"--allowed-hosts: {entry!r} is no name of a machine. Give names such as easel.example.com, "
                    "separated by commas; *.example.com means every name below it.",
                    exit_code=2,
                )
            if bare.startswith((".", "*.")):
                below.append("." + part[0])
            else:
                names.add(part[0])
        return frozenset(names), tuple(below)

    def declares(self, name: str) -> bool:
        """Whether --allowed-hosts lists exactly this name. A pattern does not count: it covers names of others."""
        return name in self._declared

    async def own(self, name: str) -> bool:
        """Whether it is a name or address of ours."""
        if self._known(name):
            return True
        # The full name is asked of the resolver, which may take a while, and only where it could be this one.
        return name.startswith(self._machine[0] + ".") and name == await asyncio.to_thread(_full_name)

    def _known(self, name: str) -> bool:
        if self._any_name or name in self._declared or name == self._served:
            return True
        if (address := address_in(name)) is not None:
            return address.is_loopback or self._any_address
        # A name without a dot is given by the local network, a hosts file or a set of containers: no name server of a
        # stranger can answer for it.
        return "." not in name or name in self._machine or name.endswith((*self._below, ".localhost"))

    @functools.cached_property
    def _machine(self) -> tuple[str, ...]:
        """The names that the machine gives itself, the short one first."""
        name = socket.gethostname().lower().removesuffix(".")
        short = name.partition(".")[0]
        return (short, name, *(f"{short}.{suffix}" for suffix in LOCAL_SUFFIXES))


@functools.cache
def _full_name() -> str:
    return socket.getfqdn().lower().removesuffix(".")


class CheckHost:
    """Refuses requests for a machine of another name: 400 where the header makes no sense, else 403, naming the flag.

    What a proxy says that it was asked for (X-Forwarded-Host) has to be ours as well, and never makes another name so.
    """

    def __init__(self, app: ASGIApp, names: OwnNames) -> None:
        self.app = app
        self.names = names
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) > 1 or (not hosts and scope.get("http_version", "1.1") not in ("1.0", "0.9")):
            await self._refuse(scope, send, 400, "A request names one machine in its Host header (RFC 9112).")
            return
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-host"]
        for authority in (*hosts, *(each for value in forwarded for each in value.split(","))):
            part = split_authority(authority)
            if part is None:
                await self._refuse(scope, send, 400, "The Host header of the request is not the name of a machine.")
                return
            if not await self.names.own(part[0]):
                self._log(part[0])
                await self._refuse(scope, send, 403, _why(part[0]))
                return
        await self.app(scope, receive, send)

    def _log(self, name: str) -> None:
        if name not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(name)
            log.warning("Refused a request for %s. If that is this Easel, start it with --allowed-hosts=%s", name, name)

    async def _refuse(self, scope: Scope, send: Send, status: int, detail: str) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": detail[:120]})
            return
        error = {"error": "UnknownHost", "detail": detail, "body": "", "errors": ""}
        await send_json(send, status, json.dumps(error).encode())


def _why(name: str) -> str:
    return (
        f"This Easel is not known as {name}. If you reach it through a tunnel or a proxy of that name, start it with "
        f"--allowed-hosts={name}"
    )
