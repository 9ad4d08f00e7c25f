"""Pages of other origins, and CORS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.api.guards.hosts import MOST_LOGGED
from tests.api.conftest import Served, flags_for, serving

FRIEND, STRANGER = "https://friend.example", "https://stranger.example"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data: Path = tmp_path_factory.mktemp("origin")
    flags = flags_for(
        data,
        cors_allow_origins=f"{FRIEND}/, https://other.example",
        subpath="easel",
        allowed_hosts="easel.example, *.tunnel.example",
    )
    with serving(flags) as served:
        yield served


@pytest.mark.parametrize(
    "path",
    [
        "/sdapi/v1/options",
        "/sdapi/v1/interrupt",
        "/sdapi/v1/txt2img",
        "/internal/progress",
        "/gradio_api/upload",
        "/gradio_api/queue/join",
        "/anything/else",
    ],
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


@pytest.mark.parametrize("name", ["easel.example", "EASEL.example.:443"])
def test_behind_a_proxy_the_name_that_the_browser_used_counts_where_the_flag_lists_it(
    guarded: Served, name: str
) -> None:
    for headers in ({"X-Forwarded-Host": name}, {"Host": name}, {}):
        headers |= {"Origin": "https://easel.example"}
        assert guarded.client.post("/sdapi/v1/interrupt", headers=headers).status_code == 200


def test_a_forwarded_host_alone_is_not_trusted(guarded: Served) -> None:
    headers = {"Origin": STRANGER, "X-Forwarded-Host": "stranger.example"}
    response = guarded.client.post("/sdapi/v1/interrupt", headers=headers)
    assert response.status_code == 403
    assert "--allowed-hosts=stranger.example" in response.json()["detail"]
    response = guarded.client.get("/sdapi/v1/options", headers={"X-Forwarded-Host": "easel.example, stranger.example"})
    assert response.status_code == 403


def test_a_page_of_another_tunnel_of_the_same_provider_is_foreign(guarded: Served) -> None:
    headers = {"Host": "mine.tunnel.example", "Origin": "https://mine.tunnel.example"}
    assert guarded.client.post("/sdapi/v1/interrupt", headers=headers).status_code == 200
    headers["Origin"] = "https://evil.tunnel.example"
    assert guarded.client.post("/sdapi/v1/interrupt", headers=headers).status_code == 403


OWN_PAGE, ELSEWHERE = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN_PAGE, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({}, 200),
        (ELSEWHERE, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({**ELSEWHERE, "Referer": f"{STRANGER}/page"}, 403),
        ({**ELSEWHERE, "Referer": f"{FRIEND}/page"}, 200),
        ({"Referer": f"{STRANGER}/page"}, 403),
        ({"Referer": "http://127.0.0.1/page"}, 403),
        ({"Origin": "null", **OWN_PAGE}, 403),
    ],
)
def test_a_request_without_an_origin_is_judged_by_what_else_the_browser_tells(
    guarded: Served, headers: dict[str, str], status: int
) -> None:
    assert guarded.client.post("/sdapi/v1/interrupt", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403),
        ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Referer": f"{FRIEND}/"}, 200),
    ],
)
def test_a_page_elsewhere_shows_and_frames_nothing_of_ours_and_links_are_followed(
    guarded: Served, headers: dict[str, str], status: int
) -> None:
    assert guarded.client.get("/sdapi/v1/samplers", headers={**ELSEWHERE, **headers}).status_code == status


def test_browsers_that_tell_nothing_are_told_who_may_show_and_frame_what_is_here(
    guarded: Served, tmp_path: Path
) -> None:
    answer = guarded.client.get("/sdapi/v1/samplers")
    assert answer.headers["content-security-policy"] == f"frame-ancestors 'self' {FRIEND} https://other.example"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    with serving(flags_for(tmp_path)) as alone:
        for path in ("/sdapi/v1/samplers", "/internal/ping", "/docs", "/nothing/here"):
            answer = alone.client.get(path)
            assert answer.headers["cross-origin-resource-policy"] == "same-origin", path
            assert "frame-ancestors 'self'" in answer.headers["content-security-policy"], path
        kept = alone.client.get("/v1/images/files/none.png")  # addresses for other pages to show
        assert "cross-origin-resource-policy" not in kept.headers


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


def test_a_page_of_another_origin_does_not_fill_the_log(guarded: Served, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(150):
        path = f"/sdapi/v1/{'x' * 5000}"
        headers = {"Origin": f"https://page{number % 120}.example"}
        assert guarded.client.post(path, headers=headers).status_code == 403
    lines = [record.getMessage() for record in caplog.records if "Refused" in record.getMessage()]
    assert 0 < len(lines) <= MOST_LOGGED
    assert max(map(len, lines)) < 1000
