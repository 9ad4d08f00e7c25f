"""Reading files of wildcards: a .txt with a value a line; a .yaml or .json with lists, whose keys are names.

Nothing in a file can do harm: no YAML tag makes an object, aliases, by which a kilobyte can stand for gigabytes, are
refused, and what is wrong is told with the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from modules.foundation.errors import SettingsError
from modules.foundation.json_text import parse_json
from modules.foundation.text_files import decode_text, read_file
from modules.prompts.wildcards.values import WildcardList

SUFFIXES = (".txt", ".yaml", ".yml", ".json")

LARGEST_FILE = 64_000_000
"""Bytes."""

MAX_NESTING = 50
"""Lists and tables of a YAML file inside each other."""

_WEIGHT = re.compile(r"([0-9]{1,9}+(?:\.[0-9]{0,9}+)?+|\.[0-9]{1,9}+)\s*+::")

Lines = list[tuple[str, int]]
"""Values, each with its line."""


def read_collections(path: Path, name: str) -> list[WildcardList]:
    """The wildcards of a file. `name` is the file's own, with folders: "animals/cats" for animals/cats.txt.

    Of a YAML or JSON file the names are its keys, within the folder of the file; a file that is a list has its own
    name. Raises SettingsError, naming file and line, for one that cannot be used; OSError.
    """
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise SettingsError(f"{path} has {size:,} bytes; the most is {LARGEST_FILE:,}. Split it.")
    data = read_file(path)
    text, problems = decode_text(data)[0], _encoding_problems(path, data)
    if path.suffix.lower() == ".txt":
        lists: dict[str, Lines] = {name: _lines(text)}
    else:
        tree = _json_tree(path, text) if path.suffix.lower() == ".json" else _yaml_tree(path, text)
        lists = {}
        folder = name.rpartition("/")[0]
        if isinstance(tree, list):
            lists[name] = _texts(tree)
        else:
            _collect(tree, f"{folder}/" if folder else "", lists)
    return [_collection(path, each, values, problems) for each, values in lists.items()]


def _collection(path: Path, name: str, values: Lines, problems: tuple[str, ...]) -> WildcardList:
    """Values without those that came before; their weights are added up."""
    known: dict[str, int] = {}
    texts: list[str] = []
    weights: list[float] = []
    lines: list[int] = []
    for value, line in values:
        weight, text = 1.0, value
        if (found := _WEIGHT.match(value)) is not None:
            weight, text = float(found[1]), value[found.end() :].lstrip()
        if (index := known.get(text)) is not None:
            weights[index] += weight
            continue
        known[text] = len(texts)
        texts.append(text)
        weights.append(weight)
        lines.append(line)
    return WildcardList(name=name, path=path, texts=texts, weights=weights, lines=lines, problems=problems)


def _encoding_problems(path: Path, data: bytes) -> tuple[str, ...]:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4096]:
            return ()  # UTF-16, which is read as such
        line = data.count(b"\n", 0, error.start) + 1
        return (f"{path}, line {line}: this is not UTF-8. If letters are wrong, save the file as UTF-8.",)
    return ()


def _lines(text: str) -> Lines:
    found: Lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        value = line.strip()
        if value and not value.startswith("#"):
            found.append((value, number))
    return found


def _without_comments(text: str) -> str:
    """A value of several lines, without those that are comments."""
    if "#" not in text:
        return text.strip()
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#")).strip()


def _texts(values: Sequence[Any]) -> Lines:
    return [(text, line) for value, line in values if isinstance(value, str) and (text := _without_comments(value))]


def _collect(tree: object, prefix: str, lists: dict[str, Lines]) -> None:
    """The lists in nested tables, by the way to them; what is no list has no name of its own."""
    waiting = [(prefix, tree)]
    while waiting:
        prefix, table = waiting.pop()
        for key, value in cast("dict[str, object]", table).items():
            if isinstance(value, dict):
                waiting.append((f"{prefix}{key}/", value))
            elif isinstance(value, list):
                lists.setdefault(prefix + key, []).extend(_texts(cast("list[object]", value)))


def _json_tree(path: Path, text: str) -> Any:
    try:
        tree = parse_json(text)
    except ValueError as error:
        raise SettingsError(f"{path} is no JSON: {error}. Correct it, or move it away.") from error
    return _with_lines(path, tree)


def _with_lines(path: Path, tree: object) -> Any:
    """The tree with every value of a list as a pair of text and line, which JSON's reader does not tell."""
    if isinstance(tree, list):
        return [(value if isinstance(value, str) else None, 0) for value in cast("list[object]", tree)]
    if not isinstance(tree, dict):
        raise _no_table(path)
    table = cast("dict[str, object]", tree)
    return {key: _with_lines(path, value) for key, value in table.items() if isinstance(value, dict | list)}


def _no_table(path: Path) -> SettingsError:
    return SettingsError(f"{path}, line 1: there must be a list of values, or a table of lists. Correct the file.")


def _yaml_tree(path: Path, text: str) -> Any:
    """Lists of (text, line) in tables, from the parser's events; no object is made of any tag."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _YamlTree(path, text).read(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise SettingsError(f"{path}, line {line}: {error.problem}. Correct the file.") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is no YAML: {' '.join(str(error).split())}. Correct the file.") from error


class _YamlTree:
    """Puts a tree together from a parser's events, without recursion."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text
        self._open: list[Any] = []
        self._keys: list[str | None] = []
        self._root: Any = None

    def read(self, events: Iterator[Any]) -> Any:
        import yaml

        for event in events:
            if isinstance(event, yaml.AliasEvent):
                raise self._error(event, "aliases (*name) are not read, since a small file could stand for a huge one")
            if isinstance(event, yaml.ScalarEvent):
                self._put(event.value, event)
            elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                self._begin(event, [] if isinstance(event, yaml.SequenceStartEvent) else {}, events)
            elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                self._root = self._open.pop()
                self._keys.pop()
            elif isinstance(event, yaml.DocumentEndEvent):
                break
        if not isinstance(self._root, list | dict):
            raise _no_table(self._path)
        return self._root

    def _begin(self, event: object, made: object, events: Iterator[Any]) -> None:
        if len(self._open) >= MAX_NESTING:
            raise self._error(event, f"lists and tables are nested more than {MAX_NESTING} deep")
        if self._open and isinstance(self._open[-1], list):
            self._put(self._as_typed(event, events), event)
            return
        if self._open:
            self._put(made, event)
        self._open.append(made)
        self._keys.append(None)

    def _as_typed(self, event: Any, events: Iterator[Any]) -> str | None:
        """A list or table among values, `- {a|b}` without quotes say: the text as it stands, on one line."""
        import yaml

        depth, end = 1, event.end_mark.index
        while depth:
            following = next(events)
            if isinstance(following, yaml.AliasEvent):
                raise self._error(following, "aliases (*name) are not read")
            depth += isinstance(following, yaml.CollectionStartEvent) - isinstance(following, yaml.CollectionEndEvent)
            end = following.end_mark.index
        typed = self._text[event.start_mark.index : end].strip()
        return typed if event.flow_style and "\n" not in typed else None

    def _put(self, value: object, event: Any) -> None:
        if not self._open:
            self._root = value
        elif isinstance(self._open[-1], list):
            self._open[-1].append((value, event.start_mark.line + 1))
        elif self._keys[-1] is None:
            self._keys[-1] = value if isinstance(value, str) else ""
        else:
            key, self._keys[-1] = self._keys[-1], None
            self._open[-1].setdefault(key, value)

    def _error(self, event: Any, what: str) -> SettingsError:
        return SettingsError(f"{self._path}, line {event.start_mark.line + 1}: {what}. Correct the file.")
