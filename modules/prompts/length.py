"""How long a prompt may be, as it was typed and with everything put around it, and how much it may ask for."""

from __future__ import annotations

from modules.foundation.errors import RequestError

LONGEST_PROMPT = 100_000
"""Characters. Time and memory grow with them; the longest prompts of people have some thousands."""

MOST_PARTS = 256
"""Of a prompt, joined by AND. Each is computed like a picture of its own, at every step; people join a handful."""

MOST_SCHEDULED = 20_000_000
"""Characters of a prompt times the steps at which it changes. A prompt of 2,000 that changes at each of 1,000 steps has
a tenth of it."""


def check_length(characters: int, field: str = "prompt") -> None:
    """Raise RequestError, naming `field`, for a prompt of more than `LONGEST_PROMPT` characters."""
    if characters > LONGEST_PROMPT:
        raise RequestError(f"{field} would have {characters:,} characters; the most is {LONGEST_PROMPT:,}.", field)


def check_parts(parts: int, field: str = "prompt") -> None:
    """Raise RequestError, naming `field`, for a prompt of more than `MOST_PARTS` parts."""
    if parts > MOST_PARTS:
        raise RequestError(f"{field} has {parts:,} parts joined by AND; the most is {MOST_PARTS}.", field)


def check_changes(characters: int, changes: int) -> None:
    """Raise RequestError for a text of so many characters that says something else at so many steps."""
    if characters * changes > MOST_SCHEDULED:
        raise RequestError(
            f"The prompt has {characters:,} characters and changes at {changes:,} steps, which is too much to read "
            "at each of them. Make it shorter, let it change less often, or take fewer steps.",
            "prompt",
        )
