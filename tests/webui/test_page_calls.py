"""Functions of the page, called with what no page sends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import fastapi
import gradio as gr
import pytest
from fastapi.testclient import TestClient

from modules.foundation.errors import Forbidden, RequestError, StorageError
from modules.webui.blocks import PageBlocks
from modules.webui.page import mounted_page
from modules.webui.page_calls import PageCalls

ADDRESS = {"path": "http://203.0.113.1/a.png", "meta": {"_type": "gradio.FileData"}}


def answered(text: str) -> str:
    """A function that refuses some requests."""
    errors = {
        "no": RequestError("Not like this.", "a"),
        "never": Forbidden("You may not."),
        "full": StorageError("The disk is full."),
        "fault": KeyError("ours"),
    }
    if text in errors:
        raise errors[text]
    return text


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    api = fastapi.FastAPI()

    async def mount() -> None:
        with PageBlocks(analytics_enabled=False) as page:
            text, number, picture = gr.Textbox(), gr.Slider(1, 9), gr.Image(type="pil")
            for component in (text, number, picture):
                component.change(answered if component is text else str, [component], [text], queue=False)
        gr.mount_gradio_app(api, page, path="/", ssr_mode=False, show_error=True)

    asyncio.run(mount())
    mounted_page(api).add_middleware(PageCalls)
    with TestClient(api, raise_server_exceptions=False) as client:
        yield client


def call(client: TestClient, function: int, value: object) -> tuple[int, str]:
    response = client.post("/gradio_api/run/predict", json={"data": [value], "fn_index": function})
    content = response.json()
    return response.status_code, str(content.get("data", [content.get("error")])[0])


def test_what_a_function_refuses_is_told_as_a_refusal(client: TestClient) -> None:
    assert call(client, 0, "yes") == (200, "yes")
    assert call(client, 0, "no") == (422, "Not like this.")
    assert call(client, 0, "never") == (403, "You may not.")
    assert call(client, 0, "full") == (500, "The disk is full.")
    assert call(client, 0, "fault")[0] == 500


@pytest.mark.parametrize("value", ["x", [], {}, None, 0, 10**400, [[[]]], True, {"meta": []}])
def test_a_value_that_no_slider_sends_is_refused(client: TestClient, value: object) -> None:
    assert call(client, 1, value)[0] in (200, 422)


@pytest.mark.parametrize(
    "value",
    [
        "x",
        5,
        [],
        {"path": 5},
        {"path": "/etc/passwd", "meta": []},
        {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
        {"path": "\x00", "meta": {"_type": "gradio.FileData"}},
        {"path": "x" * 5000, "meta": {"_type": "gradio.FileData"}},
    ],
)
def test_a_value_that_is_no_picture_is_refused(client: TestClient, value: object) -> None:
    assert call(client, 2, value)[0] == 422


@pytest.mark.parametrize("value", [ADDRESS, [ADDRESS], {"a": {"b": ADDRESS}}, {**ADDRESS, "path": "HTTPS://x.example"}])
def test_no_file_is_fetched_by_its_address(client: TestClient, value: object) -> None:
    for function in (0, 2):
        status, sentence = call(client, function, value)
        assert status == 403
        assert "by address" in sentence


@pytest.mark.parametrize(
    "path", ["file=http://203.0.113.1/a.png", "file=https://203.0.113.1/", "file/http://203.0.113.1/"]
)
def test_no_file_is_read_from_elsewhere(client: TestClient, path: str) -> None:
    response = client.get(f"/gradio_api/{path}")
    assert response.status_code == 403
    assert "by address" in response.text


@pytest.mark.parametrize(
    "path",
    ["proxy=https://x.hf.space/", "process_recording", "deep_link", "dev/reload", "vibe-code", "runs", "monitoring"],
)
def test_what_no_page_needs_is_not_there(client: TestClient, path: str) -> None:
    assert client.get(f"/gradio_api/{path}?session_hash=a").status_code == 404
    assert client.post(f"/gradio_api/{path}", json={}).status_code == 404


@pytest.mark.parametrize("path", ["info", "startup-events", "theme.css", "app_id", "queue/status", "openapi.json"])
def test_what_pages_and_clients_ask_is_there(client: TestClient, path: str) -> None:
    assert client.get(f"/gradio_api/{path}").status_code == 200


def test_halves_of_characters_come_back_whole(client: TestClient) -> None:
    body = b'{"data": ["a\\ud800b"], "fn_index": 0}'
    response = client.post("/gradio_api/run/predict", content=body, headers={"content-type": "application/json"})
    assert response.json()["data"] == ["a\N{REPLACEMENT CHARACTER}b"]


def test_values_nested_however_deep_are_answered(client: TestClient) -> None:
    for depth in (90, 900, 100_000):
        body = b'{"data": [%b%b], "fn_index": 0}' % (b"[" * depth, b"]" * depth)
        response = client.post("/gradio_api/run/predict", content=body, headers={"content-type": "application/json"})
        assert response.status_code < 500, depth
