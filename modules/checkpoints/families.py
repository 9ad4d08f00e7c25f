"""Which families of models there are: Easel's own, and those that extensions add."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from modules.checkpoints.architectures import sd1, sd2, sdxl, sdxl_refiner
from modules.checkpoints.architectures.elsewhere import ELSEWHERE
from modules.checkpoints.architectures.family import Family, NetworkTraces

BUILT_IN: tuple[Family, ...] = (sd1.FAMILY, sd2.FAMILY, sdxl.FAMILY, sdxl_refiner.FAMILY)


class FamilyRegistry:
    """The families of one application. Thread-safe.

    Families of extensions are asked first: they know what is special about their files. Observers hear of each change.
    """

    def __init__(self, families: Iterable[Family] = BUILT_IN) -> None:
        self._lock = threading.Lock()
        self._built_in = tuple(families)
        self._added: tuple[tuple[Family, str], ...] = ()
        self._observers: list[Callable[[], None]] = []

    def register(self, family: Family, owner: str) -> None:
        """Add a family; `owner` names the extension. Raises ValueError for a name that is taken."""
        with self._lock:
            if any(family.name.casefold() == each.name.casefold() for each in self._all()):
                raise ValueError(
                    f"{owner} adds the family {family.name!r}, which is there already; choose another name."
                )
            self._added = (*self._added, (family, owner))
        self._tell()

    def unregister(self, owner: str) -> None:
        """Take away the families that `owner` added."""
        with self._lock:
            self._added = tuple(entry for entry in self._added if entry[1] != owner)
        self._tell()

    def observe(self, observer: Callable[[], None]) -> None:
        """Have `observer` called when families were added or taken away."""
        self._observers.append(observer)

    @property
    def added(self) -> tuple[Family, ...]:
        """Those of extensions, the newest first."""
        return tuple(family for family, _ in reversed(self._added))

    @property
    def built_in(self) -> tuple[Family, ...]:
        """Easel's own."""
        return self._built_in

    def all(self) -> tuple[Family, ...]:
        """Every family, in the order in which they are asked."""
        return self._all()

    def find(self, name: str | None) -> Family | None:
        """The family of that name, None for a name of none."""
        return next((family for family in self._all() if family.name == name), None)

    def traces(self) -> Mapping[str, NetworkTraces]:
        """By what networks and embeddings of each family are known, those of families that Easel does not run too."""
        return {**{family.name: family.traces for family in self._all()}, **self._foreign()}

    @property
    def state(self) -> str:
        """Changes whenever files may be described differently; empty for Easel's own families alone."""
        return " ".join(sorted(family.name for family in self.added))

    def _all(self) -> tuple[Family, ...]:
        return (*self.added, *self._built_in)

    def _foreign(self) -> Mapping[str, NetworkTraces]:
        names = {family.name for family in self._all()}
        return {name: traces for name, traces in ELSEWHERE.items() if name not in names}

    def _tell(self) -> None:
        for observer in self._observers:
            observer()
