"""Where the seconds of one piece of work went."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field


@dataclass
class Stopwatch:
    """Seconds by phase. A phase entered twice adds up; phases do not overlap by convention, not by force.

    `on_phase` hears of each phase when it ends, with its name and the seconds it took.
    """

    seconds: dict[str, float] = field(default_factory=dict[str, float])
    on_phase: Callable[[str, float], None] | None = None

    @contextlib.contextmanager
    def phase(self, name: str) -> Generator[None]:
        """Count the seconds of the block under `name`, also when it raises."""
        started = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + taken
            if self.on_phase is not None:
                self.on_phase(name, taken)

    @property
    def total(self) -> float:
        """Seconds of all phases together."""
        return sum(self.seconds.values())
