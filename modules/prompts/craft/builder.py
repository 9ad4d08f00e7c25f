"""The prompt builder: one choice from each category, put together in the order of builder.yaml."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from modules.foundation.errors import RequestError, UnknownName
from modules.foundation.plain import JsonMapping
from modules.prompts.craft.weights import number


@dataclass(frozen=True, kw_only=True)
class BuilderChoice:
    """Something that can be chosen: its text in the prompt, what follows it, and its names in other languages."""

    name: str
    text: str
    follows: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class BuilderCategory:
    """A category of which `most` may be chosen (0: any number).

    With `joined_to` its choice stands before that of another category instead of for itself.
    """

    name: str
    choices: Mapping[str, BuilderChoice]
    names: Mapping[str, str]
    most: int = 1
    otherwise: str = ""
    before: str = ""
    joined_to: str = ""


@dataclass(frozen=True, kw_only=True)
class BuilderPreset:
    """A prompt that is there as a whole; of a `character` the categories may be added to it."""

    name: str
    prompt: str
    negative_prompt: str = ""
    names: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Builder:
    """What builder.yaml says."""

    quality: str
    categories: Mapping[str, BuilderCategory]
    presets: Mapping[str, BuilderPreset]
    sliders: Mapping[str, tuple[str, str, float]]
    """From one thing to another, and at which share of the steps by default."""


def builder_of(table: JsonMapping) -> Builder:
    """The builder that builder.yaml describes; entries that make no sense are left out."""
    colours = _choices(table.get("colours"), "", "")
    categories = {
        name: _category(name, entry, colours) for name, entry in _table(table.get("categories")).items() if entry
    }
    presets: dict[str, BuilderPreset] = {}
    for name, entry in _table(table.get("presets")).items():
        fields = _table(entry)
        presets[name] = BuilderPreset(
            name=name,
            prompt=str(fields.get("prompt") or ""),
            negative_prompt=str(fields.get("negative") or ""),
            names=_names(fields.get("names")),
        )
    sliders: dict[str, tuple[str, str, float]] = {}
    for name, entry in _table(table.get("sliders")).items():
        fields = _table(entry)
        at = fields.get("at")
        share = float(at) if isinstance(at, int | float) else 0.5
        sliders[name] = (str(fields.get("from") or ""), str(fields.get("to") or ""), share)
    return Builder(quality=str(table.get("quality") or ""), categories=categories, presets=presets, sliders=sliders)


def composed(
    builder: Builder,
    chosen: Mapping[str, Sequence[str]],
    *,
    preset: str = "",
    sliders: Mapping[str, float] | None = None,
    quality: bool = True,
    seed: int | None = None,
) -> tuple[str, str]:
    """The prompt and the negative prompt of some choices by category.

    With a `seed` categories that nothing was chosen from get a choice by chance, the same for the same seed. Raises
    RequestError for too many choices, UnknownName for what is not there.
    """
    for name, names in chosen.items():
        _check(builder, name, names)
    if seed is not None:
        chosen = _filled(builder, chosen, random.Random(seed))
    pieces: list[str] = []
    negative = ""
    if preset:
        if preset not in builder.presets:
            raise UnknownName("preset of the builder", preset, list(builder.presets))
        pieces.append(builder.presets[preset].prompt)
        negative = builder.presets[preset].negative_prompt
    elif quality and builder.quality:
        pieces.append(builder.quality)
    for name, share in (sliders or {}).items():
        if name not in builder.sliders:
            raise UnknownName("slider of the builder", name, list(builder.sliders))
        if not 0 <= share <= 1:
            raise RequestError(f"Slider {name} must lie between 0 and 1; it is {share}.", "sliders")
        before, after, _ = builder.sliders[name]
        pieces.append(f"[{before}:{after}:{number(share)}]")
    anything = any(chosen.values())
    for category in builder.categories.values():
        pieces += _pieces(builder, category, chosen, otherwise=anything and not preset)
    return ", ".join(piece for piece in pieces if piece), negative


def _check(builder: Builder, name: str, names: Sequence[str]) -> None:
    category = builder.categories.get(name)
    if category is None:
        raise UnknownName("category of the builder", name, list(builder.categories))
    for each in names:
        if each not in category.choices:
            raise UnknownName(f"choice of {name}", each, list(category.choices))
    if category.most and len(set(names)) > category.most:
        raise RequestError(f"Of {name} at most {category.most} may be chosen; {len(set(names))} are.", "choices")


def _filled(
    builder: Builder, chosen: Mapping[str, Sequence[str]], generator: random.Random
) -> dict[str, Sequence[str]]:
    filled: dict[str, Sequence[str]] = {}
    for name, category in builder.categories.items():
        drawn = generator.random()  # drawn for each, so that one that is chosen changes no other
        names = list(category.choices)
        filled[name] = chosen.get(name) or ([names[int(drawn * len(names))]] if names else [])
    return filled


def _pieces(
    builder: Builder, category: BuilderCategory, chosen: Mapping[str, Sequence[str]], *, otherwise: bool
) -> list[str]:
    names = tuple(dict.fromkeys(chosen.get(category.name) or ()))
    if category.joined_to and chosen.get(category.joined_to):
        return []  # it stands before the other one
    if not names:
        return [category.otherwise] if otherwise and category.otherwise else []
    first = builder.categories.get(category.before)
    before = [first.choices[each].text for each in chosen.get(category.before) or ()] if first is not None else []
    pieces: list[str] = []
    for choice in (category.choices[name] for name in names):
        pieces += [" ".join([*before, choice.text]), *choice.follows]
    return pieces


def _category(name: str, entry: object, colours: Mapping[str, BuilderChoice]) -> BuilderCategory:
    fields = _table(entry)
    suffix, prefix = str(fields.get("suffix") or ""), str(fields.get("prefix") or "")
    choices = _choices(fields.get("choices"), prefix, suffix)
    if fields.get("colours") is True:
        choices = {**{key: _around(each, prefix, suffix) for key, each in colours.items()}, **choices}
    most = fields.get("most", 1)
    return BuilderCategory(
        name=name,
        choices=choices,
        names=_names(fields.get("names")),
        most=most if isinstance(most, int) and most >= 0 else 1,
        otherwise=str(fields.get("otherwise") or ""),
        before=str(fields.get("before") or ""),
        joined_to=str(fields.get("joined to") or ""),
    )


def _choices(entries: object, prefix: str, suffix: str) -> dict[str, BuilderChoice]:
    if isinstance(entries, list):
        entries = {str(each): {} for each in cast("list[object]", entries)}
    found: dict[str, BuilderChoice] = {}
    for name, entry in _table(entries).items():
        fields = _table(entry)
        text = entry if isinstance(entry, str) else str(fields.get("text") or name)
        follows = fields.get("with")
        choice = BuilderChoice(
            name=name,
            text=text,
            follows=tuple(map(str, cast("list[object]", follows))) if isinstance(follows, list) else (),
            names=_names(fields.get("names")),
        )
        found[name] = _around(choice, prefix, suffix)
    return found


def _around(choice: BuilderChoice, prefix: str, suffix: str) -> BuilderChoice:
    text = f"{prefix}{choice.text}{suffix}"
    return BuilderChoice(name=choice.name, text=text, follows=choice.follows, names=choice.names)


def _names(entry: object) -> dict[str, str]:
    return {str(key): str(value) for key, value in _table(entry).items()}


def _table(entry: object) -> dict[str, Any]:
    table = cast("dict[object, object]", entry) if isinstance(entry, dict) else {}
    return {str(key): value for key, value in table.items()}
