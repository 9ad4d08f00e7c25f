"""Which families of models there are: Easel's own, and those that extensions add."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping

from modules.checkpoints.architectures import alt_diffusion, sd1, sd2, sdxl, sdxl_refiner
from modules.checkpoints.architectures.family import Family, NetworkTraces
from modules.checkpoints.architectures.unsupported_families import UNSUPPORTED_FAMILIES
from modules.foundation.registry import BUILT_IN as BUILT_IN_OWNER
from modules.foundation.registry import Registry

BUILT_IN: tuple[Family, ...] = (
    *(alt_diffusion.FAMILY, sd1.FAMILY, sd2.FAMILY),
    *(sdxl.FAMILY, sdxl_refiner.FAMILY),
)
"""In the order in which they are asked: those with marks of their own before what they were made from."""


class FamilyRegistry(Registry[Family]):
    """The families of one application. Thread-safe.

    Families of extensions are asked first, the newest before the others: they know what is special about their files.
    """

    def __init__(self, families: Iterable[Family] = BUILT_IN) -> None:
        self.built_in = tuple(families)
        self._count = itertools.count(1)
        super().__init__("family", lambda family: (family.name,))
        for family in self.built_in:
            super().register(BUILT_IN_OWNER, family)

    def register(self, owner: str, item: Family, *, order: int | None = None) -> Callable[[], None]:
        """Add a family in the name of `owner`. Raises ExtensionError for a name that is taken."""
        return super().register(owner, item, order=-next(self._count) if order is None else order)

    @property
    def added(self) -> tuple[Family, ...]:
        """Those of extensions, in the order in which they are asked."""
        return tuple(family for family in self if family not in self.built_in)

    def all(self) -> tuple[Family, ...]:
        """Every family, in the order in which they are asked."""
        return tuple(self)

    def find(self, name: str | None) -> Family | None:
        """The family of that name, None for a name of none."""
        return None if name is None else super().find(name)

    def traces(self) -> Mapping[str, NetworkTraces]:
        """By what networks and embeddings of each family are known, those of families that Easel does not run too."""
        return {**{family.name: family.traces for family in self}, **self._foreign()}

    @property
    def state(self) -> str:
        """Changes whenever files may be described differently; empty for Easel's own families alone."""
        return " ".join(sorted(family.name for family in self.added))

    def _foreign(self) -> Mapping[str, NetworkTraces]:
        names = {family.name for family in self}
        return {name: traces for name, traces in UNSUPPORTED_FAMILIES.items() if name not in names}
