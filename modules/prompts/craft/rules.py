"""The rules of rules.yaml: what contradicts what. One that cannot be used is named with file and line."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from modules.foundation.errors import SettingsError
from modules.foundation.text_files import decode_text, read_file
from modules.prompts.craft.data import read_yaml
from modules.prompts.craft.tag_list import Tag

Severity = Literal["info", "warning", "error"]

PATTERN_SECONDS = 0.02
"""That all patterns of a user's rules may take together for one prompt."""


@dataclass(frozen=True, kw_only=True)
class TagRule:
    """A rule about tags; see rules.yaml. `place` is its file and line."""

    name: str
    place: str
    say: str
    severity: Severity = "warning"
    when: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    unless: frozenset[str] = frozenset()
    pattern: Any = None


class TagFinder:
    """The tags of one prompt, found by rules' words without going through all of them."""

    def __init__(self, tags: Iterable[tuple[str, Tag]]) -> None:
        self._exact: dict[str, list[Tag]] = {}
        self._first: dict[str, list[tuple[str, Tag]]] = {}
        self._last: dict[str, list[tuple[str, Tag]]] = {}
        for key, tag in tags:
            self._exact.setdefault(key, []).append(tag)
            self._first.setdefault(key.partition(" ")[0], []).append((key, tag))
            self._last.setdefault(key.rpartition(" ")[2], []).append((key, tag))

    def find(self, words: Sequence[str]) -> Iterator[tuple[str, Tag]]:
        """The tags that any of the words names."""
        for word in words:
            if word.startswith("*"):
                ending = word[1:]
                last = ending.rpartition(" ")[2]
                yield from ((key, tag) for key, tag in self._last.get(last, ()) if key.endswith(ending) and key != last)
            elif word.endswith("*"):
                beginning = word[:-1]
                first = beginning.partition(" ")[0]
                yield from ((key, tag) for key, tag in self._first.get(first, ()) if key.startswith(beginning))
            else:
                yield from ((word, tag) for tag in self._exact.get(word, ()))


def read_rules(paths: Iterable[Path]) -> tuple[list[TagRule], list[str]]:
    """The rules of these files, a later one in the place of one of the same name, and what is wrong with them."""
    rules: dict[str, TagRule | None] = {}
    problems: list[str] = []
    for path in paths:
        try:
            table = read_yaml(path)
            lines = _lines(path)
        except FileNotFoundError:
            continue
        except SettingsError as error:
            problems.append(str(error))
            continue
        except OSError as error:
            problems.append(f"{path} cannot be read: {error.strerror or error}.")
            continue
        entries = cast("dict[object, object]", table).get("rules") if isinstance(table, dict) else None
        if not isinstance(entries, dict):
            problems.append(f'{path}, line 1: there must be a table "rules" of rules by name. Correct the file.')
            continue
        for name, entry in cast("dict[object, object]", entries).items():
            place = f"{path}, line {lines.get(str(name), 1)}"
            try:
                rules[str(name)] = None if entry is None else _rule(str(name), entry, place)
            except SettingsError as error:
                problems.append(str(error))
    return [rule for rule in rules.values() if rule is not None], problems


class RuleBook:
    """The rules of some files, read again when one of them has changed."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._lock = threading.Lock()
        self._state: tuple[int, ...] | None = None
        self._read: tuple[list[TagRule], list[str]] = ([], [])

    def read(self) -> tuple[list[TagRule], list[str]]:
        """The rules, and what is wrong with the files."""
        with self._lock:
            state = tuple(_time(path) for path in self._paths)
            if state != self._state:
                self._read, self._state = read_rules(self._paths), state
            return self._read


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _rule(name: str, entry: object, place: str) -> TagRule:
    fields = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
    pattern = fields.get("pattern")
    words = {
        key: _words(fields.get(key), key, place) for key in ("when", "and", "needs", "negative", "after", "unless")
    }
    if not words["when"] and pattern is None:
        raise SettingsError(f'{place}: rule "{name}" has neither "when" nor "pattern". Correct it.')
    severity = fields.get("severity", "warning")
    if severity not in ("info", "warning", "error"):
        raise SettingsError(f'{place}: the severity of rule "{name}" is info or warning, not {severity!r}.')
    return TagRule(
        name=name,
        place=place,
        say=str(fields.get("say") or name),
        severity=severity,
        when=words["when"],
        beside=words["and"],
        needs=words["needs"],
        negative=words["negative"],
        after=words["after"],
        unless=frozenset(words["unless"]),
        pattern=None if pattern is None else _compiled(str(pattern), name, place),
    )


def _words(value: object, key: str, place: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value]
    texts = cast("list[object]", value)
    if not isinstance(value, list) or not all(isinstance(each, str | int | float) for each in texts):
        raise SettingsError(f'{place}: "{key}" must be a list of words. Correct it.')
    words = tuple(" ".join(str(each).replace("_", " ").casefold().split()) for each in texts)
    if any("*" in word.strip("*") or word.strip("* ") == "" for word in words):
        raise SettingsError(f'{place}: a word of "{key}" may have one * at its beginning or its end. Correct it.')
    return words


def _compiled(pattern: str, name: str, place: str) -> Any:
    import regex

    try:
        return regex.compile(pattern, regex.IGNORECASE)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise SettingsError(f'{place}: the pattern of rule "{name}" cannot be read: {error}. Correct it.') from error


def _lines(path: Path) -> dict[str, int]:
    """The line of each rule."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    root: object = yaml.compose(decode_text(read_file(path))[0], Loader=loader)
    for key, value in getattr(root, "value", None) or ():
        if getattr(key, "value", "") == "rules" and isinstance(value, yaml.MappingNode):
            return {each.value: each.start_mark.line + 1 for each, _ in value.value if isinstance(each.value, str)}
    return {}


def pattern_places(rules: Sequence[TagRule], prompt: str) -> tuple[list[tuple[TagRule, int, int]], list[str]]:
    """Where patterns of rules fit, and which of them took too long to tell."""
    found: list[tuple[TagRule, int, int]] = []
    slow: list[str] = []
    end = time.monotonic() + PATTERN_SECONDS
    for rule in rules:
        left = end - time.monotonic()
        if left <= 0:
            slow.append(f'{rule.place}: rule "{rule.name}" was not looked at, for those before it took too long.')
            continue
        try:
            places = [match.span() for match in rule.pattern.finditer(prompt, timeout=left)]
            found += [(rule, start, stop) for start, stop in places[:20]]
        except TimeoutError:
            slow.append(
                f'{rule.place}: the pattern of rule "{rule.name}" takes too long for this prompt. Make it simpler.'
            )
    return found, slow
