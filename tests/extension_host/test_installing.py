"""Bringing extensions in, up to date, and sets of them back."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from modules.extension_host.extension import Extension
from modules.extension_host.installing import install, keep_set, read_index, remove, restore_set, update, update_state
from modules.foundation.errors import RequestError


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, "-C", str(root), *arguments], check=True, capture_output=True)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    root = tmp_path / "origin" / "sd-webui-thing.git"
    root.mkdir(parents=True)
    (root / "scripts").mkdir()
    (root / "scripts" / "thing.py").write_text("one = 1\n")
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "one")
    return root


def test_a_repository_is_cloned_looked_at_updated_and_brought_back(tmp_path: Path, origin: Path) -> None:
    folder = tmp_path / "extensions"
    assert install(origin.as_uri(), folder) == "sd-webui-thing"
    extension = Extension(name="sd-webui-thing", root=folder / "sd-webui-thing")
    assert update_state(extension) == "latest"
    before = extension.version.commit
    kept = tmp_path / "states" / "mine.json"
    keep_set([extension], kept, {"disabled_extensions": ["sd-webui-thing"], "disable_all_extensions": "none"})

    (origin / "scripts" / "thing.py").write_text("two = 2\n")
    git(origin, "commit", "-am", "two")
    assert update_state(extension) == "behind by 1"
    assert update(extension) != before[:8]
    assert (extension.root / "scripts" / "thing.py").read_text() == "two = 2\n"

    changes, notes = restore_set(kept, [extension, Extension(name="newer", root=folder / "newer")])
    assert changes == {"disabled_extensions": ["sd-webui-thing", "newer"], "disable_all_extensions": "none"}
    assert notes == []
    assert extension.version.commit == before
    assert update_state(extension) == "behind by 1"
    assert restore_set(kept, [])[1] == [f"sd-webui-thing is not installed any more; it came from {origin.as_uri()}."]


def test_what_is_removed_can_be_brought_back(tmp_path: Path, origin: Path) -> None:
    folder, removed = tmp_path / "extensions", tmp_path / "removed"
    install(origin.as_uri(), folder)
    extension = Extension(name="sd-webui-thing", root=folder / "sd-webui-thing")
    lies = remove(extension, removed)
    assert not extension.root.exists()
    assert (lies / "scripts" / "thing.py").is_file()
    with pytest.raises(RequestError, match="cannot be removed"):
        remove(extension, removed)
    assert install(str(lies), folder) == lies.name


def test_local_changes_are_never_thrown_away(tmp_path: Path, origin: Path) -> None:
    folder = tmp_path / "extensions"
    install(origin.as_uri(), folder)
    extension = Extension(name="sd-webui-thing", root=folder / "sd-webui-thing")
    (extension.root / "scripts" / "thing.py").write_text("mine = 3\n")
    (origin / "scripts" / "thing.py").write_text("two = 2\n")
    git(origin, "commit", "-am", "two")
    with pytest.raises(RequestError, match="changes of its own"):
        update(extension)
    assert (extension.root / "scripts" / "thing.py").read_text() == "mine = 3\n"


def test_a_zip_file_and_a_folder_are_taken_in(tmp_path: Path, origin: Path) -> None:
    folder = tmp_path / "extensions"
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("packed-main/scripts/a.py", "a = 1\n")
        archive.writestr("packed-main/style.css", "")
    assert install(str(tmp_path / "packed.zip"), folder) == "packed"
    assert (folder / "packed" / "scripts" / "a.py").is_file()
    (tmp_path / "plain").mkdir()
    assert install(str(tmp_path / "plain"), folder) == "plain"
    with pytest.raises(RequestError, match="already"):
        install(str(tmp_path / "plain"), folder)


@pytest.mark.parametrize("name", ["../out.py", "/etc/x", "a/../../out.py", "C:\\x.py"])
def test_a_zip_file_that_would_write_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(RequestError, match="elsewhere"):
        install(str(tmp_path / "bad.zip"), tmp_path / "extensions")
    assert not list((tmp_path / "extensions").iterdir())
    assert not (tmp_path / "out.py").exists()


@pytest.mark.parametrize("source", ["", "nowhere/at/all", "ext::sh -c evil", "--upload-pack=evil", "https://"])
def test_what_is_no_extension_is_refused_and_leaves_nothing(tmp_path: Path, source: str) -> None:
    with pytest.raises(RequestError):
        install(source, tmp_path / "extensions", offline=True)
    assert not (tmp_path / "extensions").exists() or not list((tmp_path / "extensions").iterdir())


def test_an_index_lists_what_has_an_address() -> None:
    text = json.dumps({"extensions": [{"name": "A", "url": "https://example.org/a"}, {"name": "B"}, 3]})
    assert [each["name"] for each in read_index(text)] == ["A"]
    for wrong in ("no json", "[]", "{}"):
        with pytest.raises(RequestError):
            read_index(wrong)
