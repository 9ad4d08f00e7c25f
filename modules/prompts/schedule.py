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
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


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
    `old_scheduling` is the rule before A1111 1.6: any number below 1 is a share, both passes are counted alike.
    """
    if hires_steps is None or old_scheduling:
        clock = _Clock(max(1, steps), 0, 0.0, old_scheduling)
    else:
        clock = _Clock(max(1, hires_steps), steps, 1.0, old_scheduling)
    timeline = _read(text, clock)
    if timeline is None:
        return [ScheduledText(clock.steps, text)]
    return [ScheduledText(until, timeline.at(until)) for until in timeline.bounds]


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


@dataclass(frozen=True)
class _Timeline:
    """A text that changes with the step: `texts[i]` holds up to `bounds[i]`, the last of which is the last step."""

    bounds: tuple[int, ...]
    texts: tuple[str, ...]

    def at(self, step: int) -> str:
        return self.texts[min(bisect_left(self.bounds, step), len(self.texts) - 1)]


@dataclass(frozen=True)
class _Mark:
    """A ":" or "|" whose role is not known yet."""

    sign: str


_Part = str | _Timeline
_Item = str | _Timeline | _Mark

_LEXER = re.compile(r"(?P<text>(?:[^\\\[\]():|]|\\.)+)|(?P<sign>[\[\]():|])")
_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")
_OPENING = {"]": "[", ")": "("}


def _read(text: str, clock: _Clock) -> _Timeline | None:
    """The whole text, or None where it has no reading."""
    # The items of the text itself, and above them those of every bracket that is open, with that bracket.
    bottom: list[_Item] = []
    levels: list[tuple[str, list[_Item]]] = [("", bottom)]
    position = 0
    for token in _LEXER.finditer(text):
        if token.start() != position:
            return None
        position = token.end()
        sign = token[0]
        bracket, items = levels[-1]
        if token["text"]:
            items.append(sign)
        elif sign in ":|":
            items.append(_Mark(sign))
        elif sign in "([":
            levels.append((sign, []))
        elif bracket == _OPENING[sign] and (group := _group(sign, items, clock)) is not None:
            levels.pop()
            levels[-1][1].append(group)
        else:
            # This bracket is a character, and so no bracket that is open around it can belong to a group any more.
            _give_up_open(levels)
            bottom.append(sign)
    _give_up_open(levels)
    if position != len(text) or _Mark("|") in bottom:
        return None
    return _join(_plain(bottom), clock.steps)


def _give_up_open(levels: list[tuple[str, list[_Item]]]) -> None:
    """Turn every open bracket into a character."""
    for bracket, items in levels[1:]:
        levels[0][1].extend([bracket, *items])
    del levels[1:]


def _group(closing: str, items: list[_Item], clock: _Clock) -> _Part | None:
    """What a bracket pair around `items` means; None if it is not well formed."""
    colons, bars = items.count(_Mark(":")), items.count(_Mark("|"))
    if closing == ")":
        return _emphasis("(", items, ")", clock) if not bars and colons <= 1 else None
    if bars:
        return _alternation(items, clock) if not colons else None
    if colons:
        return _schedule(items, clock) if colons <= 2 else None
    return _emphasis("[", items, "]", clock)


def _emphasis(opening: str, items: list[_Item], closing: str, clock: _Clock) -> _Part:
    parts: list[_Part] = [opening, *_plain(items), closing]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else _join(parts, clock.steps)


def _schedule(items: list[_Item], clock: _Clock) -> _Timeline | None:
    *options, when = _split(items, ":")
    number = _NUMBER.fullmatch(when[0]) if len(when) == 1 and isinstance(when[0], str) else None
    change = clock.step(number[1]) if number else None
    if change is None:
        return None
    before = _join(options[0] if len(options) == 2 else [], clock.steps)
    after = _join(options[-1], clock.steps)
    bounds = _bounds([before, after], {change} if change >= 1 else set(), clock.steps)
    return _Timeline(bounds, tuple((before if step <= change else after).at(step) for step in bounds))


def _alternation(items: list[_Item], clock: _Clock) -> _Timeline:
    options = [_join(option, clock.steps) for option in _split(items, "|")]
    steps = range(1, clock.steps + 1)
    return _Timeline(tuple(steps), tuple(options[(step - 1) % len(options)].at(step) for step in steps))


def _split(items: list[_Item], sign: str) -> list[list[_Part]]:
    parts: list[list[_Part]] = [[]]
    for item in items:
        if isinstance(item, _Mark) and item.sign == sign:
            parts.append([])
        else:
            parts[-1].extend(_plain([item]))
    return parts


def _plain(items: list[_Item]) -> list[_Part]:
    return [item.sign if isinstance(item, _Mark) else item for item in items]


def _join(parts: Sequence[_Part], steps: int) -> _Timeline:
    """The parts one after another, changing whenever one of them changes."""
    bounds = _bounds([part for part in parts if isinstance(part, _Timeline)], set(), steps)
    texts = ("".join(part if isinstance(part, str) else part.at(step) for part in parts) for step in bounds)
    return _Timeline(bounds, tuple(texts))


def _bounds(timelines: Sequence[_Timeline], own: set[int], steps: int) -> tuple[int, ...]:
    return tuple(sorted(own.union({steps}, *(timeline.bounds for timeline in timelines))))
