r"""Reading a template: `__name__`, `{2$$ and $$a|0.5::b}`, `${x=value}`, as sd-dynamic-prompts' documents spell them.

The text is read once from left to right with a stack of what is open. What is closed nowhere is text, and so is a pair
of curly brackets in which there is nothing to choose: `{masterpiece}`, `{prompt}`. A backslash makes the next character
plain and stays, for the reader of emphasis takes it away.

    variant  = "{" [ sampler ] [ count "$$" [ separator "$$" ] ] option { "|" option } "}"
    option   = [ weight "::" ] template
    count    = number | [ number ] "-" [ number ]
    wildcard = "__" [ sampler ] name [ "(" variable "=" template { "," variable "=" template } ")" ] "__"
    variable = "${" name "}" | "${" name ":" template "}" | "${" name "=" [ "!" ] template "}"
    sampler  = "~" | "@" | "!"
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

ChoiceMode = Literal["random", "cyclical", "combinatorial"]
"""How a choice is made: by chance, one after another, or every one in turn with every other choice."""

SIGNS: dict[str, ChoiceMode] = {"~": "random", "@": "cyclical", "!": "combinatorial"}

SEPARATOR = ","
"""Between several values of one variant, where it names no other."""

MAX_OPEN = 40
"""Brackets inside each other that count; further ones are text."""


@dataclass(frozen=True, eq=False)
class Option:
    """One of the options of a variant, and how often it comes beside the others."""

    parts: tuple[Part, ...]
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class VariantGroup:
    """From `least` to `most` of `options` (None: all of them), in any order. `raw` is how it was typed."""

    raw: str
    options: tuple[Option, ...]
    least: int = 1
    most: int | None = 1
    separator: str = SEPARATOR
    sampler: ChoiceMode | None = None


@dataclass(frozen=True, eq=False)
class WildcardUse:
    """A value out of a file; `variables` hold within it."""

    raw: str
    name: str
    sampler: ChoiceMode | None = None
    variables: tuple[tuple[str, tuple[Part, ...]], ...] = ()


@dataclass(frozen=True, eq=False)
class Assignment:
    """A variable is given a value: a template that is chosen from at each use, or at once."""

    name: str
    parts: tuple[Part, ...]
    at_once: bool = False


@dataclass(frozen=True, eq=False)
class VariableUse:
    """The value of a variable, or `default` where it has none."""

    raw: str
    name: str
    default: tuple[Part, ...] | None = None


Part = str | VariantGroup | WildcardUse | Assignment | VariableUse

_SIGN = re.compile(r"\\.|\$\{|__|[{}|,)]", re.DOTALL)
_VARIABLE = re.compile(r"\$\{\s*+([\w-]{1,64}+)\s*+(=\s*+!?|[:}])")
_WILDCARD = re.compile(r"__([~@!]?+)((?:[^\s_{}|()$=:,\"<>\[\]#]|_(?!_)|[ ](?=[\w*-])){1,200}+)(__|\()")
_HEADER = re.compile(
    r"\{(?:\s*+(?P<sampler>[~@!]))?+(?:\s*+(?P<count>[0-9]{1,6}+(?:-[0-9]{0,6}+)?+|-[0-9]{1,6}+)\$\$)?+"
)
_SEPARATOR = re.compile(r"([^${}]{0,100}+)\$\$")
_WEIGHT = re.compile(r"\s*+([0-9]{1,9}+(?:\.[0-9]{0,9}+)?+|\.[0-9]{1,9}+)\s*+::")
_NAME = re.compile(r"\s*+([\w-]{1,64}+)\s*+=")


def may_choose(text: str) -> bool:
    """Whether there can be anything to expand in `text`; asked before anything is read."""
    return "{" in text or "__" in text


def parse_template(text: str, *, variants: bool = True) -> tuple[Part, ...]:
    """The parts of a template, in order; nothing but text where there is nothing to choose. No text is an error.

    Without `variants`, curly brackets are text, while wildcards and variables count.
    """
    return _Reader(text, variants).read() if may_choose(text) else (text,)


class _Mark:
    """A "|" or "," whose role is decided by what closes around it."""

    def __init__(self, sign: str) -> None:
        self.sign = sign


_BAR, _COMMA = _Mark("|"), _Mark(",")
_Item = Part | _Mark


@dataclass(eq=False)
class _Open:
    """Something that was opened: its first characters, where they stand, and what came since."""

    kind: Literal["text", "variant", "assign", "default", "call"]
    start: int = 0
    opening: str = ""
    match: re.Match[str] | None = None
    separator: str = SEPARATOR
    items: list[_Item] = field(default_factory=list[_Item])


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, variants: bool) -> None:
        self._text, self._variants = text, variants
        self._at = 0
        self._stack = [_Open("text")]

    def read(self) -> tuple[Part, ...]:
        text = self._text
        while (sign := _SIGN.search(text, self._at)) is not None:
            self._add(text[self._at : sign.start()])
            self._at = sign.end()
            self._take(sign[0], sign.start())
        self._add(text[self._at :])
        while len(self._stack) > 1:
            self._give_up()
        return _joined(self._stack[0].items)

    def _add(self, item: _Item) -> None:
        if item != "":
            self._stack[-1].items.append(item)

    def _take(self, sign: str, start: int) -> None:
        top = self._stack[-1]
        if sign == "{" and self._variants:
            self._open_variant(start)
        elif sign == "${":
            self._open_variable(start)
        elif sign == "__":
            self._open_wildcard(start)
        elif sign == "}":
            self._close_bracket(start)
        elif sign == "|":
            self._add(_BAR if len(self._stack) > 1 else sign)
        elif sign == "," and top.kind == "call":
            self._add(_COMMA)
        elif sign == ")" and top.kind == "call" and self._text.startswith("__", self._at):
            self._close_call()
        else:
            self._add(sign)

    def _push(self, opened: _Open) -> None:
        if len(self._stack) > MAX_OPEN:
            self._add(opened.opening)
        else:
            self._stack.append(opened)
        self._at = opened.start + len(opened.opening)

    def _open_variant(self, start: int) -> None:
        header = _HEADER.match(self._text, start)
        assert header is not None  # it begins with a bracket, which is all that it needs
        end, separator = header.end(), SEPARATOR
        if header["count"] and (found := _SEPARATOR.match(self._text, end)) is not None:
            end, separator = found.end(), found[1]
        self._push(_Open("variant", start, self._text[start:end], header, separator))

    def _open_variable(self, start: int) -> None:
        match = _VARIABLE.match(self._text, start)
        if match is None:
            self._add("$")
            self._at = start + 1
            return
        if match[2] == "}":
            self._add(VariableUse(match[0], match[1]))
            self._at = match.end()
            return
        self._push(_Open("default" if match[2] == ":" else "assign", start, match[0], match))

    def _open_wildcard(self, start: int) -> None:
        match = _WILDCARD.match(self._text, start)
        if match is None or match[2].endswith(" "):
            self._add("__")
        elif match[3] == "(":
            self._push(_Open("call", start, match[0], match))
        else:
            self._add(WildcardUse(match[0], match[2], SIGNS.get(match[1])))
            self._at = match.end()

    def _give_up(self) -> None:
        """What is open at the top is text, while what was found in it counts."""
        opened = self._stack.pop()
        items = self._stack[-1].items
        items.append(opened.opening)
        keep_bars = len(self._stack) > 1
        items += [each if keep_bars or not isinstance(each, _Mark) else each.sign for each in opened.items]

    def _close_bracket(self, start: int) -> None:
        while self._stack[-1].kind == "call":
            self._give_up()
        opened = self._stack[-1]
        if opened.kind == "text":
            self._add("}")
            return
        self._stack.pop()
        raw = self._text[opened.start : start + 1]
        if opened.kind == "variant":
            self._stack[-1].items += _variant(opened, raw)
            return
        match = opened.match
        assert match is not None
        parts = _joined(opened.items)
        if opened.kind == "default":
            self._add(VariableUse(raw, match[1], parts))
        else:
            self._add(Assignment(match[1], _trimmed(parts), at_once=match[2].endswith("!")))

    def _close_call(self) -> None:
        opened = self._stack[-1]
        assert opened.match is not None
        variables: list[tuple[str, tuple[Part, ...]]] = []
        for piece in _split(opened.items, _COMMA):
            first = piece[0] if piece else ""
            name = _NAME.match(first) if isinstance(first, str) else None
            if name is None or not isinstance(first, str):
                self._add(")")
                return
            rest = first[name.end() :]
            variables.append((name[1], _trimmed(tuple(([rest] if rest else []) + list(piece[1:])))))
        self._stack.pop()
        self._at += 2
        raw = self._text[opened.start : self._at]
        self._add(WildcardUse(raw, opened.match[2], SIGNS.get(opened.match[1]), tuple(variables)))


def _variant(opened: _Open, raw: str) -> list[_Item]:
    """What a closed pair of curly brackets is: a variant, or text where nothing is to be chosen."""
    header = opened.match
    assert header is not None
    options = [_option(parts, tidy="\n" in raw) for parts in _split(opened.items, _BAR)]
    plain = len(options) == 1 and options[0].weight == 1.0 and not header["count"]
    if plain and all(isinstance(part, str) for part in options[0].parts):
        return [raw]
    least, most = _bounds(header["count"])
    return [VariantGroup(raw, tuple(options), least, most, opened.separator, SIGNS.get(header["sampler"]))]


def _bounds(count: str | None) -> tuple[int, int | None]:
    """How many values "2", "1-2", "-2", "1-" ask for; without a count it is one."""
    if not count:
        return 1, 1
    first, dash, last = count.partition("-")
    if not dash:
        return int(first), int(first)
    least = int(first or 1)
    return (least, None) if not last else (min(least, int(last)), max(least, int(last)))


def _option(parts: tuple[Part, ...], *, tidy: bool) -> Option:
    weight = 1.0
    if parts and isinstance(parts[0], str) and (found := _WEIGHT.match(parts[0])) is not None:
        weight, rest = float(found[1]), parts[0][found.end() :]
        parts = ((rest,) if rest else ()) + parts[1:]
    # Who writes options on lines of their own does not mean the line breaks.
    return Option(_trimmed(parts) if tidy else parts, weight)


def _trimmed(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Without white space at both ends."""
    trimmed = list(parts)
    if trimmed and isinstance(trimmed[0], str):
        trimmed[0] = trimmed[0].lstrip()
    if trimmed and isinstance(trimmed[-1], str):
        trimmed[-1] = trimmed[-1].rstrip()
    return tuple(part for part in trimmed if part != "")


def _split(items: Sequence[_Item], mark: _Mark) -> list[tuple[Part, ...]]:
    """The parts between marks of one kind; those of other kinds are text."""
    pieces: list[list[_Item]] = [[]]
    for item in items:
        if item is mark:
            pieces.append([])
        else:
            pieces[-1].append(item)
    return [_joined(piece) for piece in pieces]


def _joined(items: Sequence[_Item]) -> tuple[Part, ...]:
    """The items with neighbouring texts made one."""
    parts: list[Part] = []
    texts: list[str] = []
    for item in items:
        if isinstance(item, str | _Mark):
            texts.append(item if isinstance(item, str) else item.sign)
            continue
        if texts:
            parts.append("".join(texts))
            texts = []
        parts.append(item)
    if texts:
        parts.append("".join(texts))
    return tuple(parts)
