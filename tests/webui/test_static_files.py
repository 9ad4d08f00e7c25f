"""Files served from memory: what a browser is told of them, and that nothing outside their folder is served."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from modules.webui.static_files import KEPT, StaticFolder, version_of

LONG = "a { color: red }\n" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    (made / "below").mkdir(parents=True)
    (made / "a.css").write_text(LONG, encoding="utf-8")
    (made / "below" / "b.js").write_text("export {};", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    return made


def client(folder: Path) -> TestClient:
    joined = {"all.css": ("a.css", "more.css")}
    plain = StaticFolder(folder, instead={"below/c.js": b"instead"}, joined=joined)
    kept = StaticFolder(folder, cache=KEPT, joined=joined, versioned=True)
    return TestClient(Starlette(routes=[Mount("/plain", plain), Mount("/kept", kept)]))


def test_a_file_is_packed_where_that_is_a_gain_and_sent_once(folder: Path) -> None:
    browser = client(folder)
    answer = browser.get("/plain/a.css")
    assert (answer.text, answer.headers["content-type"]) == (LONG, "text/css; charset=utf-8")
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(LONG) // 2
    assert answer.headers["cache-control"] == "no-cache"
    again = browser.get("/plain/a.css", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    whole = browser.get("/plain/a.css", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in whole.headers
    assert whole.text == LONG
    short = browser.get("/plain/below/b.js")
    assert short.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "content-encoding" not in short.headers
    assert browser.head("/plain/a.css").content == b""
    assert browser.post("/plain/a.css").status_code == 405


def test_a_file_that_has_changed_is_read_again_also_within_another(folder: Path) -> None:
    browser = client(folder)
    assert browser.get("/plain/all.css").text == LONG
    version = version_of(folder)
    (folder / "more.css").write_text("b { }", encoding="utf-8")
    assert browser.get("/plain/all.css").text == f"{LONG}\nb {{ }}"
    assert version_of(folder) != version
    (folder / "a.css").write_text("c { }", encoding="utf-8")
    assert browser.get("/plain/a.css").text == "c { }"
    (folder / "a.css").unlink()
    assert browser.get("/plain/a.css").status_code == 404


def test_below_a_version_the_same_files_are_kept_for_good(folder: Path) -> None:
    browser = client(folder)
    for version in ("1", "2"):
        answer = browser.get(f"/kept/{version}/below/b.js")
        assert (answer.text, answer.headers["cache-control"]) == ("export {};", KEPT)
    assert browser.get("/plain/below/c.js").text == "instead"


@pytest.mark.parametrize(
    "name", ["..%2Fsecret.txt", "below/..%2F..%2Fsecret.txt", "%2Fetc%2Fpasswd", "", "below", "a.css%00", "x" * 5000]
)
def test_nothing_else_is_served(folder: Path, name: str) -> None:
    browser = client(folder)
    for path in (f"/plain/{name}", f"/kept/1/{name}"):
        assert browser.get(path).status_code == 404, path


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    assert client(folder).get("/plain/link.txt").status_code == 404
