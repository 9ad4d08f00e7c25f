"""Trigger words: the words that a model or network was taught, from its header, its notes and lists beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from modules.foundation.errors import SettingsError
from modules.foundation.text_files import decode_text, read_file
from modules.library.sidecars import stem_of
from modules.prompts.craft.data import read_yaml
from modules.prompts.craft.tag_list import split_tags
from modules.prompts.craft.weights import number

LISTS = (".triggers.txt", ".triggers.yaml", ".triggers.yml")
"""What a list beside a model file is called: NAME.triggers.txt for NAME.safetensors."""

MAX_WORDS = 10_000
MAX_BYTES = 4_000_000

HEADER_KEYS = ("modelspec.trigger_phrase", "ss_trigger_words", "trigger_words", "trigger")

FROM_HEADER, FROM_NOTES, FROM_TRAINING = "header", "notes", "training"
"""Groups of words that stand in no list."""


@dataclass(frozen=True, kw_only=True)
class TriggerWord:
    """A word, the group in which it stands, and how often the training had it where that is known."""

    text: str
    group: str
    count: int | None = None


def trigger_words(
    path: str, metadata: Mapping[str, str], notes: Mapping[str, object], trained: Mapping[str, int]
) -> tuple[list[TriggerWord], list[str]]:
    """The words of one file, those written down by hand first, and what is wrong with its lists.

    `notes` are those of its .json, `trained` how often each tag stood beside the pictures of its training.
    """
    words: dict[str, TriggerWord] = {}
    problems: list[str] = []

    def add(text: str, group: str, count: int | None = None) -> None:
        text = " ".join(text.split())
        if text and len(words) < MAX_WORDS:
            words.setdefault(text.casefold(), TriggerWord(text=text, group=group, count=count))

    for tag in split_tags(str(notes.get("activation text") or "")):
        add(tag.text, FROM_NOTES)
    for key in HEADER_KEYS:
        for tag in split_tags(metadata.get(key, "")):
            add(tag.text, FROM_HEADER)
    for group, text in _beside(path, problems):
        add(text, group)
    for tag, count in sorted(trained.items(), key=lambda item: -item[1]):
        add(tag, FROM_TRAINING, count)
    return list(words.values()), problems


def searched(words: Sequence[TriggerWord], text: str) -> list[TriggerWord]:
    """The words that hold every part of a text, in themselves or in the name of their group."""
    parts = text.casefold().split()
    return [each for each in words if all(part in f"{each.text} {each.group}".casefold() for part in parts)]


def with_weight(word: str, weight: float) -> str:
    """A word as it is put into a prompt."""
    return word if weight == 1 else f"({word}:{number(weight)})"


def _beside(path: str, problems: list[str]) -> Iterator[tuple[str, str]]:
    """The words of all lists beside a model file, with their groups."""
    for suffix in LISTS:
        beside = Path(stem_of(path) + suffix)
        try:
            yield from _listed(beside)
        except FileNotFoundError:
            continue
        except SettingsError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{beside} cannot be read: {error.strerror or error}.")


def _listed(path: Path) -> list[tuple[str, str]]:
    """The words of a list with their groups: in a text file under "# heading" lines, in YAML the names of lists."""
    if path.stat().st_size > MAX_BYTES:
        raise SettingsError(f"{path} has more than {MAX_BYTES:,} bytes. Split it.")
    if path.suffix.lower() == ".txt":
        group, found = "list", list[tuple[str, str]]()
        for line in decode_text(read_file(path))[0].split("\n"):
            if line.startswith("#"):
                group = line.lstrip("# ").strip() or group
            else:
                found += [(group, tag.text) for tag in split_tags(line)]
        return found
    content = read_yaml(path)
    groups: dict[Any, Any] = cast("dict[object, object]", content) if isinstance(content, dict) else {"list": content}
    if not all(isinstance(entries, list) for entries in groups.values()):
        raise SettingsError(f"{path}, line 1: there must be a list of words, or lists of words by group. Correct it.")
    return [
        (str(group), str(entry))
        for group, entries in groups.items()
        for entry in cast("list[object]", entries)
        if isinstance(entry, str | int | float)
    ]
