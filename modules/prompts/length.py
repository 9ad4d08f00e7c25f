"""How long a prompt may be, as it was typed and with everything put around it."""

from __future__ import annotations

from modules.foundation.errors import RequestError

LONGEST_PROMPT = 100_000
"""Characters. Time and memory grow with them; the longest prompts of people have some thousands."""


def check_length(characters: int, field: str = "prompt") -> None:
    """Raise RequestError, naming `field`, for a prompt of more than `LONGEST_PROMPT` characters."""
    if characters > LONGEST_PROMPT:
        raise RequestError(f"{field} would have {characters:,} characters; the most is {LONGEST_PROMPT:,}.", field)
