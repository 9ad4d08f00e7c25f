from __future__ import annotations

import os
from pathlib import Path

import pytest

from modules.library.folders import ModelFolders, natural_key

SUFFIXES = (".safetensors", ".pt")


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def settle(folder: Path) -> None:
    """Make a folder's time one of long ago, so that only a change of it tells of a change."""
    for each in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        os.utime(each, (1_000_000_000, 1_000_000_000))


def names(folders: ModelFolders) -> list[str]:
    return [found.relative for found in folders.files()]


def test_files_below_a_folder_are_found_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.pt", "A.safetensors", "deep/er/c.PT", "d.txt", "._b.pt", ".hidden/e.pt"):
        put(tmp_path / name)
    folders = ModelFolders(lambda: [tmp_path, tmp_path / "not there"], SUFFIXES)
    assert sorted(names(folders)) == [".hidden/e.pt", "A.safetensors", "b.pt", "deep/er/c.PT"]
    assert folders.names_beside(str(tmp_path / "b.pt")) >= {"d.txt", "b.pt"}
    hidden = ModelFolders(lambda: [tmp_path], SUFFIXES, hidden=lambda: False)
    assert sorted(names(hidden)) == ["A.safetensors", "b.pt", "deep/er/c.PT"]


def test_new_gone_and_renamed_files_are_noticed_by_the_folders_time(tmp_path: Path) -> None:
    put(tmp_path / "sub" / "one.pt")
    folders = ModelFolders(lambda: [tmp_path], SUFFIXES)
    assert names(folders) == ["sub/one.pt"]
    for change, expected in (
        (lambda: put(tmp_path / "sub" / "two.pt"), ["sub/one.pt", "sub/two.pt"]),
        (lambda: put(tmp_path / "new" / "three.pt"), ["new/three.pt", "sub/one.pt", "sub/two.pt"]),
        ((tmp_path / "sub" / "one.pt").unlink, ["new/three.pt", "sub/two.pt"]),
        (lambda: (tmp_path / "sub" / "two.pt").rename(tmp_path / "sub" / "four.pt"), ["new/three.pt", "sub/four.pt"]),
        (lambda: (tmp_path / "sub").rename(tmp_path / "moved"), ["moved/four.pt", "new/three.pt"]),
    ):
        settle(tmp_path)
        folders.files()
        change()
        assert sorted(names(folders)) == expected


def test_changes_within_one_tick_of_the_clock_are_noticed(tmp_path: Path) -> None:
    folders = ModelFolders(lambda: [tmp_path], SUFFIXES)
    for index in range(20):
        put(tmp_path / f"{index}.pt")
        assert len(folders.files()) == index + 1


def test_what_did_not_change_is_the_same_object_and_reads_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "sub" / "one.pt")
    settle(tmp_path)
    folders = ModelFolders(lambda: [tmp_path], SUFFIXES)
    before, generation = folders.files(), folders.generation
    monkeypatch.setattr(os, "scandir", lambda folder: pytest.fail(f"{folder} was read"))
    assert folders.files() is before
    assert folders.generation == generation


def test_a_refresh_reads_folders_whose_time_tells_nothing(tmp_path: Path) -> None:
    put(tmp_path / "one.pt")
    settle(tmp_path)
    folders = ModelFolders(lambda: [tmp_path], SUFFIXES)
    folders.files()
    put(tmp_path / "two.pt")
    settle(tmp_path)
    assert names(folders) == ["one.pt"]
    folders.refresh()
    assert names(folders) == ["one.pt", "two.pt"]


def test_folders_and_files_that_are_added_are_noticed(tmp_path: Path) -> None:
    searched = [tmp_path / "first"]
    put(tmp_path / "second" / "b.pt")
    folders = ModelFolders(lambda: searched, SUFFIXES, singles=[tmp_path / "single.bin"])
    assert names(folders) == []
    put(tmp_path / "first" / "a.pt")
    put(tmp_path / "single.bin")
    searched.append(tmp_path / "second")
    assert names(folders) == ["a.pt", "b.pt", "single.bin"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_a_folder_above_ends_and_other_links_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "a.pt")
    models = tmp_path / "models"
    put(models / "sub" / "b.pt")
    (models / "sub" / "up").symlink_to(models, target_is_directory=True)
    (models / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert names(ModelFolders(lambda: [models], SUFFIXES)) == ["linked/a.pt", "sub/b.pt"]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_text_is_left_out_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.pt")).write_bytes(b"x")
    put(tmp_path / "a.pt")
    assert names(ModelFolders(lambda: [tmp_path], SUFFIXES)) == ["a.pt"]
    assert "no text" in caplog.text


def test_a_folder_in_diffusers_form_is_one_file(tmp_path: Path) -> None:
    put(tmp_path / "pipe" / "model_index.json")
    put(tmp_path / "pipe" / "unet" / "weights.safetensors")
    put(tmp_path / "other" / "a.safetensors")
    folders = ModelFolders(lambda: [tmp_path], SUFFIXES, takes_folders=True)
    assert sorted(names(folders)) == [
        "other/a.safetensors",
        "pipe",
    ]


def test_names_are_sorted_as_people_sort_them() -> None:
    shuffled = ["v10 final.safetensors", "B.pt", "v2b.pt", "a-b.pt", "v10.pt", "a.pt", "v2.pt"]
    wanted = ["a.pt", "a-b.pt", "B.pt", "v2.pt", "v2b.pt", "v10.pt", "v10 final.safetensors"]
    assert sorted(shuffled, key=natural_key) == wanted


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_that_leads_nowhere_is_no_model_and_hides_no_other(tmp_path: Path) -> None:
    put(tmp_path / "z.pt")
    (tmp_path / "dangling.pt").symlink_to(tmp_path / "gone.pt")
    (tmp_path / "circle.pt").symlink_to(tmp_path / "circle.pt")
    (tmp_path / "dangling.png").symlink_to(tmp_path / "gone.png")
    folders = ModelFolders(lambda: [tmp_path], SUFFIXES)
    assert names(folders) == ["z.pt"]
    assert folders.names_beside(str(tmp_path / "z.pt")) == {"z.pt"}


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_is_listed_as_long_as_its_target_is_there(tmp_path: Path) -> None:
    target = tmp_path / "disk" / "a.pt"
    put(target)
    models = tmp_path / "models"
    models.mkdir()
    (models / "a.pt").symlink_to(target)
    folders = ModelFolders(lambda: [models], SUFFIXES)
    os.utime(models, (1, 1))
    assert names(folders) == ["a.pt"]
    target.unlink()
    assert names(folders) == []
    put(target)
    assert names(folders) == ["a.pt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders there")
def test_a_pipe_is_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    put(tmp_path / "a.pt")
    assert names(ModelFolders(lambda: [tmp_path], SUFFIXES)) == ["a.pt"]
