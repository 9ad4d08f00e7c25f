"""Pictures that answers give as URLs: the newest ones, kept in memory for an hour."""

from __future__ import annotations

import collections
import secrets
import threading
import time
from dataclasses import dataclass

SECONDS = 3600.0
BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class KeptPicture:
    """A picture's file and when it was made."""

    data: bytes
    extension: str
    made: float


class KeptPictures:
    """Pictures by names that cannot be guessed. Thread-safe."""

    def __init__(self, seconds: float = SECONDS, most: int = BYTES) -> None:
        self._seconds, self._most = seconds, most
        self._lock = threading.Lock()
        self._pictures: collections.OrderedDict[str, KeptPicture] = collections.OrderedDict()
        self._size = 0

    def keep(self, data: bytes, extension: str) -> str:
        """Keep a picture and give its name; the oldest ones go where there is no room."""
        name = f"{secrets.token_urlsafe(18)}.{extension}"
        with self._lock:
            self._pictures[name] = KeptPicture(data=data, extension=extension, made=time.monotonic())
            self._size += len(data)
            self._forget()
        return name

    def find(self, name: str) -> KeptPicture | None:
        """The picture called `name`, if it is still here."""
        with self._lock:
            self._forget()
            return self._pictures.get(name)

    def _forget(self) -> None:
        eldest = time.monotonic() - self._seconds
        while self._pictures:
            first = next(iter(self._pictures.values()))
            # The newest stays, however large it is: its address is about to be told.
            if first.made >= eldest and (self._size <= self._most or len(self._pictures) == 1):
                return
            self._size -= len(self._pictures.popitem(last=False)[1].data)
