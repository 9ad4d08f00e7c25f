"""Tags of extra networks in a prompt: `<lora:name:0.8>`, `<lora:name:te=0.5:unet=0.7>`, `<hypernet:name:0.3>`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_OPENING = re.compile(r"<(\w+):")
_NOT_IN_NAMES = re.compile(r"[:=<>#\x00-\x1f\x7f\ud800-\udfff]+")


@dataclass(frozen=True, kw_only=True)
class NetworkTag:
    """One tag. Arguments are text as written; the first positional one is the network's name by custom."""

    kind: str
    items: tuple[str, ...]

    @property
    def positional(self) -> tuple[str, ...]:
        """The arguments without a name, in order."""
        return tuple(item for item in self.items if item.count("=") != 1)

    @property
    def named(self) -> Mapping[str, str]:
        """The arguments of the form `key=value`; of equal keys the last one counts."""
        pairs = (item.partition("=") for item in self.items if item.count("=") == 1)
        return MappingProxyType({key: value for key, _, value in pairs})


def extract_networks(text: str) -> tuple[str, list[NetworkTag]]:
    """`text` without its tags, and the tags in order. Nothing checks that such a network exists."""
    rest: list[str] = []
    tags: list[NetworkTag] = []
    position = 0
    for opening, end in _tags(text):
        rest.append(text[position : opening.start()])
        tags.append(NetworkTag(kind=opening[1], items=tuple(text[opening.end() : end].split(":"))))
        position = end + 1
    return "".join([*rest, text[position:]]), tags


def _tags(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """The beginning of each `<kind:arguments>` and the place of its `>`. The first `<kind:` goes with the next `>`."""
    position = 0
    while opening := _OPENING.search(text, position):
        end = text.find(">", opening.end())
        if end < 0:
            return
        position = opening.end()
        if end > position:
            yield opening, end
            position = end + 1


def fits_tag(name: str) -> bool:
    """Whether a tag can mention `name`: read back from one, it is the name and nothing else.

    >>> fits_tag("Zoe v1.5"), fits_tag("style: ink"), fits_tag("key=value")
    (True, False, False)
    """
    return name != "" and made_to_fit(name) == name


def made_to_fit(name: str) -> str:
    """`name` as a tag can mention it: signs that mean something there, or begin a comment, as underscores.

    There are no blanks around it.

    >>> made_to_fit(" style: <ink> ")
    'style_ _ink_'
    """
    return _NOT_IN_NAMES.sub("_", name).strip()
