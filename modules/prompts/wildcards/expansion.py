"""Making prompts of templates.

Choices by chance follow from the seed alone, so that a picture's seed gives the same words again. Where a wildcard
cannot be used it stands as it was typed and a note says why, with file and line; the rest of the prompt is made.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from modules.prompts.length import LONGEST_PROMPT
from modules.prompts.wildcards.choosing import Trail, weighted_index, weighted_sample
from modules.prompts.wildcards.template import (
    Assignment,
    ChoiceMode,
    Part,
    VariableUse,
    VariantGroup,
    WildcardUse,
    may_choose,
    parse_template,
)
from modules.prompts.wildcards.values import Lookup, WildcardList, WildcardMatches

_Chosen = TypeVar("_Chosen", VariantGroup, WildcardUse)

MAX_DEPTH = 60
"""Templates within values within templates; one that goes on for ever is found long before."""

MAX_VALUES = 1000
"""Values that one variant may ask for."""

MAX_NOTES = 20
"""Of one prompt."""

MAX_PARTS = 20_000
"""Parts that one prompt is made of. A few lines that name each other many times could ask for billions."""


@dataclass(frozen=True)
class Expansion:
    """A prompt that was made of a template, and what could not be done."""

    text: str
    notes: tuple[str, ...] = ()


class _Stands(Exception):  # noqa: N818 - the template stands as it was typed
    """Something cannot be made; says why."""


class Expander:
    """Expands templates that belong together, such as those of one run: turns go on from one to the next."""

    def __init__(self, lookup: Lookup, *, variants: bool = True) -> None:
        self._lookup = lookup
        self._variants = variants
        self._parsed: dict[str, tuple[Part, ...]] = {}
        self.trails: dict[int, Trail] = {}

    def parsed(self, text: str) -> tuple[Part, ...]:
        """The parts of a template; the same ones for the same text, so that each keeps its turn."""
        parts = self._parsed.get(text)
        if parts is None:
            parts = self._parsed[text] = parse_template(text, variants=self._variants)
        return parts

    def expand(self, template: str, seed: int, sampler: ChoiceMode = "random") -> Expansion:
        """The prompt of one picture. With "combinatorial" it is the first combination."""
        if not may_choose(template):
            return Expansion(template)
        return self._made(template, seed, sampler, Trail())

    def combinations(self, templates: Sequence[str], seeds: Iterator[int]) -> Iterator[tuple[Expansion, ...]]:
        """Every combination of all choices in `templates` together, the last choice changing first.

        `seeds` are those of the pictures: what is marked to come by chance follows from them.
        """
        trail = Trail()
        for seed in seeds:
            yield tuple(self._made(each, seed, "combinatorial", trail) for each in templates)
            if not trail.advance():
                return

    def _made(self, template: str, seed: int, sampler: ChoiceMode, trail: Trail) -> Expansion:
        making = _Making(self, self._lookup, random.Random(seed), trail)
        try:
            text = making.of(self.parsed(template), sampler)
        except _Stands as why:
            return Expansion(template, (*making.notes, f"{why} The prompt stands as it was typed."))
        return Expansion(text, tuple(making.notes))


class _Making:
    """One prompt in the making."""

    def __init__(self, expander: Expander, lookup: Lookup, generator: random.Random, trail: Trail) -> None:
        self._expander, self._lookup, self._generator, self._trail = expander, lookup, generator, trail
        self.notes: dict[str, None] = {}
        self._variables: dict[str, tuple[Part, ...]] = {}
        self._reading: list[str] = []
        self._inside: list[tuple[WildcardList, int]] = []
        self._depth = self._parts = 0

    def of(self, parts: Sequence[Part], sampler: ChoiceMode) -> str:
        """The text that some parts become."""
        if self._depth > MAX_DEPTH:
            raise _Stands(f"Templates are nested more than {MAX_DEPTH} deep.")
        self._depth += 1
        texts: list[str] = []
        length = 0
        for part in parts:
            texts.append(part if isinstance(part, str) else self._part(part, sampler))
            length += len(texts[-1])
            self._parts += 1
            if self._parts > MAX_PARTS or length > LONGEST_PROMPT:
                raise _Stands(f"What it stands for has more than {MAX_PARTS:,} parts or {LONGEST_PROMPT:,} characters.")
        self._depth -= 1
        return "".join(texts)

    def _part(self, part: Part, sampler: ChoiceMode) -> str:
        match part:
            case VariantGroup():
                return self._choosing(part, sampler, self._variant)
            case WildcardUse():
                return self._choosing(part, sampler, self._wildcard)
            case Assignment():
                self._variables[part.name] = (self.of(part.parts, sampler),) if part.at_once else part.parts
                return ""
            case VariableUse():
                return self._variable(part, sampler)
            case _:
                return part

    def _choosing(self, part: _Chosen, around: ChoiceMode, make: Callable[[_Chosen, ChoiceMode, Trail], str]) -> str:
        """Make a part with its own sampler. What goes in turn has a trail of its own, kept from prompt to prompt."""
        sampler = part.sampler or around
        if sampler == "random" or sampler == around == "combinatorial":
            return make(part, sampler, self._trail)
        trail = self._expander.trails.setdefault(id(part), Trail())
        outer = self._trail
        if sampler == "combinatorial":  # in turn with all that is within
            self._trail = trail
        try:
            return make(part, sampler, trail)
        finally:
            self._trail = outer
            trail.advance()

    def _variant(self, part: VariantGroup, sampler: ChoiceMode, trail: Trail) -> str:
        only = part.options[0].parts if len(part.options) == 1 else ()
        if len(only) == 1 and isinstance(only[0], WildcardUse) and only[0].sampler in (None, sampler):
            found = self._found(only[0])
            if found is None:
                return part.raw
            chosen = self._some_of(part, len(found), found.weights, sampler, trail)
            return self._values(only[0], found, chosen, sampler, part.separator)
        chosen = self._some_of(part, len(part.options), (each.weight for each in part.options), sampler, trail)
        return _joined(part.separator, (self.of(part.options[index].parts, sampler) for index in chosen))

    def _some_of(
        self, part: VariantGroup, count: int, weights: Iterable[float], sampler: ChoiceMode, trail: Trail
    ) -> list[int]:
        """Indices of different options, as many as the variant asks for and there are."""
        most = min(count, MAX_VALUES, count if part.most is None else part.most)
        least = min(part.least, most)
        if sampler == "random":
            size = least + int(self._generator.random() * (most - least + 1)) if most > least else least
            return weighted_sample(self._generator, list(weights), size)
        size = least + trail.choose(most - least + 1) if most > least else least
        left = list(range(count))
        return [left.pop(trail.choose(len(left))) for _ in range(size)]

    def _wildcard(self, part: WildcardUse, sampler: ChoiceMode, trail: Trail) -> str:
        found = self._found(part)
        if found is None:
            return part.raw
        chance = sampler == "random"
        index = weighted_index(self._generator, found.cumulative) if chance else trail.choose(len(found))
        return self._values(part, found, [index], sampler, "")

    def _found(self, part: WildcardUse) -> WildcardMatches | None:
        """The values of a wildcard; None, and a note, where there are none."""
        near = self._inside[-1][0].name if self._inside else ""
        found = self._lookup.find(part.name, near)
        if found is not None:
            self._note(*(problem for each in found.collections for problem in each.problems))
        if found is None or not len(found):
            origin = f"{self._inside[-1][0].place(self._inside[-1][1])}: " if self._inside else ""
            what = "is not there" if found is None else "has no values"
            self._note(f'{origin}Wildcard "{part.name}" {what}; it stands as it was typed.', *self._lookup.problems())
            return None
        return found

    def _values(
        self, use: WildcardUse, found: WildcardMatches, indices: list[int], sampler: ChoiceMode, separator: str
    ) -> str:
        """The values of these indices, made."""
        outer, depth = self._variables, self._depth
        if use.variables:
            self._variables = {**outer, **dict(use.variables)}
        try:
            return _joined(separator, (self._value(*found.at(index), sampler) for index in indices))
        except _Stands as why:
            if self._inside:
                raise
            self._depth = depth
            self._note(f"{why} {use.raw} stands as it was typed.")
            return use.raw
        finally:
            if use.variables:
                self._variables = outer

    def _value(self, collection: WildcardList, index: int, sampler: ChoiceMode) -> str:
        inside = self._inside
        if any(each.name == collection.name for each, _ in inside):
            way = " > ".join(each.name for each, _ in (*inside, (collection, 0)))
            last, line = inside[-1]
            raise _Stands(f"{last.place(line)}: wildcards lead back to themselves ({way}).")
        inside.append((collection, index))
        try:
            return self.of(self._expander.parsed(collection.texts[index]), sampler)
        finally:
            inside.pop()

    def _variable(self, part: VariableUse, sampler: ChoiceMode) -> str:
        value = self._variables.get(part.name, part.default)
        if value is None or part.name in self._reading:
            what = "has no value" if value is None else "is made of itself"
            self._note(f"Variable {part.name} {what}; it stands as it was typed.")
            return part.raw
        self._reading.append(part.name)
        try:
            return self.of(value, sampler)
        finally:
            self._reading.pop()

    def _note(self, *texts: str) -> None:
        for text in texts:
            if len(self.notes) < MAX_NOTES:
                self.notes[text] = None


def _joined(separator: str, texts: Iterable[str]) -> str:
    """Texts with a separator between them; an empty one has none, so that no commas are left over."""
    return separator.join([text for text in texts if text])
