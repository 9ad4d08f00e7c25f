"""How values stand in the line of parameters: as they are, or as a JSON string where they would break the line."""

from __future__ import annotations

import json
from typing import Any

from modules.foundation.json_text import parse_json

_SEPARATORS = ",\n:"


def quote(value: object) -> Any:
    """`value` unchanged, or as JSON if its text contains a comma, a colon or a line break."""
    text = str(value)
    if not any(separator in text for separator in _SEPARATORS):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def in_line(value: object) -> Any:
    """`value` as it stands in the line of parameters: as `quote` has it, and quoted too where reading would change it.

    A text in quotes of its own would lose them, and one with blanks around it these; a single quote at the beginning
    would take in the field that follows.
    """
    if isinstance(value, str) and (value.startswith('"') or value != value.strip()):
        return json.dumps(value, ensure_ascii=False)
    return quote(value)


def unquote(text: str) -> str:
    """What `quote` was given, if `text` is a JSON string; otherwise `text` itself."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        return str(parse_json(text))
    except ValueError:
        return text
