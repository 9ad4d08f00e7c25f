"""Styles: named pieces of prompt, kept in styles.csv, put around a prompt and found again in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from modules.prompts.length import check_length
from modules.prompts.styles_table import COLUMNS, Style, StylesTable

__all__ = [
    "PLACE",
    "Style",
    "apply_styles",
    "extract_styles",
    "merge_style",
    "pick_styles",
    "read_styles",
    "write_styles",
]

PLACE = "{prompt}"
"""Where a style takes up the prompt. A style without it is appended after a comma."""

_SPACES = re.compile(" {2,}")


def read_styles(csv_text: str) -> list[Style]:
    """The styles of a styles.csv in order. Rows whose name begins with `#` or is missing are comments.

    A file without a `prompt` column may call it `text`, as the first versions of A1111 did; spreadsheets in many
    countries separate columns by semicolons or tabs. Raises SettingsError for text that is no CSV or names no styles.
    """
    return StylesTable.read(csv_text).styles()


def write_styles(styles: Iterable[Style]) -> str:
    """The text of a styles.csv with these styles."""
    rows = tuple((style.name, style.prompt, style.negative_prompt) for style in styles)
    return StylesTable(heading=COLUMNS, rows=rows).text()


def merge_style(style_text: str, prompt: str, field: str = "prompt") -> str:
    """One template filled with one prompt. Raises RequestError, naming `field`, for a result that is too long."""
    if places := style_text.count(PLACE):
        # Templates that take the prompt twice double it each: the length is known before the text is made.
        check_length(len(style_text) + places * (len(prompt) - len(PLACE)), field)
        return style_text.replace(PLACE, prompt)
    check_length(len(prompt) + len(style_text), field)
    return ", ".join(part for part in (prompt.strip(), style_text.strip()) if part)


def apply_styles(prompt: str, negative_prompt: str, styles: Iterable[Style]) -> tuple[str, str]:
    """Both prompts with the styles put around them, one after another. Raises RequestError for too long ones."""
    for style in styles:
        prompt = merge_style(style.prompt, prompt)
        negative_prompt = merge_style(style.negative_prompt, negative_prompt, "negative_prompt")
    return prompt, negative_prompt


def pick_styles(names: Iterable[str], styles: Sequence[Style]) -> tuple[list[Style], list[str]]:
    """The styles of these names in this order, and the names that match none ("None" and "" ask for nothing)."""
    by_name = {style.name: style for style in styles}
    names = [name for name in names if name not in ("", "None")]
    return [by_name[name] for name in names if name in by_name], [name for name in names if name not in by_name]


def extract_styles(prompt: str, negative_prompt: str, styles: Sequence[Style]) -> tuple[list[str], str, str]:
    """The names of the styles these prompts were made with, in the order applied, and the prompts without them.

    A style counts only if both of its halves are found. Each is taken off once, the outermost first.
    """
    left = [(style, _tidy(style.prompt), _tidy(style.negative_prompt)) for style in styles]
    left = [each for each in left if each[0].prompt or each[0].negative_prompt]
    found: list[str] = []
    while True:
        tidy, negative_tidy = _tidy(prompt), _tidy(negative_prompt)
        for each in left:
            rest, negative_rest = _without(each[1], tidy), _without(each[2], negative_tidy)
            if rest is not None and negative_rest is not None:
                break
        else:
            return found, prompt, negative_prompt
        prompt, negative_prompt = rest, negative_rest
        found.insert(0, each[0].name)
        left.remove(each)


def _tidy(text: str) -> str:
    return _SPACES.sub(" ", text.strip())


def _without(style_text: str, prompt: str) -> str | None:
    """What `style_text` was put around to give `prompt`, both tidy; None if it was not."""
    before, place, after = style_text.partition(PLACE)
    if place:
        fits = len(before) + len(after) <= len(prompt) and prompt.startswith(before) and prompt.endswith(after)
        return prompt[len(before) : len(prompt) - len(after)] if fits else None
    return prompt.removesuffix(style_text).removesuffix(", ") if prompt.endswith(style_text) else None
