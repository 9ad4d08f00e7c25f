"""The lists that the tools work with: YAML files of the program, and a user's own beside them.

A file of the same name in the user's folder adds to ours: entries of tables replace those of the same name, those of
lists follow ours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from modules.foundation.errors import SettingsError
from modules.foundation.plain import JsonObject
from modules.foundation.text_files import decode_text, read_file

OWN = Path(__file__).parents[1] / "data"
"""The program's own lists."""

LARGEST_FILE = 16_000_000
MAX_NESTING = 50


def read_yaml(path: Path) -> Any:
    """What a YAML file says, as plain tables, lists, texts and numbers. Raises SettingsError naming file and line."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise SettingsError(f"{path} has {size:,} bytes; the most is {LARGEST_FILE:,}. Split it.")
    text = decode_text(read_file(path))[0]
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent):
                raise SettingsError(
                    f"{path}, line {line}: aliases (*name) are not read, for a small file could stand for a huge one. "
                    "Write it out."
                )
            if depth > MAX_NESTING:
                raise SettingsError(
                    f"{path}, line {line}: this is nested more than {MAX_NESTING} deep. Correct the file."
                )
        return yaml.load(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise SettingsError(f"{path}, line {line}: {error.problem}. Correct the file.") from error
    except (yaml.YAMLError, ValueError) as error:  # a date that is none, a number of thousands of digits
        raise SettingsError(f"{path} is no YAML: {' '.join(str(error).split())}. Correct the file.") from error


class CraftData:
    """The lists by name, ours and the user's together, read again where a file has changed."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[tuple[int, int], Any, str]] = {}

    def table(self, name: str) -> JsonObject:
        """The table of `name`.yaml. What a user's damaged file says is left out; see `problems`."""
        with self._lock:
            own = self._content(OWN / f"{name}.yaml")
            user_table = self._content(self._folder() / f"{name}.yaml")
        return cast(
            "JsonObject",
            _merged(own if isinstance(own, dict) else {}, user_table if isinstance(user_table, dict) else {}),
        )

    def problems(self) -> list[str]:
        """What is wrong with files that were read, in sentences that name file and line."""
        with self._lock:
            return [problem for _, _, problem in self._read.values() if problem]

    def path(self, name: str) -> Path:
        """Where the user's own list of a name lies, or is to be put."""
        return self._folder() / f"{name}.yaml"

    def _content(self, path: Path) -> Any:
        try:
            stat = path.stat()
        except OSError:
            self._read.pop(path, None)
            return None
        state = (stat.st_mtime_ns, stat.st_size)
        known = self._read.get(path)
        if known is None or known[0] != state:
            content, problem = None, ""
            try:
                content = read_yaml(path)
                if content is not None and not isinstance(content, dict):
                    problem = f"{path}, line 1: there must be a table of names. Correct the file."
            except SettingsError as error:
                problem = str(error)
            except OSError as error:
                problem = f"{path} cannot be read: {error.strerror or error}."
            known = self._read[path] = (state, content, problem)
        return known[1]


def _merged(own: object, added: object) -> Any:
    if isinstance(own, dict) and isinstance(added, dict):
        first, second = cast("JsonObject", own), cast("JsonObject", added)
        return {
            key: _merged(first[key], second[key]) if key in first and key in second else second.get(key, first.get(key))
            for key in (*first, *(each for each in second if each not in first))
        }
    if isinstance(own, list) and isinstance(added, list):
        return [*cast("list[object]", own), *cast("list[Any]", added)]
    return added
