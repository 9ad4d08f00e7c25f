"""Which addresses lie on the public internet, whatever they are dressed up as."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")

_IN_THE_LAST_BITS = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "::/96",  # IPv4-compatible (RFC 4291, 2.5.5.1)
            "::ffff:0:0/96",  # IPv4-mapped (RFC 4291, 2.5.5.2)
            "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
            "64:ff9b::/96",  # NAT64 (RFC 6052)
        ),
    )
)
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The third quarter of an address that holds an IPv4 one in its last (RFC 5214)."""


def is_public(host: str) -> bool:
    """Whether an address, as a resolver gives it, is one of the public internet.

    An IPv4 address within an IPv6 one has to be public itself; one with a zone ("%eth0") is of this machine's networks.
    The networks that translate by a prefix of their own (64:ff9b:1::/48, RFC 8215) are local by definition.
    """
    text, zone, _ = host.partition("%")
    if zone:
        return False
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    if not all(is_public(str(inner)) for inner in embedded(address)):
        return False
    return address in _TRANSLATED or (address in _GLOBAL_UNICAST and (address.is_global or _is_teredo(address)))


def embedded(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to or through."""
    bits = int(address)
    if any(address in network for network in _IN_THE_LAST_BITS) or (bits >> 32) & 0xFFFFFFFF in _ISATAP:
        yield ipaddress.IPv4Address(bits & 0xFFFFFFFF)
    if address.sixtofour is not None:  # RFC 3056
        yield address.sixtofour
    if address.teredo is not None:  # RFC 4380: the server and the client
        yield from address.teredo


def _is_teredo(address: ipaddress.IPv6Address) -> bool:
    return address.teredo is not None
