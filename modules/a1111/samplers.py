"""The list of samplers that extensions read and add to: `all_samplers` and what is made of it.

A `SamplerData` that is added becomes a sampler of the program, if its constructor gives a `KDiffusionSampler` whose
function is one of k-diffusion's kind: `function(model, x, sigmas, extra_args=, callback=, disable=)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, SupportsIndex

from modules.foundation.plain import JsonMapping, JsonObject
from modules.sampling.samplers import registry

OWNER = "a1111: samplers"


class SamplerData(NamedTuple):
    """One sampler: `constructor(model)` makes an object that samples."""

    name: str
    constructor: Callable[[Any], Any]
    aliases: list[str]
    options: JsonObject

    def total_steps(self, steps: int) -> int:
        """How often the model is called."""
        return steps * 2 if self.options.get("second_order") else steps


class SamplerList(list[SamplerData]):
    """A list that tells when it is changed."""

    def __init__(self, items: Iterable[SamplerData], changed: Callable[[], None]) -> None:
        super().__init__(items)
        self._changed = changed

    def append(self, item: SamplerData) -> None:
        super().append(item)
        self._changed()

    def extend(self, items: Iterable[SamplerData]) -> None:
        super().extend(items)
        self._changed()

    def insert(self, index: SupportsIndex, item: SamplerData) -> None:
        super().insert(index, item)
        self._changed()

    def remove(self, item: SamplerData) -> None:
        super().remove(item)
        self._changed()

    def pop(self, index: SupportsIndex = -1) -> SamplerData:
        item = super().pop(index)
        self._changed()
        return item

    def __iadd__(self, items: Iterable[SamplerData]) -> SamplerList:  # type: ignore[misc, override]
        self.extend(items)
        return self


def _data_of(sampler: registry.Sampler) -> SamplerData:
    from modules.a1111.sampler_objects import sampler_object

    options: JsonObject = {"scheduler": sampler.default_schedule.lower()}
    if sampler.second_order:
        options["second_order"] = True
    return SamplerData(sampler.name, lambda model: sampler_object(sampler.name, model), list(sampler.aliases), options)


def _own() -> list[SamplerData]:
    return [_data_of(sampler) for sampler in registry.SAMPLERS if registry.SAMPLERS.owner_of(sampler) != OWNER]


def register_added() -> None:
    """Make what extensions have added to the list samplers of the program."""
    from modules.a1111.sampler_objects import program_sampler

    registry.SAMPLERS.unregister(OWNER)
    for data in all_samplers:
        if registry.find(data.name) is None:
            registry.SAMPLERS.register(OWNER, program_sampler(data))


all_samplers: list[SamplerData] = SamplerList(_own(), register_added)


class _ByName(JsonMapping):
    """A view by name, always as the list is now."""

    def _now(self) -> JsonObject:
        return {each.name: each for each in all_samplers} | self.added

    def __init__(self) -> None:
        self.added: JsonObject = {}

    def __getitem__(self, name: str) -> SamplerData:
        return self._now()[name]

    def __setitem__(self, name: str, data: SamplerData) -> None:
        self.added[name] = data

    def __delitem__(self, name: str) -> None:
        """Take away what an extension has put there. Raises KeyError for what is not there."""
        if name in self.added or name not in self._now():
            del self.added[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def update(self, others: JsonMapping) -> None:
        """Add the entries of another table."""
        self.added.update(others)


all_samplers_map = _ByName()


def names_map() -> dict[str, str]:
    """Names of samplers by their names and aliases, in lower case."""
    found: dict[str, str] = {}
    for data in all_samplers:
        found[data.name.lower()] = data.name
        for alias in data.aliases:
            found[alias.lower()] = data.name
    return found


def visible_samplers() -> list[SamplerData]:
    """The samplers that the settings do not hide."""
    from modules.a1111.current import current

    hidden = set(current().shared.opts.hide_samplers)
    return [data for data in all_samplers if data.name not in hidden]


def find_sampler_config(name: str | None) -> SamplerData:
    """The sampler of a name; the first one where there is none."""
    return all_samplers_map.get(name, all_samplers[0]) if name is not None else all_samplers[0]


def set_samplers() -> None:
    """Nothing: the lists are always as the settings want them."""


def sampler_by_alias(name: str) -> str:
    """The name of the sampler that goes by `name` in any case, or `name`."""
    return names_map().get(name.lower(), name)
