"""Which weights a merge leaves out: those whose names a pattern matches that the person who merges has written."""

from __future__ import annotations

import math
import re
import time
import warnings
from typing import Any

from modules.foundation.errors import RequestError

FIELD = "discard_weights"
MAX_LENGTH = 1000
"""Characters of a pattern."""

MAX_COUNT = 10_000
"""The product of all counts ("a{100}") in a pattern: the library writes them out when it compiles."""

TIME_LIMIT = 5.0
"""Seconds for all names of a model together; a pattern that is not meant to do harm takes milliseconds."""

_COUNTS = re.compile(r"\{(\d*),?(\d*)\}")


class Discard:
    """A pattern that is looked for in names, with a limit to the time it may take.

    Python's own patterns can take centuries for a short name and hold the interpreter meanwhile; those of the library
    `regex`, written alike, let other threads run and stop in time. Raises RequestError for what is no pattern.
    """

    def __init__(self, text: str) -> None:
        import regex

        self._text = text
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

    def matches(self, name: str) -> bool:
        """Whether the pattern is found in `name`. Raises RequestError when it has taken too long."""
        begin = time.monotonic()
        try:
            return self._pattern.search(name, timeout=max(self._left, 0.001)) is not None
        except (TimeoutError, RecursionError, MemoryError) as error:
            raise self._refused("takes too long to look for; repeat nothing that repeats itself") from error
        finally:
            self._left -= time.monotonic() - begin

    def _refused(self, reason: str) -> RequestError:
        shown = self._text if len(self._text) <= 100 else self._text[:100] + "..."
        return RequestError(f"{shown!r}, by which weights are left out, {reason}.", FIELD)
