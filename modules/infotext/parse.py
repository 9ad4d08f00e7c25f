"""Reading: the text back into prompt, negative prompt and fields, whichever version wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from modules.infotext.quoting import unquote

NEGATIVE = "Negative prompt:"

FEWEST_FIELDS = 3
"""A last line with fewer fields than this belongs to the prompt."""

PROMPTS = frozenset({"Hires prompt", "Hires negative prompt"})
"""Fields that hold a person's words, which may look like anything."""

_NAME = re.compile(r"[\w /-]+")
_BLANKS = re.compile(r"\s*")
_QUOTED = re.compile(r'"[^\\"]*+(?:\\.[^\\"]*+)*+"(?:,|$)')
_SIZE = re.compile(r"(\d+)x(\d+)")


@dataclass(frozen=True, kw_only=True)
class Infotext:
    """A picture's parameters. `fields` holds every field as text, in the order written, known or not."""

    prompt: str = ""
    negative_prompt: str = ""
    fields: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def parts(self) -> dict[str, str]:
        """The fields with each size "WxH" taken apart into "Name-1" and "Name-2"."""
        parts: dict[str, str] = {}
        for key, value in self.fields.items():
            size = None if key in PROMPTS else _SIZE.fullmatch(value)
            parts |= {f"{key}-1": size[1], f"{key}-2": size[2]} if size else {key: value}
        return parts


def parse(text: str) -> Infotext:
    """Take an infotext apart. Any text is one: without a line of fields it is all prompt.

    Prompts may have any number of lines; the negative one begins at the line that says so. Values in quotes are
    unquoted, fields without a value are dropped.
    """
    *lines, last = text.strip().split("\n")
    pairs = list(_fields(last))
    if len(pairs) < FEWEST_FIELDS:
        lines.append(last)
        pairs = []
    prompts: dict[bool, list[str]] = {False: [], True: []}
    negative = False
    for each in lines:
        line = each.strip()
        if line.startswith(NEGATIVE):
            negative = True
            line = line.removeprefix(NEGATIVE).strip()
        if line or prompts[negative]:
            prompts[negative].append(line)
    fields = {key: unquote(value) for key, value in pairs if value}
    return Infotext(prompt="\n".join(prompts[False]), negative_prompt="\n".join(prompts[True]), fields=fields)


def _fields(line: str) -> Iterator[tuple[str, str]]:
    """Names and values in a line of fields, values as they are written.

    A name is a run of letters, digits, blanks, "/" and "-" before a colon, of two characters at least, that begins
    with a letter or digit. A value reaches to the next comma; one in quotes that a comma or the end follows may hold
    commas. Whatever else there is between them is passed over.
    """
    position = 0
    while found := _NAME.search(line, position):
        position = found.end()
        name = found[0].lstrip(" /-")
        if len(name) < 2 or not line.startswith(":", position):
            continue
        begin = _blanks_end(line, position + 1)
        quoted = _QUOTED.match(line, begin)
        if quoted and quoted[0].rstrip(",") != '""':
            yield name, quoted[0].removesuffix(",")
            position = quoted.end()
            continue
        end = line.find(",", begin)
        yield name, line[begin:] if end < 0 else line[begin:end]
        position = len(line) if end < 0 else end + 1


def _blanks_end(line: str, position: int) -> int:
    blanks = _BLANKS.match(line, position)
    return position if blanks is None else blanks.end()
