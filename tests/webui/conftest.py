"""A real Easel on a real port, with a tiny checkpoint, for the tests that drive the page in a browser."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import warm_start
from tests.conftest import has_failed
from tests.tiny_models import make_tiny_sd1
from tests.webui import waiting_webui
from tests.webui.opened_page import OpenedPage, wait_opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0


@dataclass
class Easel:
    """A running server: its address, its data folder and what it has logged."""

    url: str
    data: Path
    log: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def kill(self) -> None:
        """End the server as kill -9 does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def pictures(self) -> list[Path]:
        """The saved pictures, oldest first."""
        return sorted((self.data / "outputs").rglob("*.png"), key=lambda path: path.stat().st_mtime_ns)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def easel(data: Path, port: int, *flags: str, program: Path = ROOT / "webui.py") -> Iterator[Easel]:
    """Start the program over `data` and stop it again."""
    command = [sys.executable, str(program), "--port", str(port), "--data-dir", str(data), *flags]
    process = warm_start.popen(command, cwd=data, stdout=subprocess.PIPE, text=True)
    server = Easel(url="", data=data, process=process)
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            server.log.append(line.rstrip())
            if line.startswith("Easel is at "):
                server.url = line.removeprefix("Easel is at ").strip()
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert ready.wait(PATIENCE), "\n".join(server.log)
        assert server.url, "\n".join(server.log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a sound checkpoint, a broken one, and two styles."""
    folder = tmp_path_factory.mktemp("data")
    make_tiny_sd1(folder / "models" / "Stable-diffusion" / "tiny.safetensors")
    (folder / "models" / "Stable-diffusion" / "zz-broken.safetensors").write_bytes(b"no checkpoint at all")
    (folder / "styles.csv").write_text(
        'name,prompt,negative_prompt\nNight,"{prompt}, night sky",day\n', encoding="utf-8"
    )
    (folder / "ui-config.json").write_text(
        '{"txt2img/Width/value": 64, "txt2img/Height/value": 64, "txt2img/Sampling steps/value": 4, "mine/own": 1}',
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="session")
def server(data: Path) -> Iterator[Easel]:
    """One server for all of these tests; long runs take their time in it."""
    with easel(data, free_port(), "--theme", "light", program=Path(waiting_webui.__file__)) as running:
        yield running


@dataclass
class Watched:
    """A page, with what it complained about and where it tried to go."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note errors and addresses of strangers meanwhile."""
        listeners: dict[Any, Callable[[Any], None]] = {
            "console": self._note_message,
            "pageerror": lambda error: self.errors.append(str(error)),
            "request": lambda request: self._note_elsewhere(request.url),
        }
        for event, listener in listeners.items():
            self.page.on(event, listener)
        yield
        for event, listener in listeners.items():
            self.page.remove_listener(event, listener)

    def _note_message(self, message: ConsoleMessage) -> None:
        # Chromium itself writes of each picture in the history whose file another test has thrown away.
        gone = "status of 410 (Gone)" in message.text and "/api/v1/images/" in message.location["url"]
        fetched_twice = message.type == "warning" and "preload" in message.text
        if (message.type == "error" and not gone) or fetched_twice:
            self.errors.append(f"{message.text} ({message.location['url']})")

    def _note_elsewhere(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.elsewhere.append(url)

    def fill(self, elem_id: str, value: Any) -> None:
        """Type into a text box or the number box of a slider."""
        box = self.page.locator(f"#{elem_id} textarea, #{elem_id} input:not([type=range])").first
        box.fill(str(value))
        box.blur()

    def value(self, elem_id: str) -> str:
        """What stands in a box."""
        return self.page.locator(f"#{elem_id} textarea, #{elem_id} input:not([type=range])").first.input_value()

    def wait_value(self, elem_id: str, value: str) -> None:
        """Wait until `value` stands in a box."""
        from playwright.sync_api import expect

        box = self.page.locator(f"#{elem_id} textarea, #{elem_id} input:not([type=range])").first
        expect(box).to_have_value(value, timeout=PATIENCE * 1000)

    def choose(self, elem_id: str, words: str) -> None:
        """Choose from a list. It closes, and is opened again, where what it offers is read anew meanwhile."""
        from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

        entry = self.page.locator(f"#{elem_id} li", has_text=words).first
        end = time.monotonic() + PATIENCE
        while True:
            self.page.click(f"#{elem_id} input")
            try:
                entry.click(timeout=5_000)
            except PlaywrightTimeoutError:
                assert time.monotonic() < end, f"{words} is not offered by {elem_id}."
                self.page.keyboard.press("Escape")
            else:
                return

    def generate(self, tab: str = "txt2img") -> None:
        """Press Generate of a tab and wait until the run has ended."""
        # What the run before has left says nothing of this one.
        self.page.evaluate("(tab) => delete document.documentElement.dataset[`${tab}State`]", tab)
        self.page.click(f"#{tab}_generate")
        self.page.wait_for_selector(f"html[data-{tab}-state=idle]", timeout=PATIENCE * 1000)

    def wait_text(self, elem_id: str, text: str) -> str:
        """Wait until an element contains `text`; gives all of its text."""
        from playwright.sync_api import expect

        expect(self.page.locator(f"#{elem_id}")).to_contain_text(text, timeout=PATIENCE * 1000)
        return self.page.inner_text(f"#{elem_id}")


@pytest.fixture(scope="session")
def opened(server: Easel) -> OpenedPage:
    """The page of `server` that journeys use one after another."""
    return OpenedPage(server.url, server.data / "sessions")


@pytest.fixture
def web(request: pytest.FixtureRequest) -> Watched:
    """The page of `server`, opened and drawn: one of its own, or with the mark shared_page that of other journeys."""
    shared = request.node.get_closest_marker("shared_page") is not None
    watched = request.getfixturevalue("shared_web" if shared else "new_web")
    assert isinstance(watched, Watched)
    return watched


@pytest.fixture
def shared_web(browser: Browser, opened: OpenedPage, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """The page of `server` with the controls of its tabs at their defaults.

    Other journeys were here before: searches, cards, accordions, tools and what the settings show are as they left
    them. What handlers of scripts' controls make of the defaults may come later: journeys through scripts open a page.
    """
    watched = Watched(opened.take(browser), opened.url)
    with watched.listening():
        yield watched
    if has_failed(request.node):
        opened.drop()


@pytest.fixture
def new_web(page: Page, server: Easel) -> Iterator[Watched]:
    """The page of `server`, opened in a browser that was never here."""
    watched = Watched(page, server.url)
    with watched.listening():
        open_page(watched)
        yield watched


def open_page(watched: Watched) -> None:
    """Go to the page and wait until its scripts have found its elements and its settings have arrived."""
    watched.page.goto(watched.url)
    wait_opened(watched.page)


def seconds_until(condition: Any, patience: float = PATIENCE) -> None:
    """Wait until `condition()` is true."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.05)
