"""A real server on a real port over a temporary data folder with a tiny checkpoint."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from modules.api.server import create_api
from modules.application.application import Application
from modules.settings.flags import Flags
from tests.tiny_models import make_tiny_sd1

STYLES = 'name,prompt,negative_prompt\nink,"{prompt}, ink drawing",photo\nbare,plain,\n'


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running Easel: its application, its API, a client of that and its data folder."""

    app: Application
    api: FastAPI
    client: httpx.Client
    data: Path

    def txt2img(self, **fields: Any) -> httpx.Response:
        """A small, quick txt2img request with these fields."""
        body = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "seed": 7, "cfg_scale": 7, **fields}
        return self.client.post("/sdapi/v1/txt2img", json=body)


@contextlib.contextmanager
def serving(flags: Flags, **server_options: Any) -> Iterator[Served]:
    """Serve an application made from `flags` until the block ends, with these options of uvicorn."""
    app = Application(flags)
    api = create_api(app)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()  # so that who asks too early waits
    server = uvicorn.Server(
        uvicorn.Config(
            api,
            log_config=None,
            ws="none",
            # A client that asks again just when the server hangs up on it for being idle would see its request fail.
            timeout_keep_alive=600,
            timeout_graceful_shutdown=5,
            **server_options,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="server")
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=300) as client:
            yield Served(app=app, api=api, client=client, data=app.paths.data)
    finally:
        server.should_exit = True
        app.close()
        thread.join()
        listener.close()


def flags_for(data: Path, **more: Any) -> Flags:
    """Flags of an Easel that computes in float32 on the CPU in the folder `data`."""
    return Flags(data_dir=data, use_cpu=("all",), no_half=True, skip_load_model_at_start=True, **more)


@pytest.fixture(scope="session")
def session_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("api")
    for name in ("tiny", "other"):
        make_tiny_sd1(data / "models" / "Stable-diffusion" / f"{name}.safetensors")
    (data / "styles.csv").write_text(STYLES, encoding="utf-8")
    with serving(flags_for(data)) as served:
        served.app.settings.change({"sd_model_checkpoint": "tiny.safetensors", "show_progress_every_n_steps": 1})
        yield served


@pytest.fixture
def served(session_server: Served) -> Iterator[Served]:
    """The server, with its settings as they were before the test and nothing left in its queue."""
    before = session_server.app.settings.current
    yield session_server
    for job in (*session_server.app.queue.waiting, session_server.app.queue.current):
        if job is not None:
            job.interrupt()
    session_server.app.settings.change(before.model_dump())


@pytest.fixture
def background() -> Iterator[Callable[[Callable[[], object]], threading.Thread]]:
    """Starts calls on threads of their own and waits for them at the end of the test."""
    threads: list[threading.Thread] = []

    def start(call: Callable[[], object]) -> threading.Thread:
        thread = threading.Thread(target=call)
        thread.start()
        threads.append(thread)
        return thread

    yield start
    for thread in threads:
        thread.join()


@pytest.fixture
def running_job(served: Served, background: Callable[[Callable[[], object]], object]) -> Iterator[str]:
    """The id of a job that runs for as long as the test does."""
    background(lambda: served.txt2img(steps=5000, force_task_id="long-job"))
    wait_until(lambda: served.app.queue.current and served.app.queue.current.progress.step > 2)
    yield "long-job"
    served.client.post("/sdapi/v1/interrupt")


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Return as soon as `condition()` holds; fail the test if it never does."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail(f"It did not happen within {seconds} seconds.")
