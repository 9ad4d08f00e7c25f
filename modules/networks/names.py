"""The names under which prompts may mention the networks of one kind."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from modules.library.collection import Entry
from modules.library.names import folded, plain
from modules.networks.info import NetworkInfo, NetworkKind
from modules.prompts.networks import fits_tag, made_to_fit


@dataclass(kw_only=True)
class NetworkNames:
    """The networks of one kind as they were in one list of the collection, by their names.

    `by_name` has names of files and paths below their folder; `spelled` the same in other spellings, of which the first
    file has each. `by_alias` has None for an alias that several files give themselves. `tags` has, by path, what tags
    call files whose own name they cannot hold.
    """

    entries: tuple[Entry, ...] = ()
    infos: tuple[NetworkInfo, ...] = ()
    by_name: dict[str, NetworkInfo] = field(default_factory=dict[str, NetworkInfo])
    by_alias: dict[str, NetworkInfo | None] = field(default_factory=dict[str, "NetworkInfo | None"])
    spelled: dict[str, NetworkInfo] = field(default_factory=dict[str, NetworkInfo])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    _preferred: dict[bool, dict[str, str]] = field(default_factory=dict[bool, dict[str, str]])

    def file(self, name: str) -> NetworkInfo | None:
        """The network whose file is called `name` or, in another spelling, `name` without blanks around it."""
        return self.by_name.get(name) or self.by_name.get(name.strip())

    def find(self, name: str, kind: NetworkKind) -> NetworkInfo | None:
        """The network that a prompt calls `name`: a file's name, else an alias of a LoRA, else another spelling."""
        if (found := self.file(name)) is not None:
            return found
        if kind == "lora" and (found := self.by_alias.get(plain(name))) is not None:
            return found
        return self.respelled(name)

    def preferred(self, kind: NetworkKind, *, by_alias: bool) -> Mapping[str, str]:
        """How a tag should mention each network, by path: see `NetworkCatalogue.preferred_name`."""
        if by_alias not in self._preferred:
            aliases = {entry.found.path: entry.facts.alias for entry in self.entries} if by_alias else {}
            found = self._preferred[by_alias] = dict[str, str]()
            for info in self.infos:
                path = str(info.path)
                alias = (aliases.get(path) or info.name).strip()
                for name in (alias, info.name):
                    if fits_tag(name) and self.find(name, kind) is info:
                        found[path] = name
                        break
                else:
                    below = info.relative_name
                    fits = fits_tag(below) and self.find(below, kind) is info
                    found[path] = below if fits else self.tags.get(path, info.name)
        return self._preferred[by_alias]

    def respelled(self, name: str) -> NetworkInfo | None:
        """The network whose file is called `name` when it is spelled on another system, or in another case."""
        return self.spelled.get(plain(name)) or self.spelled.get(folded(name))

    def add_spellings(self) -> None:
        """Fill `tags` and `spelled` from the other names, the nearest spellings first."""
        for info in self.infos:
            if not fits_tag(info.name):
                tag = next(name for name in _numbered(plain(made_to_fit(info.name)) or "_") if self._is_free(name))
                self.tags[str(info.path)] = tag
                self.spelled[tag] = info
        for spell in (plain, folded):
            for name, info in self.by_name.items():
                self.spelled.setdefault(spell(name), info)

    def _is_free(self, name: str) -> bool:
        return name not in self.by_name and name not in self.by_alias and name not in self.spelled


def _numbered(name: str) -> Iterator[str]:
    """`name`, then the same with numbers behind it."""
    yield name
    yield from (f"{name}_{number}" for number in itertools.count(2))
