"""Where the seconds of one piece of work went."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from dataclasses import dataclass, field


@dataclass
class Stopwatch:
    """Seconds by phase. A phase entered twice adds up; phases do not overlap by convention, not by force."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])

    @contextlib.contextmanager
    def phase(self, name: str) -> Generator[None]:
        """Count the seconds of the block under `name`, also when it raises."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

    @property
    def total(self) -> float:
        """Seconds of all phases together."""
        return sum(self.seconds.values())
