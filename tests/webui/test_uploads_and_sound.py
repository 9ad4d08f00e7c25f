"""The folder for uploads and the sound at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from modules.application.application import Application
from modules.settings.flags import Flags
from modules.settings.model import Settings
from modules.settings.paths import Paths
from modules.webui import sound
from modules.webui.uploads import forget_broken_uploads, use_temp_dir


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


@pytest.mark.parametrize(
    ("end", "left"),
    [(None, 1), (ClientDisconnect(), 0), (HTTPException(413), 0), (MultiPartException("no"), 0), (KeyError(), 0)],
)
def test_nothing_is_left_of_an_upload_that_is_broken_off(tmp_path: Path, end: Exception | None, left: int) -> None:
    from gradio.route_utils import GradioMultiPartParser

    forget_broken_uploads()
    forget_broken_uploads()

    async def body() -> AsyncGenerator[bytes]:
        for name in ("files", "others"):
            yield b'--x\r\nContent-Disposition: form-data; name="%b"; filename="a.png"\r\n\r\n' % name.encode()
            yield b"a" * 100_000 + b"\r\n"
        if end is not None:
            raise end
        yield b"--x--\r\n"

    headers = Headers({"content-type": "multipart/form-data; boundary=x"})
    parser = GradioMultiPartParser(headers, body(), upload_dir=tmp_path, max_file_size=10**9)
    with contextlib.nullcontext() if end is None else pytest.raises(type(end)):
        form = asyncio.run(parser.parse())
        for part in form.getlist("files"):
            assert isinstance(part, UploadFile)
            part.file.close()
    assert len(list(tmp_path.iterdir())) == left
