"""The lists of packages agree with each other, and the Windows files with what they name."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from .conftest import ROOT


def read_list(name: str) -> dict[str, Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    wanted = [line.split("#")[0].strip() for line in lines]
    requirements = [Requirement(line) for line in wanted if line and not line.startswith("-")]
    return {requirement.name.lower().replace("_", "-"): requirement for requirement in requirements}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock", "requirements-xformers.txt"])
def test_a_lock_names_one_exact_version_of_everything_and_no_address(name: str) -> None:
    for requirement in read_list(name).values():
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert requirement.url is None


@pytest.mark.parametrize("kind", ["requirements", "requirements-test"])
def test_the_lock_lies_within_the_ranges(kind: str) -> None:
    lock = read_list(f"{kind}.lock")
    for name, wanted in read_list(f"{kind}.txt").items():
        version = str(lock[name].specifier).removeprefix("==")
        assert wanted.specifier.contains(version), f"{name} {version} is outside {wanted.specifier}"


def test_the_lock_for_the_tests_contains_the_one_for_running() -> None:
    lines = [(ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", "requirements-test.lock")]
    runtime, tests = (set(text.splitlines()) for text in lines)
    assert runtime <= tests


def test_xformers_leaves_torch_as_it_is() -> None:
    assert read_list("requirements-xformers.txt")["torch"] == read_list("requirements.lock")["torch"]


def test_what_is_installed_here_is_what_the_lock_names() -> None:
    wrong = {}
    for name, requirement in read_list("requirements.lock").items():
        if requirement.marker is None or requirement.marker.evaluate():
            installed = importlib.metadata.version(name)
            if not requirement.specifier.contains(installed):
                wrong[name] = (str(requirement.specifier), installed)
    assert not wrong


@pytest.mark.parametrize("name", ["webui.bat", "webui-user.bat"])
def test_windows_files_have_windows_line_ends(name: str) -> None:
    content = (ROOT / name).read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n") > 0


def test_what_the_windows_files_name_exists() -> None:
    text = (ROOT / "webui.bat").read_text(encoding="utf-8") + (ROOT / "webui-user.bat").read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("rem"))
    for name in ("webui.py", "webui.bat", "requirements.lock", "requirements-xformers.txt"):
        assert name in code
        assert (ROOT / name).exists()
    labels = set(re.findall(r"^:(\w+)", code, re.MULTILINE))
    targets = set(re.findall(r"(?:goto|call) :?(\w+)", code)) - {"eof"}
    assert targets <= labels


@pytest.mark.parametrize("name", ["webui.sh", "webui-user.sh", ".ci/run"])
def test_shell_files_are_executable_with_unix_line_ends(name: str) -> None:
    path: Path = ROOT / name
    assert path.stat().st_mode & 0o100
    assert b"\r" not in path.read_bytes()


SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


def test_every_file_says_the_same_about_the_versions_of_python() -> None:
    words = f"{', '.join(SUPPORTED[:-1])} or {SUPPORTED[-1]}"
    for name in ("webui.sh", "webui.bat", "webui-user.sh", "webui-user.bat", "README.md", "docs/install.md"):
        assert words in (ROOT / name).read_text(encoding="utf-8"), name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = SpecifierSet(project["requires-python"])
    assert [minor for minor in range(20) if f"3.{minor}.5" in wanted] == [int(each[2:]) for each in SUPPORTED]
    batch = (ROOT / "webui.bat").read_text(encoding="utf-8")
    assert re.findall(r"py -(3\.\d+)", batch) == list(reversed(SUPPORTED))
    assert "(3, 11) <= sys.version_info[:2] <= (3, 14)" in batch


@pytest.mark.parametrize("version", SUPPORTED)
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_lock_has_what_each_python_lacks(version: str, system: str) -> None:
    environment = {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "sys_platform": system,
        "platform_system": SYSTEMS[system],
    }
    lock = read_list("requirements.lock")
    wanted = {name for name, each in lock.items() if each.marker is None or each.marker.evaluate(environment)}
    assert ("audioop-lts" in wanted) == (version in ("3.13", "3.14"))  # the standard library lost its audioop
    assert {"torch", "gradio", "pydantic-core", "pillow", "numpy"} <= wanted
    assert ("uvloop" in wanted) == (system != "win32")
