"""The kill test, in small; `python -m benchmarks kill` is the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import kill, kill_points
from tests.thorough import THOROUGH

pytestmark = pytest.mark.usefixtures("warm_starts")


def test_no_job_is_lost_or_done_twice_unmarked_when_the_program_is_killed() -> None:
    said: list[str] = []
    kills, jobs = (3, 15) if THOROUGH else (2, 8)
    result = kill.measure(kills=kills, jobs=jobs, say=said.append, seed=3)
    assert (result["lost"], result["run_twice_without_mark"], result["broken_pictures"]) == (0, 0, 0)
    assert result["in_history"] >= jobs
    assert len(said) == kills - 1


def test_a_kill_at_a_chosen_point_loses_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    said: list[str] = []
    kills = [
        kill_points.Kill(point="after rename", times=2),
        kill_points.Kill(point="download", times=3, work="download"),
        kill_points.Kill(point="before row", times=2, work="folder batch"),
    ]
    if THOROUGH:
        kills.append(kill_points.Kill(point="before commit", times=9))
    result = kill_points.measure(tmp_path / "data", tuple(kills), say=said.append)
    assert (result["chosen_kills"], result["half_done_files_left"]) == (len(kills), 0)
    assert result["pictures"] >= len(kills)
    assert len(said) == len(kills)
