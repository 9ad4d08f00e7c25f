"""The document of all routes is worked out beside everything else."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from modules.api import openapi_document
from modules.api.server import create_api
from modules.application.application import Application
from tests.api.conftest import Served, flags_for


def test_others_are_answered_while_the_routes_are_described(
    served: Served, background: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    describe = served.api.openapi

    def slowly() -> dict[str, Any]:
        begun.set()
        assert go_on.wait(60)
        return describe()

    monkeypatch.setattr(served.api, "openapi", slowly)
    answers: list[Any] = []
    asking = background(lambda: answers.append(served.client.get("/openapi.json").json()))
    try:
        assert begun.wait(60)
        assert served.client.get("/internal/ping").status_code == 200
    finally:
        go_on.set()
    asking.join(60)
    assert "/sdapi/v1/txt2img" in answers[0]["paths"]


def test_below_a_path_of_a_proxy_the_document_says_so(tmp_path: Path) -> None:
    client = TestClient(create_api(Application(flags_for(tmp_path))), base_url="http://127.0.0.1", root_path="/easel")
    assert client.get("/easel/openapi.json").json()["servers"] == [{"url": "/easel"}]


def test_the_document_is_written_once_and_again_for_another_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    write = openapi_document._written

    def counted(schema: dict[str, Any], root: str) -> bytes:
        written.append(root)
        return write(schema, root)

    monkeypatch.setattr(openapi_document, "_written", counted)
    api = create_api(Application(flags_for(tmp_path)))
    for root in ("", "", "/easel", "/easel", ""):
        client = TestClient(api, base_url="http://127.0.0.1", root_path=root)
        assert client.get(f"{root}/openapi.json").json().get("servers") == ([{"url": root}] if root else None)
    assert written == ["", "/easel", ""]
