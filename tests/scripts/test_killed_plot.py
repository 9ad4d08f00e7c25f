"""A plot whose process is killed goes on where it was, whatever was being written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parity.replay import make_data
from tests.scripts.conftest import Scripts
from tests.scripts.killed_plot import PLOT, told

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_plot_makes_no_finished_cell_again(scripts: Scripts, tmp_path: Path) -> None:
    data = make_data(tmp_path / "data")

    def run(job: str, suffix: str, times: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.scripts.killed_plot", str(data), job, suffix, str(times)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    def kept(suffix: str) -> int:
        return len(list((data / "cache" / "plots").glob(f"*/*{suffix}")))

    # A cell counts once its notes have their name; one whose picture alone is there is made again.
    first = run("new", ".png", 3)
    assert first.returncode == -9, first.stderr[-2000:]
    assert (kept(".png"), kept(".json")) == (3, 2)
    job = first.stdout.split()[0]
    second = run(job, ".json", 2)
    assert second.returncode == -9, second.stderr[-2000:]
    assert kept(".json") == 4
    third = run(job, "", 0)
    assert third.returncode == 0, third.stderr[-2000:]
    answer = json.loads(third.stdout.splitlines()[-1])
    assert answer["made"] == 2
    assert answer["result"] == told(scripts.make("x/y/z plot", *PLOT))
    assert kept("") == 0
