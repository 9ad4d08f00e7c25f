"""/file=: pictures are served, other files are not."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.api.conftest import Served, flags_for, serving


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data, open_folder = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("open")
    (open_folder / "page.html").write_text("<script>alert(1)</script>", encoding="utf-8")
    with serving(flags_for(data, gradio_allowed_path=(open_folder,))) as served:
        for name in ("outputs/a.png", "models/Lora/b.png", "outputs/.hidden/c.png", "d.png"):
            path = data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4, 4)).save(path)
        (data / "outputs" / "log.csv").write_text("a,b", encoding="utf-8")
        (data / "models" / "Lora" / "b.safetensors").write_bytes(b"weights")
        (data / "config.json").write_text("{}", encoding="utf-8")
        (data / "outputs" / "link.json").symlink_to(data / "config.json")
        served.client.headers["open-folder"] = str(open_folder)
        yield served


def test_pictures_are_served_by_absolute_and_by_relative_path(files: Served) -> None:
    for path in (f"{files.data}/outputs/a.png", "outputs/a.png", f"{files.data}/models/Lora/b.png?123.4"):
        response = files.client.get(f"/file={path}")
        assert response.status_code == 200, path
        assert response.headers["content-type"] == "image/png"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert files.client.head(f"/file={path}").headers["content-length"] == str(len(response.content))
    assert files.client.get("/file=outputs/log.csv").text == "a,b"
    assert files.client.get("/file/outputs/log.csv").text == "a,b"
    assert files.client.get("/file/config.json").status_code == 403


def test_what_a_flag_names_is_served_but_never_as_a_page(files: Served) -> None:
    response = files.client.get(f"/file={files.client.headers['open-folder']}/page.html")
    assert response.status_code == 200
    assert response.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "{data}/config.json",
        "config.json",
        "{data}/d.png",
        "{data}/outputs/../config.json",
        "outputs/../../../../../../etc/passwd",
        "outputs/%2e%2e/config.json",
        "outputs/..%2fconfig.json",
        "{data}/outputs/link.json",
        "{data}/outputs/.hidden/c.png",
        "{data}/models/Lora/b.safetensors",
        "/etc/passwd",
        "//server/share/a.png",
        "\\\\server\\share\\a.png",
        "http://example.org/a.png",
        "file:///etc/passwd",
        "outputs/a.png%00.txt",
        "~/secret.png",
        "",
    ],
)
def test_anything_else_is_refused(files: Served, path: str) -> None:
    # Most clients would resolve the dots of a path before they ask.
    connection = http.client.HTTPConnection(files.client.base_url.host, files.client.base_url.port)
    connection.request("GET", "/file=" + path.format(data=files.data))
    response = connection.getresponse()
    assert response.status == 403
    assert json.loads(response.read())["error"] == "HTTPException"
    connection.close()


def test_a_picture_that_is_not_there_is_not_found(files: Served) -> None:
    assert files.client.get("/file=outputs/none.png").status_code == 404
    assert files.client.get("/file=outputs/" + "n" * 5000 + ".png").status_code == 404


def test_a_folder_that_a_setting_names_is_served_for_its_pictures_only(files: Served, tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "e.png")
    (tmp_path / "secret.txt").write_text("hush", encoding="utf-8")
    files.app.settings.change({"outdir_samples": str(tmp_path)}, save=False)
    assert files.client.get(f"/file={tmp_path}/e.png").status_code == 200
    assert files.client.get(f"/file={tmp_path}/secret.txt").status_code == 403
    files.app.settings.change({"outdir_samples": ""}, save=False)
    assert files.client.get(f"/file={tmp_path}/e.png").status_code == 403


def test_pages_of_extensions_are_shown_with_their_scripts(tmp_path: Path) -> None:
    for name, text in {"page.html": "<script>go()</script>", "worker.js": "go()"}.items():
        path = tmp_path / "extensions" / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with serving(flags_for(tmp_path)) as served:
        served.app.extensions.find()
        for name, kind in {"page.html": "text/html", "worker.js": "javascript"}.items():
            response = served.client.get(f"/file=extensions/own/{name}")
            assert kind in response.headers["content-type"]
            assert "attachment" not in response.headers.get("content-disposition", "")
            assert "sandbox" not in response.headers["content-security-policy"]
            assert response.headers["x-content-type-options"] == "nosniff"
