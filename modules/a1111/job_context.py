"""The job at hand, as the dialect sees it: its control, its settings, and the `p` that its next run is made for."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Generator
from typing import TYPE_CHECKING

from modules.a1111.processing.parameters import StableDiffusionProcessing
from modules.a1111.processing.processed import Processed
from modules.application.application import Application
from modules.application.jobs.job import GenerationJob
from modules.foundation.plain import JsonMapping, JsonObject
from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from modules.settings.model import Settings

if TYPE_CHECKING:
    from modules.pipeline.model import LoadedModel

KEPT_RESULTS = 64
"""Results for which the Processed that scripts have worked on is remembered until it is asked for."""


class JobContext:
    """What scripts change and ask for while a job of theirs runs."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._processed: OrderedDict[int, Processed] = OrderedDict()
        self._local = threading.local()
        self._changed: JsonObject = {}
        self._control: RunControl | None = None

    @property
    def settings(self) -> Settings:
        """Those of the job that runs on this thread, with what its scripts changed; else the program's."""
        job = self._app.queue.current
        if self.is_working_thread and isinstance(job, GenerationJob) and job.settings is not None:
            return job.settings.changed(self._changed)
        return self._app.settings.current

    def change_settings(self, changes: JsonMapping, *, save: bool) -> None:
        """Change settings for the program and for the rest of the job that runs."""
        if self.is_working_thread:
            self._changed |= changes
        self._app.settings.change(changes, save=save)

    @property
    def control(self) -> RunControl | None:
        """That of the job at hand."""
        if self._control is not None:
            return self._control
        job = self._app.queue.current
        return None if job is None else job.control

    @property
    def is_working_thread(self) -> bool:
        """Whether this thread is the one that runs jobs."""
        return threading.current_thread().name == "engine"

    @contextlib.contextmanager
    def working(self, control: RunControl, changed: JsonMapping | None = None) -> Generator[None]:
        """A job of scripts runs."""
        self._control, self._changed = control, dict(changed or {})
        try:
            yield
        finally:
            self._control, self._changed = None, {}

    @contextlib.contextmanager
    def next_run_is_for(self, p: StableDiffusionProcessing) -> Generator[None]:
        """The next run is made for `p`."""
        before = getattr(self._local, "p", None)
        self._local.p = p
        try:
            yield
        finally:
            self._local.p = before

    def take_p(self) -> StableDiffusionProcessing | None:
        """The `p` that the run which begins is made for, once."""
        p = getattr(self._local, "p", None)
        self._local.p = None
        return p

    def make(self, request: GenerationRequest) -> GenerationResult:
        """The pictures of a request, within the job that runs."""
        from modules.pipeline.run import run

        job = self._app.queue.current
        control = self.control
        assert control is not None
        settings = job.settings if isinstance(job, GenerationJob) else None
        if self._changed:
            settings = (settings or self._app.settings.current).changed(self._changed)
        return run(request, self._app.engine, control, settings=settings, checkpoint=self.checkpoint)

    @property
    def checkpoint(self) -> str | None:
        """That of the job at hand, with what its scripts changed; None for that of the settings."""
        job = self._app.queue.current
        own = job.checkpoint if isinstance(job, GenerationJob) else None
        return self._changed.get("sd_model_checkpoint", own)

    def load_model(self, override: object) -> LoadedModel:
        """The model of the run at hand, `override` being the checkpoint that its request asks for, if any.

        Raises UnknownName for a checkpoint that is not there, CheckpointError for one that cannot be loaded.
        """
        app, name = self._app, override or self.checkpoint
        wanted = self.settings.sd_model_checkpoint or app.flags.checkpoint
        info = app.catalogue.find(str(name)) if name else app.catalogue.chosen(wanted)
        loaded = app.engine.model
        return loaded if loaded is not None and loaded.checkpoint.info.path == info.path else app.engine.load(info)

    def remember(self, result: GenerationResult, processed: Processed) -> None:
        """Keep the Processed that scripts have worked on until `take_processed` asks for it."""
        self._processed[id(result)] = processed
        while len(self._processed) > KEPT_RESULTS:
            self._processed.popitem(last=False)

    def take_processed(self, result: GenerationResult) -> Processed | None:
        """The Processed of a result, once; None where no script has seen one."""
        return self._processed.pop(id(result), None)
