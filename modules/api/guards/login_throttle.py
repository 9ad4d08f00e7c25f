"""Slows password guessing down: each further wrong password from an address waits longer; users are not locked out."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

FREE = 5
"""Different wrong passwords that an address may try without delay; people mistype."""

FIRST_DELAY, LONGEST_DELAY = 0.5, 10.0
"""Seconds between two further tries; they double with each wrong one up to the second."""

LONGEST_WAIT = 30.0
"""Seconds that a try may have to wait for its turn; one more is told to come back later."""

FORGOTTEN_AFTER = 15 * 60.0
"""Seconds without a wrong one after which an address begins again."""

MOST_ADDRESSES, MOST_REMEMBERED = 10_000, 256


@dataclass
class _Address:
    """What is known of one address. `wrong` are digests of what was tried: asking the same again is no guess."""

    wrong: OrderedDict[bytes, None] = field(default_factory=OrderedDict[bytes, None])
    failures: int = 0
    free_at: float = 0.0
    last: float = 0.0


class LoginThrottle:
    """Counts wrong passwords by address (IPv6: by network of 64 bits). Not thread-safe: the event loop asks.

    Credentials that were right once never wait again, so that guesses from behind the same proxy do not delay a
    user who is logged in; all others from that address wait their turn.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self._right: OrderedDict[bytes, None] = OrderedDict()

    def wait_for(self, address: str, credentials: str) -> float | None:
        """Seconds that this try has to wait before it is looked at; None when too many wait already."""
        known, digest = self._addresses.get(_network(address)), _digest(credentials)
        if known is None or digest in self._right or digest in known.wrong:
            return 0.0
        now = self._clock()
        if now - known.last > FORGOTTEN_AFTER:
            del self._addresses[_network(address)]
            return 0.0
        if known.failures < FREE:
            return 0.0
        turn = max(now, known.free_at)
        if turn - now > LONGEST_WAIT:
            return None
        known.free_at = turn + min(FIRST_DELAY * 2 ** min(known.failures - FREE, 10), LONGEST_DELAY)
        return known.free_at - now

    def right(self, credentials: str) -> None:
        """Remember credentials that were right."""
        _remember(self._right, _digest(credentials), MOST_REMEMBERED)

    def wrong(self, address: str, credentials: str) -> None:
        """Count wrong credentials from this address."""
        network, digest = _network(address), _digest(credentials)
        known = self._addresses.setdefault(network, _Address())
        self._addresses.move_to_end(network)
        known.last = self._clock()
        if digest not in known.wrong:
            known.failures += 1
            _remember(known.wrong, digest, MOST_REMEMBERED)
        while len(self._addresses) > MOST_ADDRESSES:
            self._addresses.popitem(last=False)


def _remember(kept: OrderedDict[bytes, None], digest: bytes, most: int) -> None:
    kept[digest] = None
    kept.move_to_end(digest)
    while len(kept) > most:
        kept.popitem(last=False)


def _digest(credentials: str) -> bytes:
    return hashlib.sha256(credentials.encode("utf-8", "surrogatepass")).digest()


def _network(address: str) -> str:
    """What one machine surely has: an IPv4 address, or the network of an IPv6 one, of which it has 2^64."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    inner = getattr(parsed, "ipv4_mapped", None)
    return str(inner or ipaddress.IPv6Network((parsed, 64), strict=False))
