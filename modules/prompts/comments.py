"""Comments in prompts: everything from a `#` to the end of its line."""

from __future__ import annotations

import re

_WHOLE_LINE = re.compile(r"(?:\A|\n)#[^\n]*(?:\n|\Z)")
_REST_OF_LINE = re.compile(r"#[^\n]*(?:\n|\Z)")


def strip_comments(text: str) -> str:
    """`text` with each comment, together with the line breaks it touches, replaced by one line break."""
    return _REST_OF_LINE.sub("\n", _WHOLE_LINE.sub("\n", text))
