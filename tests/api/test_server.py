"""What is ready before the first request, and what an unforeseen error leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fastapi.dependencies.utils
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from modules.api.server import create_api, tell_started
from modules.application.application import Application
from tests.api.conftest import flags_for


def api_over(data: Path) -> FastAPI:
    return create_api(Application(flags_for(data)))


def asked(api: FastAPI, path: str) -> Any:
    return TestClient(api, base_url="http://127.0.0.1", raise_server_exceptions=False).get(path)


def test_no_request_waits_while_the_routes_are_worked_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analysed: list[str] = []
    analyse = fastapi.dependencies.utils.analyze_param

    def noted(**named: Any) -> Any:
        analysed.append(named["param_name"])
        return analyse(**named)

    monkeypatch.setattr(fastapi.dependencies.utils, "analyze_param", noted)
    api = api_over(tmp_path)
    tell_started(api, api.state.application)
    assert analysed
    analysed.clear()
    assert asked(api, "/nothing/here").status_code == 404
    assert asked(api, "/sdapi/v1/samplers").status_code == 200
    assert not analysed


@pytest.mark.parametrize("path", ["/breaks", "/v1/breaks"])
def test_who_gets_an_unforeseen_error_is_told_that_the_connection_ends(tmp_path: Path, path: str) -> None:
    def breaks() -> None:
        raise ZeroDivisionError

    api = api_over(tmp_path)
    api.add_api_route(path, breaks)
    answer = asked(api, path)
    assert answer.status_code == 500
    assert answer.headers["connection"] == "close"
