"""The kill test, in small; `python -m benchmarks kill` is the whole of it."""

from __future__ import annotations

from benchmarks import kill


def test_no_job_is_lost_or_done_twice_unmarked_when_the_program_is_killed() -> None:
    said: list[str] = []
    result = kill.measure(kills=3, jobs=15, say=said.append, seed=3)
    assert (result["lost"], result["run_twice_without_mark"], result["broken_pictures"]) == (0, 0, 0)
    assert result["in_history"] >= 15
    assert len(said) == 2
