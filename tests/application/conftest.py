"""A job service over a real database file, whose pictures are painted instead of sampled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.application.jobs.job import GenerationJob, Job, TaskJob
from modules.application.jobs.service import JobService
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage, GenerationResult
from modules.settings.flags import Flags
from modules.settings.paths import Paths
from modules.settings.store import SettingsStore


class Desk:
    """A service in a data folder. While `gate` is shut, jobs wait inside their work and can be interrupted there."""

    def __init__(self, data: Path) -> None:
        self.paths = Paths.from_flags(Flags(data_dir=data))
        self.settings = SettingsStore(self.paths.settings_file)
        self.gate, self.inside = threading.Event(), threading.Semaphore(0)
        self.gate.set()
        self.done: list[GenerationRequest] = []
        self.fails: Callable[[GenerationRequest], Exception | None] = lambda _: None
        self.service = JobService(self._execute, self._resolve, self.settings, self.paths)
        self.queue = self.service.queue

    def submit(self, prompt: str, **fields: Any) -> GenerationJob:
        """Queue a request with this prompt."""
        return self.service.submit(GenerationRequest(prompt=prompt, save_images=False, **fields))

    def enter(self) -> None:
        """Wait until a job is inside its work."""
        assert self.inside.acquire(timeout=20)

    def close(self) -> None:
        """End it as Ctrl+C does."""
        self.gate.set()
        self.service.close()
        self.service.recorder.close()

    def _resolve(self, request: GenerationRequest, job_id: str | None) -> GenerationJob:
        return GenerationJob(request, job_id, settings=self.settings.current, checkpoint="tiny.safetensors")

    def _execute(self, job: Job[Any]) -> Any:
        self.inside.release()
        while not self.gate.wait(0.005):
            job.control.check()
        if isinstance(job, TaskJob):
            return job.work(job.control)
        assert isinstance(job, GenerationJob)
        request = job.request
        if (error := self.fails(request)) is not None:
            raise error
        self.done.append(request)
        images = tuple(
            painted(request, request.seed + index) for index in range(request.batch_size * request.batch_count)
        )
        return GenerationResult(images=images, info={}, interrupted=job.control.stopping)


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition()` holds; fail the test if it never does."""
    pause = threading.Event()
    for _ in range(2000):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("It did not happen.")


def painted(request: GenerationRequest, seed: int, path: Path | None = None) -> FinishedImage:
    """A finished picture without any model."""
    text = f"{request.prompt}\nNegative prompt: {request.negative_prompt}\nSteps: 1, Seed: {seed}, Model: tiny"
    return FinishedImage(
        image=Image.new("RGB", (8, 8)),
        infotext=text,
        seed=seed,
        subseed=request.subseed,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        path=path,
    )


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[Callable[[], Desk]]:
    """Opens services in one data folder, one after another."""
    desks: list[Desk] = []

    def start() -> Desk:
        desks.append(Desk(tmp_path))
        return desks[-1]

    yield start
    for desk in desks:
        desk.close()


@pytest.fixture
def desk(open_desk: Callable[[], Desk]) -> Desk:
    """A service."""
    return open_desk()
