"""Which extensions are used, in which order, and what becomes of those that fail."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

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


def test_a_failing_install_is_named_with_its_reason_and_tried_again(tmp_path: Path) -> None:
    make(tmp_path, "bad", install_dot_py="import sys\nsys.exit('no such thing as free')\n")
    marker = tmp_path / "count"
    make(tmp_path, "good", install_dot_py=f"open({str(marker)!r}, 'a').write('x')\n")
    for _ in range(2):
        found = host(tmp_path)
        found.find()
        found.prepare()
        bad = next(each for each in found.extensions if each.name == "bad")
        assert "no such thing as free" in bad.notes[0]
    assert marker.read_text() == "x"
    make(tmp_path, "later", install_dot_py=f"open({str(marker)!r}, 'a').write('y')\n")
    found = host(tmp_path, "--skip-install")
    found.find()
    found.prepare()
    assert marker.read_text() == "x"


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
