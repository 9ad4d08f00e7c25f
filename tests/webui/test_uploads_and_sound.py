"""The folder for uploads and the sound at the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from modules.application.application import Application
from modules.settings.flags import Flags
from modules.settings.model import Settings
from modules.settings.paths import Paths
from modules.webui import sound
from modules.webui.uploads import use_temp_dir


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "unchanged")
    return Paths.from_flags(Flags(data_dir=tmp_path))


def test_uploads_go_where_the_setting_says(paths: Paths) -> None:
    use_temp_dir(Settings(), paths)
    assert os.environ["GRADIO_TEMP_DIR"] == "unchanged"
    use_temp_dir(Settings(temp_dir="uploads"), paths)
    assert Path(os.environ["GRADIO_TEMP_DIR"]) == (paths.data / "uploads").resolve()


def test_uploads_are_in_the_data_folder_and_gone_at_the_next_start(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    folder = paths.data / "cache" / "uploads"
    for _ in range(2):  # after a restart the variable is inherited
        (folder / ("a1" * 32)).mkdir(parents=True)
        (folder / ("a1" * 32) / "a.png").touch()
        (folder / "tmpbrokenoff").touch()
        use_temp_dir(Settings(), paths)
        assert os.environ["GRADIO_TEMP_DIR"] == str(folder.resolve())
        assert list(folder.iterdir()) == []


def test_only_what_gradio_put_there_is_removed(paths: Paths) -> None:
    folder = paths.data / "uploads"
    upload, own, linked = folder / ("a1" * 32), folder / "my pictures", folder / ("b2" * 32)
    for each in (upload, own):
        each.mkdir(parents=True)
        (each / "a.png").touch()
    linked.symlink_to(own)
    use_temp_dir(Settings(temp_dir="uploads"), paths)
    assert upload.exists()
    use_temp_dir(Settings(temp_dir="uploads", clean_temp_dir_at_start=True), paths)
    assert not upload.exists()
    assert (own / "a.png").exists()
    assert linked.exists()


def test_a_folder_that_cannot_be_made_leaves_the_systems(paths: Paths, caplog: pytest.LogCaptureFixture) -> None:
    (paths.data / "file").touch()
    use_temp_dir(Settings(temp_dir="file/uploads"), paths)
    assert os.environ["GRADIO_TEMP_DIR"] == "unchanged"
    assert "cannot be used" in caplog.text


def test_a_sound_is_played_where_there_is_one(tmp_path: Path) -> None:
    app, api = Application(Flags(data_dir=tmp_path)), FastAPI()
    sound.add_route(api, app)
    try:
        with TestClient(api) as client:
            assert sound.address(app) is None
            assert client.get("/easel/notification.mp3").status_code == 404
            (tmp_path / "notification.mp3").write_bytes(b"ID3")
            assert sound.address(app) == "easel/notification.mp3"
            assert client.get("/easel/notification.mp3").content == b"ID3"
            app.settings.change({"notification_audio": False})
            assert sound.address(app) is None
    finally:
        app.close()
