"""A foreign web page in a real browser can do nothing to an Easel on the same machine."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.conftest import BROWSER_FLAGS, browser_executable
from tests.webui.conftest import Easel

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EVIL = "evil.example"
"""A name that leads to this machine, in the browser of these tests."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for which the stranger's name has been rebound to 127.0.0.1."""
    executable = browser_executable()
    from playwright.sync_api import sync_playwright

    flags = [flag for flag in BROWSER_FLAGS if not flag.startswith("--host-resolver-rules")]
    flags.append(f"--host-resolver-rules=MAP {EVIL} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")
    # Newer browsers ask the user before a page reaches into the local network; not all do, and users say yes.
    flags.append("--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=flags, timeout=60_000)
        yield browser
        browser.close()


class StrangersPage(http.server.BaseHTTPRequestHandler):
    """An empty page; what it does is said by the tests."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>stranger</title><body></body>")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of the stranger's server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StrangersPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


ATTACKS = """async (easel) => {
    const text = (path, options) => fetch(easel + path, options).then(r => r.text(), e => 'refused');
    const upload = () => {
        const form = new FormData();
        form.append('files', new Blob([new Uint8Array(5e6)]), 'evil.png');
        return form;
    };
    const seen = (tag, path) => new Promise(resolve => {
        const element = document.createElement(tag);
        element.onload = () => resolve(true);
        element.onerror = () => resolve(false);
        element.src = easel + path;
        document.body.append(element);
    });
    const events = new Promise(resolve => {
        const source = new EventSource(easel + '/api/v1/events');
        source.addEventListener('snapshot', () => resolve(true));
        source.onerror = () => { source.close(); resolve(false); };
    });
    const change = JSON.stringify({jpeg_quality: 3, outdir_samples: '/tmp/evil'});
    return {
        read: await text('/sdapi/v1/options'),
        history: await text('/api/v1/history'),
        write: await text('/sdapi/v1/options', {method: 'POST', mode: 'no-cors', body: change}),
        typed: await text('/sdapi/v1/options',
            {method: 'POST', headers: {'content-type': 'application/json'}, body: change}),
        generate: await text('/sdapi/v1/txt2img', {method: 'POST', mode: 'no-cors',
            body: JSON.stringify({prompt: 'evil', steps: 1, width: 64, height: 64, save_images: true})}),
        upload: await text('/gradio_api/upload', {method: 'POST', mode: 'no-cors', body: upload()}),
        join: await text('/gradio_api/queue/join',
            {method: 'POST', mode: 'no-cors', body: '{"data": [], "fn_index": 0}'}),
        silent: await text('/sdapi/v1/options',
            {method: 'POST', mode: 'no-cors', body: change, referrerPolicy: 'no-referrer'}),
        image: await seen('img', '/easel/static/favicon.svg'),
        events: await events,
    };
}"""


@dataclass(frozen=True)
class Holdings:
    """What a stranger could have changed: settings, pictures, the jobs that the server knows."""

    options: dict[str, Any]
    pictures: list[Path]
    jobs: list[dict[str, Any]]

    @classmethod
    def of(cls, server: Easel) -> Holdings:
        with httpx.Client(base_url=server.url) as client:
            options = client.get("/sdapi/v1/options").json()
            return cls(options, server.pictures(), client.get("/api/v1/jobs").json()["jobs"])


def left_alone(server: Easel, before: Holdings) -> None:
    """Fail if anything at all has changed."""
    assert Holdings.of(server) == before
    assert not [path for path in server.data.rglob("*") if "evil" in path.name]


@pytest.fixture
def before(server: Easel) -> Holdings:
    """The settings, pictures and jobs as they are."""
    return Holdings.of(server)


def test_a_page_of_another_origin_reads_writes_and_uploads_nothing(
    page: Page, server: Easel, elsewhere: int, before: Holdings
) -> None:
    for origin in (f"http://{EVIL}:{elsewhere}", f"http://127.0.0.1:{elsewhere}", f"http://localhost:{elsewhere}"):
        page.goto(f"{origin}/")
        result = page.evaluate(ATTACKS, server.url)
        assert result.pop("image") is False
        assert result.pop("events") is False
        assert all(answer in ("refused", "") for answer in result.values()), result  # "": opaque
        left_alone(server, before)


def test_a_name_that_is_led_here_afterwards_reads_and_writes_nothing(
    page: Page, server: Easel, before: Holdings
) -> None:
    port = server.url.rpartition(":")[2]
    rebound = f"http://{EVIL}:{port}"
    page.route(f"{rebound}/attack", lambda route: route.fulfill(body="<body></body>", content_type="text/html"))
    page.goto(f"{rebound}/attack")
    result = page.evaluate(ATTACKS, rebound)
    assert result.pop("image") is False
    assert result.pop("events") is False
    upload = result.pop("upload")  # the connection may be closed while it is under way
    assert upload == "refused" or "UnknownHost" in upload
    for answer in result.values():
        assert "UnknownHost" in answer, result
    left_alone(server, before)
    answer = page.goto(f"{rebound}/")
    assert answer is not None
    assert answer.status == 403
    assert "--allowed-hosts=evil.example" in answer.text()


def test_a_form_and_a_frame_of_a_stranger_do_nothing_and_a_link_is_followed(
    page: Page, server: Easel, elsewhere: int, before: Holdings
) -> None:
    page.goto(f"http://{EVIL}:{elsewhere}/")
    statuses: dict[str, int] = {}
    page.on("response", lambda response: statuses.update({response.url: response.status}))
    page.evaluate(
        """(easel) => new Promise(resolve => {
            const frame = document.createElement('iframe');
            frame.onload = frame.onerror = resolve;
            frame.src = easel + '/';
            document.body.append(frame);
        })""",
        server.url,
    )
    assert statuses[f"{server.url}/"] == 403
    with page.expect_navigation():
        page.evaluate(
            """(easel) => {
                const form = document.createElement('form');
                form.method = 'post'; form.enctype = 'text/plain'; form.action = easel + '/sdapi/v1/options';
                form.innerHTML = `<input name='{"jpeg_quality": 3, "x": "' value='"}'>`;
                document.body.append(form);
                form.submit();
            }""",
            server.url,
        )
    assert statuses[f"{server.url}/sdapi/v1/options"] == 403
    left_alone(server, before)
    page.goto(f"http://{EVIL}:{elsewhere}/")
    page.evaluate("easel => { location.href = easel + '/docs'; }", server.url)
    page.wait_for_url(f"{server.url}/docs")
    assert statuses[f"{server.url}/docs"] == 200
