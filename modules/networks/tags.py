"""What the tags of a prompt ask for: `<lora:name:te:unet:dyn>` with named arguments, `<hypernet:name:strength>`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from modules.foundation.errors import NetworkError
from modules.networks.info import NetworkKind
from modules.prompts.networks import NetworkTag

KINDS: dict[str, NetworkKind] = {"lora": "lora", "lyco": "lora", "hypernet": "hypernet"}


@dataclass(frozen=True, kw_only=True)
class NetworkRequest:
    """One network that a prompt asks for: its strength in text encoder and UNet, and how much of its rank to use."""

    kind: NetworkKind
    name: str
    te: float = 1.0
    unet: float = 1.0
    rank: int | None = None


def read_tags(tags: Iterable[NetworkTag]) -> tuple[list[NetworkRequest], list[str]]:
    """The wishes in the tags of known kinds, in order, and sentences about tags that cannot be understood.

    A LoRA that is named several times works as often, each time as its last tag says: so does A1111, where one network
    in memory has one strength.
    """
    requests: list[NetworkRequest] = []
    problems: list[str] = []
    for tag in tags:
        kind = KINDS.get(tag.kind)
        if kind is None:
            continue
        try:
            requests.append(_request(kind, tag))
        except NetworkError as error:
            problems.append(str(error))
    last = {request.name: request for request in requests if request.kind == "lora"}
    return [last[request.name] if request.kind == "lora" else request for request in requests], problems


def _request(kind: NetworkKind, tag: NetworkTag) -> NetworkRequest:
    positional, named = tag.positional, tag.named
    name = positional[0] if positional else ""
    if not name.strip():
        raise NetworkError(f"The tag {written(tag)} names no network and was left out.")
    te = _number(tag, positional[1]) if len(positional) > 1 else 1.0
    te = _number(tag, named["te"]) if "te" in named else te
    unet = _number(tag, positional[2]) if len(positional) > 2 else te
    unet = _number(tag, named["unet"]) if "unet" in named else unet
    rank = _number(tag, positional[3]) if len(positional) > 3 else None
    rank = _number(tag, named["dyn"]) if "dyn" in named else rank
    return NetworkRequest(kind=kind, name=name, te=te, unet=unet, rank=None if rank is None else max(int(rank), 0))


def _number(tag: NetworkTag, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise NetworkError(f"The tag {written(tag)} was left out: {text!r} is not a number.")
    return value


def written(tag: NetworkTag) -> str:
    """A tag as it stands in a prompt."""
    return f"<{tag.kind}:{':'.join(tag.items)}>"
