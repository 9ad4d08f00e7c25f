"""What holds for every test: nothing leaves this machine, threads do not spin, and there may be a browser."""

from __future__ import annotations

import gc
import ipaddress
import os
import shutil
import signal
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling
    from xdist.workermanage import WorkerController

    from modules.library.library import Library

# Read by libraries when they are first imported and inherited by the servers that tests start.
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "PIP_NO_INDEX": "1",
    # With spinning threads two torch processes on two cores starve each other.
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
}

BROWSER_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""Chromium without its own windows first: it opens the page with a quarter less work."""

BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


VIEWPORT: ViewportSize = {"width": 1280, "height": 960}

FAILED = pytest.StashKey[bool]()
JOURNEYS = pytest.StashKey[set[Path]]()
LAST_FILE = pytest.StashKey[Path]()


class NetworkUseError(AssertionError):
    """A test tried to reach another machine."""


MOST_PROCESSES = 4
"""Test processes at once, however many cores there are: each takes up to 2 GB."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes `-n auto` means."""
    return min(os.cpu_count() or 1, MOST_PROCESSES)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Journeys on one half of the processes and all else on the other, until either is done.

    A journey waits for its server and its browser again and again; what is beside it has the processor meanwhile.
    """
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class FromBothEnds(LoadFileScheduling):
        def _assign_work_unit(self, node: WorkerController) -> None:
            if self.nodes.index(node) % 2:
                self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
            super()._assign_work_unit(node)

    return FromBothEnds(config, log)


def pytest_configure(config: pytest.Config) -> None:
    # Collecting makes a million and a half objects, all of which stay: see pytest_collection_finish. Where tests are
    # handed out to other processes, those collect.
    if config.getoption("dist", "no") == "no":
        gc.disable()
    os.environ.update(ENVIRONMENT)
    # What a shell starts in the background ignores Ctrl+C, and so would the servers that tests end by it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # pytest-xdist hands out files as they are ordered here, not by their number of tests.
    config.option.loadscopereorder = False
    # An example that a busy machine is slow with is no fault.
    settings.register_profile("easel", deadline=None)
    settings.load_profile("easel")
    if processes := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        os.environ.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // processes, 1)))


def needs_browser(item: pytest.Item) -> bool:
    return not {"browser", "web"}.isdisjoint(getattr(item, "fixturenames", ()))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Files with journeys first: they take longest, and one browser serves all that a process is given.
    journeys = {item.path for item in items if needs_browser(item)}
    items.sort(key=lambda item: item.path not in journeys)
    config.stash[JOURNEYS] = journeys
    for item in items:
        if needs_browser(item):
            item.add_marker(pytest.mark.browser)
            # Browser, server and model share a few cores; a journey that fails on a crowded machine is run again, and
            # the summary of the run counts it.
            item.add_marker(pytest.mark.flaky(reruns=2))


def pytest_collection_finish() -> None:
    # Whatever looks for garbage in a test (a model that is unloaded, an application that ends) would go through all of
    # pytest's items and of the libraries that test modules import, for seconds each time.
    gc.freeze()
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[FAILED] = False
    if item.path != item.config.stash.get(LAST_FILE, None):
        item.config.stash[LAST_FILE] = item.path
        # What the files before have left for good (reports, caches, libraries) is looked through once. After thousands
        # of tests each application that ends would go through all of it again, for ten seconds and more.
        gc.collect()
        gc.freeze()
    # Playwright runs once at a time: not beside a browser that a module starts by itself.
    starts_its_own = isinstance(item, pytest.Function) and "browser" in vars(item.module)
    if starts_its_own or item.path not in item.config.stash[JOURNEYS]:
        PROCESS_BROWSER.end()


def pytest_sessionfinish() -> None:
    PROCESS_BROWSER.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


def has_failed(item: pytest.Item) -> bool:
    """Whether a test, which is about to be left, has failed."""
    return item.stash.get(FAILED, False)


def is_loopback(host: object) -> bool:
    """Whether a host, as given to connect() or getaddrinfo(), is this machine itself."""
    if isinstance(host, bytes):
        host = host.decode("idna", "replace")
    if host in (None, "", "localhost", "0.0.0.0", "::"):
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """Connections and name look-ups that leave this machine fail the test that makes them."""

    def check_address(family: int, address: object) -> None:
        if family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and not is_loopback(address[0]):
            raise NetworkUseError(f"A test tried to connect to {address}. Tests need no network.")

    def guarded(original: Callable[..., Any]) -> Callable[..., Any]:
        def method(self: socket.socket, *arguments: Any) -> Any:
            check_address(self.family, arguments[-1])
            return original(self, *arguments)

        return method

    resolve = socket.getaddrinfo

    def guarded_resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        if not is_loopback(host) and host != socket.gethostname():
            raise NetworkUseError(f"A test tried to look up {host!r}. Tests need no network.")
        return resolve(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", guarded_resolve)
        yield


@pytest.fixture
def model_library(tmp_path: Path) -> Iterator[Library]:
    """An index of model files in the test's own folder, with its threads."""
    from modules.library.library import Library

    library = Library(tmp_path / "cache")
    yield library
    library.close()


@pytest.fixture
def warm_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of benchmarks/server.py begin with what they import already there."""
    from benchmarks.server import Server
    from tests import warm_start

    monkeypatch.setattr(Server, "start_process", staticmethod(warm_start.popen))


@pytest.fixture
def free_port() -> int:
    """A port of this machine without a listener at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def browser_executable() -> str:
    """Path of an installed Chromium. Without one the test is skipped, but never on a build machine (CI=true)."""
    path = next(filter(None, map(shutil.which, BROWSER_NAMES)), None)
    if path is None:
        reason = "no Chromium on this machine (Debian: sudo apt install chromium-headless-shell; Ubuntu: chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"The browser tests must run here, but there is {reason}.")
        pytest.skip(reason)
    return path


class ProcessBrowser:
    """The browser of this test process: started when it is first needed, ended before the first test without one.

    Playwright keeps an event loop running in this thread, which tests elsewhere do without.
    """

    def __init__(self) -> None:
        self._running: tuple[Browser, ExitStack] | None = None

    def running(self) -> Browser:
        """The browser, started if need be."""
        if self._running is None:
            executable = browser_executable()
            from playwright.sync_api import expect, sync_playwright

            # What is quick on a quiet machine takes longer than the usual five seconds on a crowded one.
            expect.set_options(timeout=30_000)
            with ExitStack() as stack:
                chromium = stack.enter_context(sync_playwright()).chromium
                browser = chromium.launch(executable_path=executable, args=list(BROWSER_FLAGS), timeout=60_000)
                stack.callback(browser.close)
                self._running = browser, stack.pop_all()
        return self._running[0]

    def end(self) -> None:
        """Close the browser, if there is one."""
        if self._running is not None:
            self._running[1].close()
            self._running = None


PROCESS_BROWSER = ProcessBrowser()


@pytest.fixture(scope="module")
def browser() -> Browser:
    """A headless Chromium that reaches this machine only; all modules of a test process share it."""
    return PROCESS_BROWSER.running()


def new_page(browser: Browser) -> Page:
    """An empty page with its own cookies and storage. Its context is the caller's to close."""
    # Without a graphics card all that moves is drawn by the processor, sixty times a second.
    context = browser.new_context(viewport=VIEWPORT, accept_downloads=True, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    return context.new_page()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of the browser with its own cookies and storage."""
    page = new_page(browser)
    yield page
    page.context.close()
