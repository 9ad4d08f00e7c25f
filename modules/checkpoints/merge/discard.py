"""Which weights a merge leaves out: those whose names a pattern matches that the person who merges has written."""

from __future__ import annotations

from modules.foundation.user_pattern import UserPattern


class Discard(UserPattern):
    """The pattern of "discard_weights". Raises RequestError for what is no pattern."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "discard_weights", "by which weights are left out")
