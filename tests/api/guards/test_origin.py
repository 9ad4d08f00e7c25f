"""Pages of other origins, and CORS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import Served, flags_for, serving

FRIEND, STRANGER = "https://friend.example", "https://stranger.example"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data: Path = tmp_path_factory.mktemp("origin")
    with serving(flags_for(data, cors_allow_origins=f"{FRIEND}/, https://other.example", subpath="easel")) as served:
        yield served


@pytest.mark.parametrize(
    "path", ["/sdapi/v1/options", "/sdapi/v1/interrupt", "/sdapi/v1/txt2img", "/internal/progress"]
)
@pytest.mark.parametrize("origin", [STRANGER, "null", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_changes_nothing(guarded: Served, path: str, origin: str) -> None:
    response = guarded.client.post(path, json={"jpeg_quality": 3}, headers={"Origin": origin})
    assert response.status_code == 403
    assert "--cors-allow-origins" in response.json()["detail"]
    assert guarded.app.settings.current.jpeg_quality == 80


def test_our_own_page_programs_and_named_origins_are_served(guarded: Served) -> None:
    own = str(guarded.client.base_url).rstrip("/")
    for headers in ({"Origin": own}, {}, {"Origin": FRIEND}):
        assert guarded.client.post("/sdapi/v1/interrupt", headers=headers).status_code == 200


def test_behind_a_proxy_the_name_that_the_browser_used_counts(guarded: Served) -> None:
    headers = {"Origin": "https://easel.example", "X-Forwarded-Host": "easel.example"}
    assert guarded.client.post("/sdapi/v1/interrupt", headers=headers).status_code == 200


def test_reading_is_left_to_the_browser_to_refuse(guarded: Served) -> None:
    response = guarded.client.get("/sdapi/v1/samplers", headers={"Origin": STRANGER})
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers
    response = guarded.client.get("/sdapi/v1/samplers", headers={"Origin": FRIEND})
    assert response.headers["access-control-allow-origin"] == FRIEND


def test_a_browser_that_asks_first_is_told(guarded: Served) -> None:
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert guarded.client.options("/sdapi/v1/txt2img", headers={"Origin": FRIEND, **ask}).status_code == 200
    refused = guarded.client.options("/sdapi/v1/txt2img", headers={"Origin": STRANGER, **ask})
    assert "access-control-allow-origin" not in refused.headers
