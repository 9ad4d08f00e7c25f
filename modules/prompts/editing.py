r"""Prompt editing: `[from:to:when]`, `[to:when]`, `[from::when]` and the alternation `[a|b|c]`, nested at will.

The text is read in one pass with a stack of open brackets. A bracket pair becomes a group only when everything in it
is well formed; otherwise its brackets, colons included, are ordinary characters, while groups inside it still count.

    prompt     = { text | emphasis | schedule | alternation }
    emphasis   = "(" prompt ")" | "(" prompt ":" prompt ")" | "[" prompt "]"
    schedule   = "[" [ prompt ":" ] prompt ":" number "]"
    alternation = "[" prompt "|" prompt { "|" prompt } "]"

A `|` outside an alternation, or a backslash with nothing to escape, has no reading at all: such a text is taken
literally as a whole, brackets and all, exactly as A1111 takes it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NamedTuple

from modules.prompts.length import check_changes


class ScheduledText(NamedTuple):
    """`text` holds up to and including step `until_step`, counted from 1."""

    until_step: int
    text: str


def parse_schedule(
    text: str, steps: int, *, hires_steps: int | None = None, old_scheduling: bool = False
) -> list[ScheduledText]:
    """What `text` says at each of `steps` sampling steps. The last entry always reaches the last step.

    A *when* with a decimal point is a share of the steps, one without is a step. With `hires_steps` the answer is for
    the second pass: shares count on from 1 (1.5 is half way through it), steps count on from `steps`.
    `old_scheduling` is the rule before A1111 1.6: any number below 1 is a share, both passes are counted alike. Raises
    RequestError for a long text that changes at so many steps that nothing could hold what it says.
    """
    if hires_steps is None or old_scheduling:
        clock = _Clock(max(1, steps), 0, 0.0, old_scheduling)
    else:
        clock = _Clock(max(1, hires_steps), steps, 1.0, old_scheduling)
    reader = _Reader(clock)
    root = reader.read(text)
    if root is None:
        return [ScheduledText(clock.steps, text)]
    check_changes(len(text), len(reader.changes))
    return [ScheduledText(until, _said_at(until, root)) for until in sorted(reader.changes)]


@dataclass(frozen=True)
class _Clock:
    """Turns a *when* into a step. `first_step` and `first_share` are where this pass begins."""

    steps: int
    first_step: int
    first_share: float
    old: bool

    def step(self, when: str) -> int | None:
        """The last step before the change, at most `steps` and possibly below 1; None for a number without an end."""
        value = float(when)
        if self.old:
            value = value * self.steps if value < 1 else value
        elif "." in when:
            value = (value - self.first_share) * self.steps
        else:
            value -= self.first_step
        return min(self.steps, int(value)) if math.isfinite(value) else None


class _Mark:
    """A ":" or "|" whose role is not known yet."""

    def __init__(self, sign: str) -> None:
        self.sign = sign


_COLON, _BAR = _Mark(":"), _Mark("|")
_MARKS = {":": _COLON, "|": _BAR}


class _Group:
    """A bracket pair that means something. Groups refer to those inside them, which are never copied."""

    def parts_at(self, step: int) -> list[_Part]:
        """What is in its place at `step`."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class _Sequence(_Group):
    """Parts one after another."""

    parts: list[_Part]

    def parts_at(self, step: int) -> list[_Part]:
        return self.parts


@dataclass(frozen=True, eq=False)
class _Schedule(_Group):
    """`before` up to and including the step `change`, then `after`."""

    before: list[_Part]
    after: list[_Part]
    change: int

    def parts_at(self, step: int) -> list[_Part]:
        return self.before if step <= self.change else self.after


@dataclass(frozen=True, eq=False)
class _Alternation(_Group):
    """One option a step, in turn."""

    options: list[list[_Part]]

    def parts_at(self, step: int) -> list[_Part]:
        return self.options[(step - 1) % len(self.options)]


_Part = str | _Group
_Item = str | _Group | _Mark

_LEXER = re.compile(r"(?P<text>(?:[^\\\[\]():|]|\\.)+)|(?P<sign>[\[\]():|])")
_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")
_OPENING = {"]": "[", ")": "("}


def _said_at(step: int, root: _Group) -> str:
    """The text at one step. However deep brackets are nested, the stack is a list of its own."""
    said: list[str] = []
    waiting: list[_Part] = [root]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            said.append(part)
        else:
            waiting.extend(reversed(part.parts_at(step)))
    return "".join(said)


class _Reader:
    """Reads one text. `changes` are the last steps of what it says, in no order."""

    def __init__(self, clock: _Clock) -> None:
        self._clock = clock
        self.changes = {clock.steps}
        # The items of the text itself, and above them those of every bracket that is open, with that bracket.
        self._bottom: list[_Item] = []
        self._levels: list[tuple[str, list[_Item]]] = [("", self._bottom)]

    def read(self, text: str) -> _Group | None:
        """The whole text, or None where it has no reading."""
        position = 0
        for token in _LEXER.finditer(text):
            if token.start() != position:
                return None
            position = token.end()
            self._take(token[0], is_text=bool(token["text"]))
        self._give_up_open()
        if position != len(text) or _BAR in self._bottom:
            return None
        return _Sequence(_plain(self._bottom))

    def _take(self, sign: str, *, is_text: bool) -> None:
        bracket, items = self._levels[-1]
        if is_text:
            items.append(sign)
        elif sign in _MARKS:
            items.append(_MARKS[sign])
        elif sign in "([":
            self._levels.append((sign, []))
        elif bracket == _OPENING[sign] and (group := self._group(sign, items)) is not None:
            self._levels.pop()
            self._levels[-1][1].append(group)
        else:
            # This bracket is a character, and so no bracket that is open around it can belong to a group any more.
            self._give_up_open()
            self._bottom.append(sign)

    def _give_up_open(self) -> None:
        """Turn every open bracket into a character."""
        for bracket, items in self._levels[1:]:
            self._bottom.extend([bracket, *items])
        del self._levels[1:]

    def _group(self, closing: str, items: list[_Item]) -> _Group | None:
        """What a bracket pair around `items` means; None if it is not well formed."""
        colons, bars = items.count(_COLON), items.count(_BAR)
        if closing == ")":
            return _Sequence(["(", *_plain(items), ")"]) if not bars and colons <= 1 else None
        if bars:
            return self._alternation(items) if not colons else None
        if colons:
            return self._schedule(items) if colons <= 2 else None
        return _Sequence(["[", *_plain(items), "]"])

    def _schedule(self, items: list[_Item]) -> _Group | None:
        *options, when = _split(items, _COLON)
        number = _NUMBER.fullmatch(when[0]) if len(when) == 1 and isinstance(when[0], str) else None
        change = self._clock.step(number[1]) if number else None
        if change is None:
            return None
        if change >= 1:
            self.changes.add(change)
        return _Schedule(options[0] if len(options) == 2 else [], options[-1], change)

    def _alternation(self, items: list[_Item]) -> _Group:
        self.changes.update(range(1, self._clock.steps + 1))
        return _Alternation(_split(items, _BAR))


def _split(items: list[_Item], mark: _Mark) -> list[list[_Part]]:
    parts: list[list[_Part]] = [[]]
    for item in items:
        if item is mark:
            parts.append([])
        else:
            parts[-1].append(item.sign if isinstance(item, _Mark) else item)
    return parts


def _plain(items: list[_Item]) -> list[_Part]:
    return [item.sign if isinstance(item, _Mark) else item for item in items]
