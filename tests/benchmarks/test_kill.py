"""The kill test, in small; `python -m benchmarks kill` is the whole of it."""

from __future__ import annotations

from pathlib import Path

from benchmarks import kill, kill_points


def test_no_job_is_lost_or_done_twice_unmarked_when_the_program_is_killed() -> None:
    said: list[str] = []
    result = kill.measure(kills=3, jobs=15, say=said.append, seed=3)
    assert (result["lost"], result["run_twice_without_mark"], result["broken_pictures"]) == (0, 0, 0)
    assert result["in_history"] >= 15
    assert len(said) == 2


def test_a_kill_at_a_chosen_point_loses_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    said: list[str] = []
    kills = [
        kill_points.Kill(point="after rename", times=2),
        kill_points.Kill(point="before commit", times=9),
        kill_points.Kill(point="download", times=3, work="download"),
        kill_points.Kill(point="before row", times=2, work="folder batch"),
    ]
    result = kill_points.measure(tmp_path / "data", tuple(kills), say=said.append)
    assert (result["chosen_kills"], result["half_done_files_left"]) == (4, 0)
    assert result["pictures"] >= 4
    assert len(said) == 4
