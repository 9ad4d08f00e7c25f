"""Two Easels over one data folder, or one settings file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modules.application.instance_lock import NAME
from modules.application.launch import prepare
from modules.foundation.errors import StartupError

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from modules.application.launch import prepare
application, listener = prepare(sys.argv[1:])
print("ready", flush=True)
sys.stdin.read()
"""


def holding(*arguments: str) -> subprocess.Popen[str]:
    """Another process that has got so far as to serve."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, "--port", "0", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def starts(*arguments: str) -> None:
    """Start here, and end again; raises what keeps it from starting."""
    application, listener = prepare(["--port", "0", *arguments])
    listener.close()
    application.close()


def test_a_second_easel_says_who_has_the_folder_and_does_not_start_until_that_one_has_gone(tmp_path: Path) -> None:
    with holding("--data-dir", str(tmp_path)) as other:
        (tmp_path / "config.json").write_text('{"jpeg_quality": 33}')
        with pytest.raises(StartupError, match=rf"in use by another Easel \(process {other.pid} on .*--data-dir"):
            starts("--data-dir", str(tmp_path))
        starts("--data-dir", str(tmp_path / "another"))
        other.kill()
    starts("--data-dir", str(tmp_path))
    starts("--data-dir", str(tmp_path))


def test_a_settings_file_elsewhere_has_one_easel_too(tmp_path: Path) -> None:
    shared = str(tmp_path / "shared" / "config.json")
    with holding("--data-dir", str(tmp_path / "one"), "--ui-settings-file", shared) as other:
        with pytest.raises(StartupError, match="--ui-settings-file"):
            starts("--data-dir", str(tmp_path / "two"), "--ui-settings-file", shared)
        starts("--data-dir", str(tmp_path / "two"))
        other.kill()
    starts("--data-dir", str(tmp_path / "two"), "--ui-settings-file", shared)


def test_a_lock_file_without_a_holder_is_ignored(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("whatever a crash has left")
    starts("--data-dir", str(tmp_path))
