"""webui.sh installs once, goes on after an interruption, and explains why an installation failed."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from .conftest import Launcher


@pytest.fixture(autouse=True)
def python(launcher: Launcher) -> None:
    launcher.python()


def pip_calls(launcher: Launcher) -> int:
    return sum("-m pip install" in call for call in launcher.calls)


def test_a_second_start_installs_nothing_and_says_nothing(launcher: Launcher) -> None:
    first, second = launcher.run("--api"), launcher.run("--api")
    assert "Installed." in first.stderr
    assert second.stderr == ""
    assert first.stdout == second.stdout == "started ['--api']\n"
    assert pip_calls(launcher) == 1


def test_only_wheels_of_the_lock_are_installed(launcher: Launcher) -> None:
    launcher.run()
    [call] = [call for call in launcher.calls if "-m pip" in call]
    assert "--only-binary=:all:" in call
    assert call.endswith("-r requirements.lock")


def test_a_changed_lock_is_installed_on_top(launcher: Launcher) -> None:
    launcher.run()
    launcher.write("requirements.lock", "# another\n")
    result = launcher.run()
    assert "Making an environment" not in result.stderr
    assert "Installed." in result.stderr
    assert pip_calls(launcher) == 2


def test_an_environment_made_for_the_tests_starts_the_program_too(launcher: Launcher) -> None:
    launcher.write("tool", "#!/bin/sh\n", executable=True)
    launcher.run("test")
    assert launcher.run().stderr == ""
    assert pip_calls(launcher) == 1


def test_an_installation_that_did_not_finish_is_made_anew(launcher: Launcher) -> None:
    launcher.pip("exit 1\n")
    assert launcher.run().returncode == 1
    leftover = launcher.write("venv/lib/half", "")
    launcher.pip("exit 0\n")
    result = launcher.run()
    assert "did not finish; starting over" in result.stderr
    assert result.returncode == 0
    assert not leftover.exists()


def test_stopping_an_installation_stops_pip_and_leaves_a_state_to_go_on_from(launcher: Launcher) -> None:
    launcher.pip("echo $$ >pip.pid\nexec sleep 60\n")
    process = subprocess.Popen(
        [str(launcher.folder / "webui.sh")],
        env=launcher.environment({}),
        cwd=launcher.folder,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        pid_file = launcher.folder / "pip.pid"
        while not (pid_file.exists() and pid_file.read_text(encoding="utf-8").strip()):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, message = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Start ./webui.sh again and it goes on" in message
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text(encoding="utf-8")), 0)
    launcher.pip("exit 0\n")
    assert launcher.run().returncode == 0


FAILURES = {
    "disk full": (
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "the disk is full. Make room",
    ),
    "no network": (
        "WARNING: Retrying after connection broken by 'NewConnectionError(Failed to establish a new connection: "
        "[Errno -2] Name or service not known)'",
        "PyPI) cannot be reached. Connect to the internet",
    ),
    "download broken off": (
        "urllib3.exceptions.IncompleteRead: IncompleteRead(5 bytes read, 9 more expected)",
        "PyPI) cannot be reached. Connect to the internet",
    ),
    "not writable": ("ERROR: [Errno 13] Permission denied: 'x'", "cannot be written to. Make it writable"),
    "anything else": ("ERROR: No matching distribution found for torch==99", "pip could not install requirements.lock"),
}


@pytest.mark.parametrize("reason", FAILURES)
def test_a_failed_installation_ends_with_one_sentence_on_what_to_do(launcher: Launcher, reason: str) -> None:
    report, sentence = FAILURES[reason]
    launcher.pip(f'echo "Traceback (most recent call last):"\necho "{report}"\nexit 2\n')
    result = launcher.run()
    assert result.returncode == 1
    assert result.stdout == ""
    assert sentence in result.stderr.strip().splitlines()[-1]
    assert "start again" in result.stderr
    assert report in (launcher.folder / "venv/install.log").read_text(encoding="utf-8")
    assert (reason == "anything else") == (report in result.stderr)


def test_too_little_disk_space_is_named_before_the_download(launcher: Launcher) -> None:
    launcher.write("bin/df", "#!/bin/sh\necho head\necho disk 1 1 2097152 1% /\n", executable=True)
    result = launcher.run()
    assert result.returncode == 1
    assert "free disk space, and" in result.stderr
    assert "has 2 GB" in result.stderr
    assert pip_calls(launcher) == 0


def test_a_folder_that_cannot_be_written_is_named(launcher: Launcher) -> None:
    launcher.write("file", "")
    result = launcher.run(venv_dir="file/venv")
    assert result.returncode == 1
    assert "cannot write to" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_environment_of_another_program_is_left_alone(launcher: Launcher) -> None:
    old = launcher.python("old", (3, 10, 6))
    launcher.write("venv/bin/python", f'#!/bin/sh\nexec {old} "$@"\n', executable=True)
    result = launcher.run()
    assert result.returncode == 1
    assert "was not made by Easel" in result.stderr
    assert not (launcher.folder / "venv/.easel").exists()


def test_xformers_is_installed_only_when_asked_for(launcher: Launcher) -> None:
    launcher.run()
    assert not any("xformers" in call for call in launcher.calls)
    for _ in range(2):
        assert launcher.run("--xformers").stdout == "started ['--xformers']\n"
    assert sum("-r requirements-xformers.txt" in call for call in launcher.calls) == 1


def test_without_a_fitting_xformers_it_says_to_start_without(launcher: Launcher) -> None:
    launcher.run()
    launcher.pip("echo ERROR: No matching distribution found for xformers; exit 1\n")
    result = launcher.run("--xformers")
    assert result.returncode == 1
    assert "Start without --xformers" in result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("flag", ["--skip-install", "--skip-prepare-environment"])
def test_nothing_is_installed_when_the_flag_says_so(launcher: Launcher, flag: str) -> None:
    launcher.run()
    launcher.write("requirements.lock", "# another\n")
    assert launcher.run(flag).stdout == f"started ['{flag}']\n"
    assert pip_calls(launcher) == 1
