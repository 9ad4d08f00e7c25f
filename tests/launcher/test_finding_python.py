"""webui.sh looks for a Python that can run Easel, and says what to do when there is none."""

from __future__ import annotations

import pytest

from .conftest import Launcher


def refusal(launcher: Launcher, **environment: str) -> str:
    """The one closing sentence of a start that must fail."""
    result = launcher.run(cwd=None, **environment)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert not (launcher.folder / "venv/bin/python").exists()
    return result.stderr.strip().splitlines()[-1]


def test_without_any_python_it_says_which_versions_to_install(launcher: Launcher) -> None:
    message = refusal(launcher)
    assert "needs Python 3.11, 3.12, 3.13 or 3.14 and found no Python at all" in message
    assert "python_cmd=" in message


@pytest.mark.parametrize(("version", "word"), [((3, 9, 18), "3.9 is too old"), ((3, 15, 0), "3.15 is too new")])
def test_an_unsupported_python_is_named_with_its_version(
    launcher: Launcher, version: tuple[int, int, int], word: str
) -> None:
    launcher.python("python3", version)
    assert f"bin/python3 (Python {word})" in refusal(launcher)


def test_a_python_that_cannot_even_run_is_passed_over(launcher: Launcher) -> None:
    launcher.write("bin/python3.13", "#!/bin/sh\nexit 127\n", executable=True)
    launcher.python("python3.12", (3, 12, 1))
    result = launcher.run()
    assert result.returncode == 0
    assert "with " + str(launcher.folder / "bin/python3.12") in result.stderr


def test_the_newest_supported_python_is_taken(launcher: Launcher) -> None:
    launcher.python("python3", (3, 15, 0))
    launcher.python("python3.11", (3, 11, 7))
    launcher.python("python3.12", (3, 12, 1))
    result = launcher.run()
    assert result.returncode == 0
    assert "Making an environment with " + str(launcher.folder / "bin/python3.12") in result.stderr


@pytest.mark.parametrize("version", [(3, 11, 7), (3, 12, 1), (3, 13, 0), (3, 14, 2)])
@pytest.mark.parametrize("name", ["python3", "python{}.{}"])
def test_every_supported_python_makes_the_environment(
    launcher: Launcher, version: tuple[int, int, int], name: str
) -> None:
    path = launcher.python(name.format(*version), version)
    result = launcher.run()
    assert result.returncode == 0
    assert f"Making an environment with {path}" in result.stderr


def test_of_all_supported_pythons_the_newest_is_taken(launcher: Launcher) -> None:
    for minor in (11, 12, 13, 14):
        launcher.python(f"python3.{minor}", (3, minor, 0))
    assert "with " + str(launcher.folder / "bin/python3.14") in launcher.run().stderr


def test_the_version_that_a_distribution_brings_will_do_when_it_is_the_only_one(launcher: Launcher) -> None:
    launcher.python("python3", (3, 14, 0), missing=("venv",))
    assert "apt install python3.14-venv" in refusal(launcher)


@pytest.mark.parametrize("variable", ["PYTHON", "python_cmd"])
def test_the_python_that_was_asked_for_comes_first(launcher: Launcher, variable: str) -> None:
    launcher.python("python3.13", (3, 13, 0))
    mine = launcher.python("mine", (3, 11, 7))
    assert f"with {mine}" in launcher.run(cwd=None, **{variable: str(mine)}).stderr


def test_an_unsupported_python_that_was_asked_for_is_named_and_another_is_taken(launcher: Launcher) -> None:
    launcher.python("python3.13", (3, 13, 0))
    old = launcher.python("old", (3, 9, 18))
    result = launcher.run(PYTHON=str(old))
    assert result.returncode == 0
    assert f"{old}, the Python that was asked for, is Python 3.9 (too old); looking for another." in result.stderr
    assert "with " + str(launcher.folder / "bin/python3.13") in result.stderr


def test_a_missing_venv_module_is_named_with_its_package(launcher: Launcher) -> None:
    launcher.python("python3.11", missing=("venv",))
    message = refusal(launcher)
    assert "venv module is missing" in message
    assert "apt install python3.11-venv" in message


def test_a_half_installed_venv_module_is_named_with_its_package(launcher: Launcher) -> None:
    launcher.python(venv_error="The virtual environment was not created because ensurepip is not available.")
    message = refusal(launcher)
    assert "venv module" in message
    assert "apt install python3-venv" in message


def test_a_disk_that_is_full_before_anything_is_installed_is_named(launcher: Launcher) -> None:
    launcher.python(venv_error="[Errno 28] No space left on device")
    assert "is full. Make room and start again" in refusal(launcher)


def test_the_current_python_is_used_as_it_is_when_venv_dir_is_a_dash(launcher: Launcher) -> None:
    launcher.python("python3", (3, 12, 1), missing=("venv",))
    result = launcher.run("--port", "7861", venv_dir="-")
    assert result.stdout == "started ['--port', '7861']\n"
    assert not (launcher.folder / "venv").exists()


def test_the_current_python_is_told_to_install_what_it_lacks(launcher: Launcher) -> None:
    python = launcher.python("python3", (3, 12, 1), missing=("gradio",))
    assert f"{python} -m pip install -r requirements.lock" in refusal(launcher, venv_dir="-")
