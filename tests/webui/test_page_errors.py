"""The page's own routes, asked for what no page asks for."""

from __future__ import annotations

import asyncio

import fastapi
import gradio as gr
from starlette.testclient import TestClient

from modules.webui.page import mounted_page
from modules.webui.page_errors import add_page_error_handlers


def test_what_no_page_sends_is_a_mistake_of_its_sender() -> None:
    api = fastapi.FastAPI()

    async def mount() -> None:
        # Outside a running event loop Gradio makes loops of its own and leaves them open.
        with gr.Blocks(analytics_enabled=False) as page:
            text = gr.Textbox()
            text.change(lambda value: value, [text], [text])
        gr.mount_gradio_app(api, page, path="/", ssr_mode=False)

    asyncio.run(mount())
    add_page_error_handlers(mounted_page(api))
    with TestClient(api) as client:
        form = {"content-type": "multipart/form-data; boundary=" + "a" * 1000}
        assert client.post("/gradio_api/upload", content=b"x", headers=form).status_code == 400
        nameless = {"content-type": "multipart/form-data; boundary=x"}
        part = b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nabc\r\n--x--\r\n'
        assert client.post("/gradio_api/upload", content=part, headers=nameless).status_code == 400
        for path in ("run/nothing", "call/nothing", "run/predict"):
            assert client.post(f"/gradio_api/{path}", json={"data": []}).status_code == 404, path
        for path in ("run/predict", "queue/join", "cancel", "reset", "component_server"):
            for kind, body in (
                ("multipart/form-data; boundary=x", b"--x\xff"),
                ("application/json", b"\xff"),
                ("", b"5"),
            ):
                answer = client.post(f"/gradio_api/{path}", content=body, headers={"content-type": kind})
                assert answer.status_code in (400, 422), (path, kind)
        unknown = {"data": [], "fn_index": 10**9}
        assert client.post("/gradio_api/run/predict", json=unknown).status_code == 404
        known = {"data": ["a"], "fn_index": 0}
        assert client.post("/gradio_api/run/predict", json=known).json()["data"] == ["a"]
