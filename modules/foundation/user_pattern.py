"""Regular expressions that people write: with a limit to how large they may be and how long they may search.

Python's own patterns can take centuries for a short text and hold the interpreter meanwhile; those of the library
`regex`, written alike, let other threads run and stop in time.
"""

from __future__ import annotations

import math
import re
import time
import warnings
from typing import Any

from modules.foundation.errors import RequestError

MAX_LENGTH = 1000
"""Characters of a pattern."""

MAX_COUNT = 10_000
"""The product of all counts ("a{100}") in a pattern: the library writes them out when it compiles."""

TIME_LIMIT = 5.0
"""Seconds for all texts together; a pattern that is not meant to do harm takes milliseconds."""

_COUNTS = re.compile(r"\{(\d*),?(\d*)\}")


class UserPattern:
    """A pattern that somebody has written, for as many texts as can be searched within `TIME_LIMIT`.

    `field` is where it was written, `use` what it is for ("by which weights are left out"). Raises RequestError for
    what is no pattern.
    """

    def __init__(self, text: str, field: str, use: str) -> None:
        import regex

        self._text, self._field, self._use = text, field, use
        if len(text) > MAX_LENGTH:
            raise self._refused(f"has {len(text)} characters; the most is {MAX_LENGTH}")
        counts = [max(int(count[:9] or 1) for count in found) for found in _COUNTS.findall(text)]
        if math.prod(max(count, 1) for count in counts) > MAX_COUNT:
            raise self._refused(f"repeats more than {MAX_COUNT} times")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                self._pattern: Any = regex.compile(text)
        except (regex.error, RecursionError, OverflowError, ValueError, LookupError, TypeError) as error:
            raise self._refused(f"is no regular expression ({error})") from error
        self._left = TIME_LIMIT

    def matches(self, text: str) -> bool:
        """Whether the pattern is found in `text`. Raises RequestError when it has taken too long."""
        return bool(self.found_in(text, most=1))

    def found_in(self, text: str, most: int | None = None) -> list[str]:
        """What the pattern finds in `text`, `most` of it. Raises RequestError when it has taken too long."""
        begin = time.monotonic()
        found: list[str] = []
        try:
            for match in self._pattern.finditer(text, timeout=max(self._left, 0.001)):
                found.append(match.group(0))
                if len(found) == most:
                    break
        except (TimeoutError, RecursionError, MemoryError) as error:
            raise self._refused("takes too long to look for; repeat nothing that repeats itself") from error
        finally:
            self._left -= time.monotonic() - begin
        return found

    def _refused(self, reason: str) -> RequestError:
        shown = self._text if len(self._text) <= 100 else self._text[:100] + "..."
        return RequestError(f"{shown!r}, {self._use}, {reason}.", self._field)
