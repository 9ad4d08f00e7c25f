"""Which extensions are used, in which order, and what becomes of those that fail."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modules.extension_host.environment import Environment, Report
from modules.extension_host.host import ExtensionHost
from modules.extension_host.order import ordered
from modules.settings.flags import parse_flags
from modules.settings.store import SettingsStore


def make(data: Path, name: str, **files: str) -> Path:
    root = data / "extensions" / name
    root.mkdir(parents=True)
    for file, text in files.items():
        path = root / file.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def host(data: Path, *flags: str) -> ExtensionHost:
    return ExtensionHost(data, parse_flags([*flags, "--data-dir", str(data)]), SettingsStore(data / "config.json"))


def test_extensions_are_found_and_come_in_the_order_they_wish(tmp_path: Path) -> None:
    make(tmp_path, "a-first", metadata_dot_ini="[Extension]\nName = First\nAfter = third\n")
    make(tmp_path, "b-second")
    make(tmp_path, "c", metadata_dot_ini="[Extension]\nName = Third\nBefore = b-second, nowhere\n")
    (tmp_path / "extensions" / ".hidden").mkdir()
    (tmp_path / "extensions" / "put extensions here.txt").write_text("")
    assert [each.name for each in host(tmp_path).find()] == ["c", "a-first", "b-second"]


def test_wishes_in_a_circle_are_left_aside() -> None:
    def before(name: str) -> list[str]:
        return {"a": ["b"], "b": ["a"]}.get(name, [])

    assert ordered(["b", "a", "c"], lambda name: name, before, lambda _: []) == ["b", "a", "c"]


@pytest.mark.parametrize("flag", ["--disable-all-extensions", "--disable-extra-extensions"])
def test_a_flag_switches_all_of_them_off(tmp_path: Path, flag: str) -> None:
    make(tmp_path, "one")
    found = host(tmp_path, flag)
    found.find()
    assert found.active == []
    assert flag in found.extensions[0].why_off


def test_settings_switch_off_one_or_all(tmp_path: Path) -> None:
    make(tmp_path, "one")
    make(tmp_path, "two", metadata_dot_ini="[Extension]\nRequires = one\n")
    make(tmp_path, "three")
    (tmp_path / "config.json").write_text('{"disabled_extensions": ["one"]}')
    found = host(tmp_path)
    found.find()
    assert [each.name for each in found.active] == ["three"]
    two = next(each for each in found.extensions if each.name == "two")
    assert "'one'" in two.why_off
    (tmp_path / "config.json").write_text('{"disable_all_extensions": "extra"}')
    assert not [each for each in host(tmp_path).find() if each.enabled]


def test_a_failing_install_is_named_at_each_start_and_tried_again_when_asked_or_changed(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    bad = f"import sys\nopen({str(tries)!r}, 'a').write('x')\nsys.exit('no such thing as free')\n"
    make(tmp_path, "bad", install_dot_py=bad)
    marker = tmp_path / "count"
    make(tmp_path, "good", install_dot_py=f"open({str(marker)!r}, 'a').write('x')\n")
    for _ in range(2):
        found = host(tmp_path)
        found.find()
        found.prepare()
        failing = next(each for each in found.extensions if each.name == "bad")
        assert "no such thing as free" in failing.notes[0]
        assert "Extensions tab" in failing.notes[1]
    assert (marker.read_text(), tries.read_text()) == ("x", "x")
    assert host(tmp_path).environment.forget_failures() == ["bad"]
    assert host(tmp_path).environment.forget_failures() == []
    for times in ("xx", "xx"):
        found = host(tmp_path)
        found.find()
        found.prepare()
        assert (marker.read_text(), tries.read_text()) == ("x", times)
    (tmp_path / "extensions" / "bad" / "install.py").write_text(bad.replace("no such", "no other"))
    found = host(tmp_path)
    found.find()
    found.prepare()
    assert tries.read_text() == "xxx"


def test_without_a_network_what_is_missing_is_tried_at_the_next_start(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    source = (
        f"import sys\nopen({str(tries)!r}, 'a').write('x')\nsys.exit('urllib3 NewConnectionError: nothing there')\n"
    )
    make(tmp_path, "far", install_dot_py=source)
    for _ in range(2):
        found = host(tmp_path)
        found.find()
        found.prepare()
        assert "network cannot be reached" in found.extensions[0].notes[0]
    assert tries.read_text() == "xx"


def test_a_module_that_could_not_be_offered_is_not_looked_for_at_each_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refused(self: Environment, requirements: list[str], **_: object) -> Report:
        asked.extend(requirements)
        return Report(failed=["there is none"])

    monkeypatch.setattr(Environment, "install", refused)
    assert not host(tmp_path).offer("cv2.ximgproc")
    found = host(tmp_path)
    assert not found.offer("cv2")
    assert asked == ["opencv-python-headless"]
    found.environment.forget_failures()
    assert not host(tmp_path).offer("cv2")
    assert len(asked) == 2


def test_nothing_is_installed_where_that_is_switched_off(tmp_path: Path) -> None:
    marker = tmp_path / "count"
    make(tmp_path, "later", install_dot_py=f"open({str(marker)!r}, 'a').write('y')\n")
    found = host(tmp_path, "--skip-install")
    found.find()
    found.prepare()
    assert not marker.exists()
    assert "--skip-install" in found.extensions[0].notes[0]


def test_what_git_says_is_told_without_passwords(tmp_path: Path) -> None:
    root = make(tmp_path, "cloned", readme="text")

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *who, "-C", str(root), *arguments], check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    git("remote", "add", "origin", "https://me:secret@example.org/cloned")
    version = host(tmp_path).find()[0].version
    assert version.branch == "main"
    assert len(version.commit) == 40
    assert version.remote == "https://example.org/cloned"
