from __future__ import annotations

import pytest

from modules.foundation.timing import Stopwatch


def test_a_phase_entered_twice_adds_up_and_counts_when_it_raises() -> None:
    watch = Stopwatch()
    with watch.phase("sampling"):
        pass
    first = watch.seconds["sampling"]
    with pytest.raises(ValueError, match="no"), watch.phase("sampling"):
        raise ValueError("no")
    assert watch.seconds["sampling"] > first
    assert watch.total == watch.seconds["sampling"]
