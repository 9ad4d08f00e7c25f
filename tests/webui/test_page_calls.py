"""Functions of the page, called with what no page sends."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import fastapi
import gradio as gr
import pytest
from fastapi.testclient import TestClient
from gradio.utils import get_upload_folder
from PIL import Image

from modules.foundation.errors import Forbidden, RequestError, StorageError
from modules.webui.blocks import PageBlocks
from modules.webui.page import mounted_page
from modules.webui.page_calls import LONGEST, PROGRAM, PageCalls, longest_text

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


def selected(text: str, event: gr.SelectData) -> str:
    """A function that is told what was selected."""
    return text if event.value is None else ""


def hash_of(choice: object) -> str:
    """A function that looks choices up."""
    return str(dict.fromkeys(choice, 1) if isinstance(choice, list) else {choice: 1})


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        yield from mounted()


def mounted() -> Iterator[TestClient]:
    """A client of a page with some functions."""
    api = fastapi.FastAPI()

    async def mount() -> None:
        with PageBlocks(analytics_enabled=False) as page:
            text, number, picture = gr.Textbox(""), gr.Slider(1, 9), gr.Image(type="filepath")
            for component in (text, number, picture):
                component.change(answered if component is text else str, [component], [text], queue=False)
            text.select(selected, [text], [text], queue=False)
            for several in (False, True):
                choice = gr.Dropdown([], allow_custom_value=True, multiselect=several)
                choice.change(hash_of, [choice], [text], queue=False)
            file = gr.File()
            file.change(str, [file], [text], queue=False)
        gr.mount_gradio_app(api, page, path="/", ssr_mode=False, show_error=True)
        page.describe()

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
        {"path": 5, "meta": {"_type": "gradio.FileData"}},
        {"path": "\x00", "meta": {"_type": "gradio.FileData"}},
        {"path": "x" * 5000, "meta": {"_type": "gradio.FileData"}},
    ],
)
def test_a_value_that_is_no_picture_is_refused(client: TestClient, value: object) -> None:
    assert call(client, 2, value)[0] in (403, 422)


def test_no_file_but_an_upload_is_read(client: TestClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.new("RGB", (8, 8), "red").save(secret)
    uploaded = client.post("/gradio_api/upload", files={"files": ("a.png", secret.read_bytes())}).json()[0]
    meta = {"_type": "gradio.FileData"}
    for function in (0, 6):
        assert call(client, function, {"path": uploaded, "meta": meta})[0] == 200
        for path in (
            str(secret),
            "/etc/passwd",
            f"{uploaded}/../../../../etc/passwd",
            "/dev/zero",
            "/proc/self/environ",
        ):
            for given in ({"path": path, "meta": meta}, {"path": path, "meta": []}, [{"path": path, "meta": meta}]):
                status, sentence = call(client, function, given)
                assert status == 403, (function, given)
                assert "uploaded" in sentence
    listed = [path.name for path in Path(get_upload_folder()).rglob("*")]
    assert "secret.png" not in listed
    assert "passwd" not in listed


@pytest.mark.parametrize("data", [None, [], 5, "x", {}, {"index": [{}]}, {"index": 0}])
def test_an_event_that_tells_too_little_is_no_fault_of_the_function(client: TestClient, data: object) -> None:
    body = {"data": ["a"], "fn_index": 3, "event_data": data}
    response = client.post("/gradio_api/run/predict", json=body)
    assert (response.status_code, response.json()["data"]) == (200, ["a"])


@pytest.mark.parametrize("value", [{}, {"a": 1}, [[]], [{}], "b", None, 7])
def test_a_choice_is_no_list_of_lists(client: TestClient, value: object) -> None:
    assert call(client, 4, value)[0] == (200 if value in (None, 7, "b") else 422)
    assert call(client, 5, value)[0] == (200 if value is None else 422)
    assert call(client, 5, ["a", 7])[0] == 200


def test_what_is_chosen_among_words_is_a_word(client: TestClient) -> None:
    assert call(client, 4, 7) == (200, "{'7': 1}")
    assert call(client, 5, ["a", 7, True]) == (200, "{'a': 1, '7': 1, 'True': 1}")


def test_a_refusal_can_be_sent_whatever_it_repeats(client: TestClient) -> None:
    for function in (0, 4, 5):
        body = b'{"data": [[["\\ud800"]]], "fn_index": %d}' % function
        response = client.post("/gradio_api/run/predict", content=body, headers={"content-type": "application/json"})
        assert response.status_code in (200, 422)


def test_a_box_of_words_is_empty_rather_than_missing(client: TestClient) -> None:
    assert call(client, 0, None) == (200, "")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused(client: TestClient, number: str) -> None:
    for data in (number, f"[{number}]", f'{{"a": {number}}}'):
        body = b'{"data": [%b], "fn_index": 0}' % data.encode()
        response = client.post("/gradio_api/run/predict", content=body, headers={"content-type": "application/json"})
        assert response.status_code == 422


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


def test_too_many_calls_that_wait_are_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio.queueing.Queue.__len__", lambda queue: 10**6)
    body = {"data": ["a"], "fn_index": 0, "session_hash": "s"}
    assert client.post("/gradio_api/queue/join", json=body).status_code == 429


def test_a_text_of_megabytes_is_for_functions_of_extensions_alone(client: TestClient) -> None:
    def ours() -> None:
        """A function of the program."""

    assert longest_text(ours) == longest_text(functools.partial(ours)) == LONGEST
    made: dict[str, Callable[[], None]] = {}
    for folder in (str(PROGRAM / "extensions" / "a"), "/elsewhere/extensions/a"):
        exec(compile("def made(): pass", f"{folder}/scripts/a.py", "exec"), made)
        assert longest_text(made["made"]) > LONGEST
    status, sentence = call(client, 0, "a" * (LONGEST + 1))
    assert status == 422
    assert "letters" in sentence
