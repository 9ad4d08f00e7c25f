"""Whether tests take their time: EASEL_THOROUGH=1 has them try as much as they can instead of what a commit needs."""

import os

THOROUGH = os.environ.get("EASEL_THOROUGH", "") not in ("", "0")


def examples(number: int) -> int:
    """How many examples hypothesis tries where one is slow: `number`, or four times as many."""
    return number * 4 if THOROUGH else number
