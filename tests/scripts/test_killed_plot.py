"""A plot whose process is killed goes on where it was, whatever was being written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm_start
from tests.parity.replay import make_data
from tests.scripts.conftest import Scripts
from tests.scripts.killed_plot import PLOT, told

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_plot_makes_no_finished_cell_again(scripts: Scripts, tmp_path: Path) -> None:
    data = make_data(tmp_path / "data")

    def run(job: str, suffix: str, times: int) -> tuple[int, str]:
        command = [sys.executable, "-m", "tests.scripts.killed_plot", str(data), job, suffix, str(times)]
        with warm_start.popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=None, text=True) as process:
            output, _ = process.communicate()
        return process.returncode, output

    def kept(suffix: str) -> int:
        return len(list((data / "cache" / "plots").glob(f"*/*{suffix}")))

    # A cell counts once its notes have their name; one whose picture alone is there is made again.
    status, told_first = run("new", ".png", 3)
    assert status == -9
    assert (kept(".png"), kept(".json")) == (3, 2)
    job = told_first.split()[0]
    status, _ = run(job, ".json", 2)
    assert status == -9
    assert kept(".json") == 4
    status, told_last = run(job, "", 0)
    assert status == 0
    answer = json.loads(told_last.splitlines()[-1])
    assert answer["made"] == 2
    assert answer["result"] == told(scripts.make("x/y/z plot", *PLOT))
    assert kept("") == 0
