"""Extra networks: the built-in `lora` and `networks` as data, and kinds of networks that extensions add."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.foundation.plain import JsonObject
from modules.prompts.networks import extract_networks

if TYPE_CHECKING:
    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.networks.info import NetworkInfo


class NetworkOnDisk:
    """A network's file."""

    def __init__(self, info: NetworkInfo) -> None:
        app = current().app
        self.name, self.filename = info.name, str(info.path)
        self.metadata: JsonObject = dict(app.networks.metadata(info))
        self.is_safetensors = info.path.suffix.lower() == ".safetensors"
        self.alias = app.networks.alias(info)
        self.hash: str | None = app.networks.known_hash(info)
        self.shorthash = (self.hash or "")[:12]
        self.sd_version = "Unknown"

    def get_alias(self) -> str:
        """How a prompt mentions it."""
        return self.alias or self.name

    def read_hash(self) -> None:
        """Nothing: hashes are worked out in the background."""


def available_networks() -> dict[str, NetworkOnDisk]:
    """The LoRA files by name."""
    return {info.name: NetworkOnDisk(info) for info in current().app.networks.all("lora")}


def available_network_aliases() -> dict[str, NetworkOnDisk]:
    """The same by name and by alias."""
    found = available_networks()
    return {**{each.alias: each for each in found.values() if each.alias}, **found}


def by_hash() -> dict[str, NetworkOnDisk]:
    """Those whose hash is known, by the short one."""
    return {each.shorthash: each for each in available_networks().values() if each.hash}


def list_available_networks() -> None:
    """Read the folders again."""
    current().app.networks.refresh()


def loaded_networks() -> list[Any]:
    """The networks that are in force at this moment, each with its `name` and multipliers."""
    app = current().app
    return [_Loaded(use) for use in app.engine.extra_networks.uses] if app.engine_ready else []


class _Loaded:
    def __init__(self, use: Any) -> None:
        self.name = use.network.info.name
        self.te_multiplier, self.unet_multiplier, self.dyn_dim = use.te, use.unet, use.rank
        self.network_on_disk = NetworkOnDisk(use.network.info)
        self.multiplier = use.unet


VALUES = {
    "available_networks": available_networks,
    "available_network_aliases": available_network_aliases,
    "available_network_hash_lookup": by_hash,
    "loaded_networks": loaded_networks,
    "forbidden_network_aliases": dict,
    "networks_in_memory": dict,
    "available_loras": available_networks,
    "available_lora_aliases": available_network_aliases,
    "available_lora_hash_lookup": by_hash,
    "loaded_loras": loaded_networks,
    "forbidden_lora_aliases": dict,
    "list_available_loras": lambda: list_available_networks,
}


def value_of(module: str, name: str) -> Any:
    """A list or dict of these modules. Raises AttributeError for what there is not."""
    if name not in VALUES:
        raise AttributeError(
            f"{module} has no {name!r} in Easel: networks are merged by the program itself. Its lists are there."
        )
    return VALUES[name]()


# Kinds that extensions add


class ExtraNetworkParams:
    """What stands in one tag: items as written, those without a name, and those with one."""

    def __init__(self, items: Sequence[str] | None = None) -> None:
        self.items = list(items or [])
        self.positional: list[str] = []
        self.named: dict[str, str] = {}
        for item in self.items:
            name, equals, value = item.partition("=")
            if equals and "=" not in value:
                self.named[name] = value
            else:
                self.positional.append(item)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExtraNetworkParams) and self.items == other.items

    def __hash__(self) -> int:
        return hash(tuple(self.items))


class ExtraNetwork:
    """A kind of network: `<name:arguments>` in a prompt calls `activate` before a batch, `deactivate` after it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def activate(self, p: StableDiffusionProcessing, params_list: list[ExtraNetworkParams]) -> None:
        """The tags of a batch's first prompt; an empty list where there is none."""
        raise NotImplementedError

    def deactivate(self, p: StableDiffusionProcessing) -> None:
        """Called once the batch is made."""
        raise NotImplementedError


def registry() -> dict[str, ExtraNetwork]:
    """The kinds that extensions have added, by name."""
    return current().extras.setdefault("extra networks", {})


def register_extra_network(extra_network: ExtraNetwork) -> None:
    """Add a kind."""
    registry()[extra_network.name] = extra_network


def register_extra_network_alias(extra_network: ExtraNetwork, alias: str) -> None:
    """Let a kind go by another name as well."""
    registry()[alias] = extra_network


def parse_prompt(prompt: str) -> tuple[str, dict[str, list[ExtraNetworkParams]]]:
    """A prompt without its tags, and the tags by kind."""
    text, tags = extract_networks(prompt)
    # Extensions ask for kinds that no tag has.
    found: defaultdict[str, list[ExtraNetworkParams]] = defaultdict(list)
    for tag in tags:
        found[tag.kind].append(ExtraNetworkParams(tag.items))
    return text, found


def parse_prompts(prompts: Sequence[str]) -> tuple[list[str], dict[str, list[ExtraNetworkParams]]]:
    """Several prompts without tags, and the tags of the first."""
    read = [parse_prompt(prompt) for prompt in prompts]
    return [text for text, _ in read], read[0][1] if read else defaultdict(list)


def activate(p: StableDiffusionProcessing, extra_network_data: Mapping[str, list[ExtraNetworkParams]]) -> None:
    """Call `activate` of the kinds that extensions have added; the program's own are in force from the prompts."""
    for kind in dict.fromkeys(registry().values()):
        kind.activate(p, extra_network_data.get(kind.name, []))


def deactivate(p: StableDiffusionProcessing, extra_network_data: Mapping[str, list[ExtraNetworkParams]]) -> None:
    """Call their `deactivate`."""
    for kind in dict.fromkeys(registry().values()):
        kind.deactivate(p)


@contextlib.contextmanager
def active(p: StableDiffusionProcessing, prompts: Sequence[str]) -> Generator[None]:
    """A block in which the kinds that extensions have added are in force. One that raises is named."""
    dialect = current()
    kinds = dict.fromkeys(registry().values())
    if not kinds:
        yield
        return
    _, tags = parse_prompts(prompts)
    p.extra_network_data = tags
    begun: list[ExtraNetwork] = []
    for kind in kinds:
        with dialect.naming(type(kind).__module__, f"failed in activate of {kind.name}"):
            kind.activate(p, tags.get(kind.name, []))
            begun.append(kind)
    try:
        yield
    finally:
        for kind in begun:
            with dialect.naming(type(kind).__module__, f"failed in deactivate of {kind.name}"):
                kind.deactivate(p)
