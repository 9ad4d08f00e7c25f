"""Networks in the prompts of pasted parameters, under the names that they have on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable

from modules.foundation.plain import JsonMapping

NetworkByHash = Callable[[str], str | None]
IsHere = Callable[[str, str], bool]
"""Whether the network that a name calls is here and is the one with this hash."""

_TAG = re.compile(r"<(lora|lyco):([^:>]+)")
_HASH_AFTER_NAME = re.compile(r"\([0-9a-fA-F]+\)$")
ADDED_NETWORKS = 5
"""How many networks the Additional Networks extension had room for."""


def with_local_names(
    prompt: str, hashes: str, name_by_hash: NetworkByHash, is_here: IsHere = lambda name, digest: False
) -> str:
    """`prompt` with each network's name replaced by that of the file here that has the same hash.

    `hashes` is the value of "Lora hashes": "name: hash, name: hash". What is here by its name, and what no file here
    has, stays as it is.

    >>> with_local_names("a cat <lora:fur:0.5>", "fur: 12ab", {"12ab": "my fur"}.get)
    'a cat <lora:my fur:0.5>'
    """
    pairs = (entry.rpartition(":") for entry in hashes.split(","))
    hash_of = {name.strip(): digest.strip() for name, _, digest in pairs}

    def local(match: re.Match[str]) -> str:
        digest = hash_of.get(match[2].replace(",", "").strip())
        name = name_by_hash(digest) if digest and not is_here(match[2], digest) else None
        return f"<{match[1]}:{name}" if name else match[0]

    return _TAG.sub(local, prompt)


def added_networks(values: JsonMapping) -> str:
    """The tags that say what the Additional Networks extension wrote into parameters; "" where it did not."""
    if str(values.get("AddNet Enabled")) != "True":
        return ""
    tags: list[str] = []
    for number in range(1, ADDED_NETWORKS + 1):
        name = _HASH_AFTER_NAME.sub("", str(values.get(f"AddNet Model {number}", ""))).strip()
        if values.get(f"AddNet Module {number}") == "LoRA" and name and name != "None":
            weight = values.get(f"AddNet Weight A {number}", values.get(f"AddNet Weight {number}", 1.0))
            tags.append(f"<lora:{name}:{weight}>")
    return "".join(tags)
