"""Quality words and presets of unwanted content: which suit a model, and how they are put to what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from modules.foundation.errors import UnknownName
from modules.foundation.plain import JsonMapping
from modules.prompts.attention import Dialect
from modules.prompts.craft.tag_list import joined, split_tags
from modules.prompts.craft.weights import to_a1111, to_novelai
from modules.prompts.wildcards.folders import matches

NONE = "None"
"""Asks for no preset."""


@dataclass(frozen=True, kw_only=True)
class PromptPreset:
    """Words that are put to a prompt. `style` is how their brackets are written; `always` adds `always_unwanted`."""

    name: str
    text: str
    style: Literal["novelai", "a1111"] = "a1111"
    place: Literal["start", "end"] = "start"
    always: bool = True


@dataclass(frozen=True, kw_only=True)
class ModelPresets:
    """The names of the presets that suit a model; "None" where none does."""

    quality: str = NONE
    unwanted: str = NONE


def presets_of(table: JsonMapping, kind: Literal["quality", "unwanted"]) -> dict[str, PromptPreset]:
    """The presets of one kind in presets.yaml, by name."""
    found: dict[str, PromptPreset] = {}
    for name, content in _entries(table, kind).items():
        entry: object = {"text": content} if isinstance(content, str) else content
        if isinstance(entry, dict) and isinstance(text := cast("dict[str, object]", entry).get("text"), str):
            fields = cast("dict[str, object]", entry)
            found[name] = PromptPreset(
                name=name,
                text=text,
                style="novelai" if fields.get("style") == "novelai" else "a1111",
                place="end" if fields.get("place") == "end" else "start",
                always=fields.get("always") is not False,
            )
    return found


def presets_for(
    table: JsonMapping, name: str = "", family: str = "", metadata: Mapping[str, object] | None = None
) -> ModelPresets:
    """The presets of the first entry of `models` that fits a model by its name, its family and its metadata."""
    for entry in _entries(table, "models").values():
        if not isinstance(entry, dict):
            continue
        rule = cast("dict[str, object]", entry)
        wanted = cast("dict[str, object]", rule.get("metadata") or {})
        if (
            ("name" not in rule or _fits(str(rule["name"]), name))
            and ("family" not in rule or str(rule["family"]).casefold() == family.casefold())
            and all(_fits(str(value), str((metadata or {}).get(key, ""))) for key, value in wanted.items())
        ):
            return ModelPresets(quality=str(rule.get("quality") or NONE), unwanted=str(rule.get("unwanted") or NONE))
    return ModelPresets()


def with_presets(
    prompt: str, negative_prompt: str, table: JsonMapping, chosen: ModelPresets, dialect: Dialect = "A1111"
) -> tuple[str, str]:
    """Both prompts with the presets of these names. Raises UnknownName, naming the nearest, for one that is not there.

    Quality words stand where their preset says, unwanted content before what was typed; what is there is not put there
    again.
    """
    if chosen.quality not in ("", NONE):
        preset = _named(presets_of(table, "quality"), chosen.quality, "preset of quality words")
        words = _written(preset, dialect)
        if words not in prompt:  # pasted from a picture that was made with them
            prompt = _together(words, prompt) if preset.place == "start" else _together(prompt, words)
    if chosen.unwanted not in ("", NONE):
        preset = _named(presets_of(table, "unwanted"), chosen.unwanted, "preset of unwanted content")
        words = _written(preset, dialect)
        if words in negative_prompt:
            return prompt, negative_prompt
        if preset.always:
            present = {tag.key for text in (words, negative_prompt) for tag in split_tags(text)}
            always = [str(word) for word in cast("list[object]", table.get("always_unwanted") or [])]
            words = joined([words, *(word for word in always if word not in present)])
        negative_prompt = _together(words, negative_prompt)
    return prompt, negative_prompt


def _named(presets: Mapping[str, PromptPreset], name: str, what: str) -> PromptPreset:
    if name not in presets:
        raise UnknownName(what, name, list(presets))
    return presets[name]


def _written(preset: PromptPreset, dialect: Dialect) -> str:
    """The words of a preset with the brackets that count in the prompt."""
    if dialect == "NovelAI":
        return preset.text if preset.style == "novelai" else to_novelai(preset.text)
    return preset.text if preset.style == "a1111" or dialect == "none" else to_a1111(preset.text)


def _together(first: str, last: str) -> str:
    return ", ".join(part for part in (first.strip().rstrip(","), last.strip()) if part)


def _entries(table: JsonMapping, name: str) -> dict[str, Any]:
    entries = table.get(name)
    return cast("dict[str, object]", entries) if isinstance(entries, dict) else {}


def _fits(pattern: str, text: str) -> bool:
    pattern, text = pattern.casefold(), text.casefold()
    return matches(pattern, text) if "*" in pattern else pattern == text
