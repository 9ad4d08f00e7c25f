"""What holds for every test: nothing leaves this machine, threads do not spin, and there may be a browser."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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

BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome")
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


class NetworkUseError(AssertionError):
    """A test tried to reach another machine."""


MOST_PROCESSES = 4
"""Test processes at once, however many cores there are: each takes up to 2 GB."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes `-n auto` means."""
    return min(os.cpu_count() or 1, MOST_PROCESSES)


def pytest_configure(config: pytest.Config) -> None:
    os.environ.update(ENVIRONMENT)
    # An example that a busy machine is slow with is no fault.
    settings.register_profile("easel", deadline=None)
    settings.load_profile("easel")
    if processes := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        os.environ.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // processes, 1)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            # Browser, server and model share a few cores; a journey that fails on a crowded machine is run again, and
            # the summary of the run counts it.
            item.add_marker(pytest.mark.flaky(reruns=2))


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
def free_port() -> int:
    """A port of this machine without a listener at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def browser_executable() -> str:
    """Path of an installed Chromium. Without one the test is skipped, but never on a build machine (CI=true)."""
    path = next(filter(None, map(shutil.which, BROWSER_NAMES)), None)
    if path is None:
        reason = "no Chromium on this machine (Debian, Ubuntu: sudo apt install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"The browser tests must run here, but there is {reason}.")
        pytest.skip(reason)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium that reaches this machine only.

    One for each module: Playwright keeps an event loop running in this thread, which tests elsewhere do without.
    """
    executable = browser_executable()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(BROWSER_FLAGS), timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of the browser with its own cookies and storage."""
    context = browser.new_context(viewport={"width": 1280, "height": 960}, accept_downloads=True)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()
