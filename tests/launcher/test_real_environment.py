"""One installation with a real environment and the real pip, from a wheel that lies on disk."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from .conftest import ROOT, Launcher, make_launcher


def write_wheel(folder: Path, name: str, version: str) -> None:
    """Write a pure Python wheel whose module holds its version."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory, tools: Path) -> Launcher:
    launcher = make_launcher(tmp_path_factory.mktemp("real"), tools)
    (launcher.folder / "bin/python3.11").symlink_to(Path(sys.base_prefix) / "bin" / f"python{sys.version[:4]}")
    launcher.write("webui.py", "import easel_probe; print(easel_probe.VERSION)")
    return launcher


def test_it_installs_starts_and_then_starts_without_installing(launcher: Launcher) -> None:
    wheels = launcher.folder / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "easel_probe", "1.0")
    launcher.write("mine.lock", "easel_probe==1.0\n")
    offline = {"REQS_FILE": "mine.lock", "PIP_NO_INDEX": "1"}
    first = launcher.run(cwd=None, **offline, PIP_FIND_LINKS=str(wheels))
    assert first.stdout == "1.0\n", first.stderr
    shutil.rmtree(wheels)
    second = launcher.run(cwd=None, **offline)
    assert (second.stdout, second.stderr) == ("1.0\n", "")


def test_an_index_that_cannot_be_reached_is_one_sentence(launcher: Launcher) -> None:
    launcher.write("mine.lock", "easel_probe==2.0\n")
    result = launcher.run(REQS_FILE="mine.lock", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1")
    assert result.returncode == 1
    assert "the package index (PyPI) cannot be reached" in result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_the_program_in_the_tree_is_what_the_launcher_starts() -> None:
    assert (ROOT / "webui.py").is_file()
