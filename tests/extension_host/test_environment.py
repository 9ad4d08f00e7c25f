"""The environment of extensions: what goes into it, and that nothing of the program's own is touched."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from modules.extension_host.environment import Environment
from modules.extension_host.numpy_builds import for_this_numpy
from modules.extension_host.requirement_lists import requirements_of
from modules.foundation.errors import ExtensionError


def make_wheel(folder: Path, name: str, version: str, *needs: str, source: str = "") -> None:
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", *(f"Requires-Dist: {n}\n" for n in needs)]
    files = {
        f"{name}.py": source or f"VERSION = {version!r}\n",
        f"{info}/METADATA": "".join(metadata),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines: list[str] = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text.encode())}\n")
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join([*lines, f"{info}/RECORD,,\n"]))


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, "1" if name == "PIP_NO_INDEX" else str(folder))
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    made = Environment(tmp_path / "environment")
    yield made
    if str(made.packages) in sys.path:
        sys.path.remove(str(made.packages))


def check_of_the_program() -> str:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    return done.stdout


def test_what_is_missing_comes_with_its_needs_and_the_programs_own_stays(
    wheels: Path, environment: Environment
) -> None:
    before = check_of_the_program()
    make_wheel(wheels, "easel_test_top", "1.0", "easel_test_deep>=1", "numpy<1", "easel_test_extra; extra == 'more'")
    make_wheel(wheels, "easel_test_deep", "1.5")
    make_wheel(wheels, "easel_test_extra", "0.1")
    make_wheel(wheels, "numpy", "0.5", source="raise ImportError('the wrong one')\n")

    report = environment.install(["easel_test_top[more]>=1", "easel_test_absent==3"], asked_by="some")

    assert {path.name for path in environment.packages.glob("*.py")} == {
        "easel_test_top.py",
        "easel_test_deep.py",
        "easel_test_extra.py",
    }
    assert any("numpy<1" in note and "Easel's own numpy" in note for note in report.kept)
    assert len(report.failed) == 1
    assert report.failed[0].startswith("easel_test_absent==3 cannot be installed")
    assert sys.path.index(str(environment.packages)) == len(sys.path) - 1
    assert (environment.logs / "some.log").is_file()
    assert check_of_the_program() == before


def test_nothing_is_done_twice_and_a_newer_wish_is_fulfilled(wheels: Path, environment: Environment) -> None:
    make_wheel(wheels, "easel_test_one", "1.0")
    assert environment.install(["easel_test_one"], asked_by="some").installed == ["easel_test_one"]
    assert environment.install(["easel_test_one"], asked_by="other").installed == []
    make_wheel(wheels, "easel_test_one", "2.0")
    assert environment.install(["easel_test_one>=2"], asked_by="other").installed == ["easel_test_one>=2"]
    assert "2.0" in (environment.packages / "easel_test_one.py").read_text()


def test_offline_and_unreadable_wishes_are_named(wheels: Path, tmp_path: Path) -> None:
    report = Environment(tmp_path / "there", offline=True).install(["easel_test_two", "not a wish!"], asked_by="some")
    assert any("--offline" in each and "easel_test_two" in each for each in report.failed)
    assert any("not a wish!" in each for each in report.failed)


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "there", seconds=0.5)
    reason = environment.run([sys.executable, "-c", "import time; time.sleep(60)"], "some")
    assert reason is not None
    assert "longer than 0.5 seconds" in reason


@pytest.mark.skipif(sys.platform == "win32", reason="there are no groups of processes")
def test_what_a_program_that_hangs_has_started_is_ended_with_it(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    environment = Environment(tmp_path / "there", seconds=2)
    assert environment.run(["sh", "-c", f"sleep 600 & echo $! > '{begun}'; wait"], "some") is not None
    number = int(begun.read_text())
    with pytest.raises(ProcessLookupError):
        while True:
            os.kill(number, 0)
            time.sleep(0.01)


def test_where_pip_is_told_to_install_by_variables_does_not_count(
    wheels: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_wheel(wheels, "easel_test_nine", "1.0")
    for name in ("PIP_PREFIX", "PIP_TARGET"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    report = environment.install(["easel_test_nine"], asked_by="some")
    assert report.failed == []
    assert [path.name for path in environment.packages.glob("*.py")] == ["easel_test_nine.py"]


def test_a_requirements_file_is_read_with_its_options(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("two>=2\n")
    file = tmp_path / "requirements.txt"
    file.write_text("# remarks\none==1 # why\n-r more.txt\n--extra-index-url https://example.org/simple\n\n")
    assert requirements_of(file) == (["one==1", "two>=2"], ["--extra-index-url", "https://example.org/simple"])


def test_pip_of_an_extension_goes_to_the_environment_whatever_it_says(wheels: Path, environment: Environment) -> None:
    make_wheel(wheels, "easel_test_three", "1.0")
    told = environment.pip(
        ["install", "--upgrade", "--target", "/nowhere", "easel_test_three", "torch==1.13"], "requirements of some"
    )
    assert "Installed easel_test_three" in told
    assert "torch==1.13 is asked for; Easel's own torch" in told
    assert [path.name for path in environment.packages.glob("*.py")] == ["easel_test_three.py"]
    for arguments in (["uninstall", "-y", "torch"], ["install", "easel_test_nothing"], []):
        with pytest.raises(ExtensionError):
            environment.pip(arguments, "some")


INSTALLS_BY_ITSELF = """
import subprocess, sys
subprocess.run([sys.executable, "-m", "pip", "install", "easel_test_four"], check=True)
subprocess.run([sys.executable, "-m", "pip", "uninstall", "-y", "easel_test_four"])
subprocess.run([sys.executable, "-c", "from pip._internal.cli.main import main; main(['install', 'easel_test_five'])"])
import pip
assert pip.main(["install", "easel_test_six"]) == 0
"""


def test_an_install_script_that_runs_pip_by_itself_cannot_change_the_program(
    wheels: Path, environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = check_of_the_program(), versions_of_the_program()
    for name in ("four", "five", "six"):
        make_wheel(wheels, f"easel_test_{name}", "1.0")
    # If pip itself were reached, it would install here and not into the program.
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "reached"))
    script = tmp_path / "install.py"
    script.write_text(INSTALLS_BY_ITSELF, encoding="utf-8")

    assert environment.run([sys.executable, str(script)], "some") is None

    assert not (tmp_path / "reached").exists()
    found = {path.name for path in environment.packages.glob("*.py")}
    assert found == {"easel_test_four.py", "easel_test_five.py", "easel_test_six.py"}
    assert (check_of_the_program(), versions_of_the_program()) == before


BY_EVERY_WAY = """
import os, subprocess, sys
python = sys.executable
subprocess.run([python, "-I", "-m", "pip", "install", "--no-deps", "easel_test_isolated"], check=True)
assert os.system("pip install easel_test_shell") == 0
subprocess.run(["pip3", "install", "easel_test_bare"], check=True)
subprocess.run([python, "-I", "-m", "pip", "install", "--force-reinstall", "--no-deps", "easel_test_owned"], check=True)
subprocess.run([PROGRAM, "-I", "-m", "pip", "install", "--no-deps", "easel_test_absolute"], check=True)
subprocess.run([python, "-I", "-m", "pip", "uninstall", "-y", "packaging"])
import numpy
"""


def test_no_way_to_pip_leads_into_the_program(wheels: Path, environment: Environment, tmp_path: Path) -> None:
    before = check_of_the_program(), versions_of_the_program()
    for name in ("isolated", "shell", "bare", "owned", "absolute"):
        make_wheel(wheels, f"easel_test_{name}", "1.0")
    script = tmp_path / "install.py"
    script.write_text(BY_EVERY_WAY.replace("PROGRAM", repr(sys.executable)), encoding="utf-8")

    assert environment.run([sys.executable, str(script)], "some") is None

    found = {path.stem.removeprefix("easel_test_") for path in environment.packages.glob("easel_test_*.py")}
    assert found == {"isolated", "shell", "bare", "owned", "absolute"}
    assert (check_of_the_program(), versions_of_the_program()) == before


def test_what_the_program_has_does_not_stay_beside_it(wheels: Path, environment: Environment, tmp_path: Path) -> None:
    make_wheel(wheels, "torch", "1.13", source="raise ImportError('the wrong one')\n")
    script = tmp_path / "install.py"
    script.write_text(
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-I', '-m', 'pip', 'install', '--no-deps', 'torch==1.13'], check=True)\n",
        encoding="utf-8",
    )
    assert environment.run([sys.executable, str(script)], "some") is None
    assert (environment.packages / "torch.py").is_file()
    notes = environment.remove_shadowed()
    assert not (environment.packages / "torch.py").exists()
    assert len(notes) == 1
    assert "torch 1.13 is not kept; Easel's own torch" in notes[0]
    assert environment.remove_shadowed() == []


def versions_of_the_program() -> dict[str, str]:
    return {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ("matplotlib==3.6.2", "matplotlib>=3.9"),
        ("matplotlib<3.8", "matplotlib>=3.9"),
        ("Matplotlib~=3.5.1", "Matplotlib>=3.9"),
        ("matplotlib==3.9.2", "matplotlib==3.9.2"),
        ("matplotlib>=3.5", "matplotlib>=3.5"),
        ("matplotlib", "matplotlib"),
        ("opencv-python-headless==4.8.*", "opencv-python-headless>=4.10.0.84"),
        ("other==1.0", "other==1.0"),
    ],
)
def test_versions_that_were_built_for_an_older_numpy_are_not_installed(asked: str, used: str) -> None:
    assert str(for_this_numpy(Requirement(asked))) == used


def test_the_report_says_which_version_was_installed_instead(environment: Environment, wheels: Path) -> None:
    make_wheel(wheels, "matplotlib", "3.6.2")
    make_wheel(wheels, "matplotlib", "3.10.0")
    report = environment.install(["matplotlib==3.6.2"], asked_by="some")
    assert report.installed == ["matplotlib>=3.9"]
    assert report.kept == [
        "matplotlib==3.6.2 is asked for; matplotlib>=3.9 is used, for that one needs an older numpy."
    ]
