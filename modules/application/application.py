"""The Application: everything that lasts longer than one picture, put together in one place."""

from __future__ import annotations

import contextlib
import functools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from modules.application.ending import Ending
from modules.application.jobs import GenerationJob, Job, TaskJob
from modules.application.policy import Policy
from modules.application.queue import JobQueue
from modules.checkpoints.catalogue import Catalogue
from modules.checkpoints.hashes import HashStore
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.vae_files import VaeCatalogue
from modules.foundation.errors import CheckpointError
from modules.foundation.timing import Stopwatch
from modules.generation.request import GenerationRequest
from modules.hooks.points import Hooks
from modules.networks.catalogue import NetworkCatalogue
from modules.prompts.style_book import StyleBook
from modules.settings.flags import Flags
from modules.settings.model import Settings
from modules.settings.paths import Paths
from modules.settings.store import SettingsStore
from modules.upscalers.catalogue import UpscalerCatalogue

if TYPE_CHECKING:
    from modules.pipeline.engine import Engine

Result = TypeVar("Result")


class Application:
    """Settings, checkpoints, hooks, the queue and the engine of one running Easel.

    Building it reads settings and nothing else: torch is imported and the checkpoint loaded on the engine's thread,
    ahead of time after `start()` or else with the first job.
    """

    def __init__(self, flags: Flags) -> None:
        self.created = time.time()
        self.startup = Stopwatch()
        self.ending = Ending()
        self.flags = flags
        self.policy = Policy.from_flags(flags)
        self.paths = Paths.from_flags(flags)
        self.settings = SettingsStore(self.paths.settings_file)
        self.hooks = Hooks()
        self.catalogue = Catalogue(
            self.paths.checkpoint_folders,
            [Path(flags.checkpoint)] if flags.checkpoint else [],
            HashStore(self.paths.data / "cache" / "hashes.json"),
            self.paths.starter_checkpoint,
        )
        self.vaes = VaeCatalogue(self.paths.vae_folders, self.paths.checkpoint_folders)
        self.styles = StyleBook(self.paths.styles_files)
        self.networks = NetworkCatalogue(
            (("lora", self.paths.lora), ("lora", self.paths.lycoris), ("hypernet", self.paths.hypernetworks)),
            self.paths.data / "cache" / "network-hashes.json",
        )
        self.upscalers = UpscalerCatalogue(self.paths.upscaler_folders)
        self.queue = JobQueue(self._execute)
        self.settings.observe(self._on_settings_changed)

    def start(self) -> None:
        """Begin the slow part of start-up (importing torch, loading the checkpoint) behind the page."""
        if not self.flags.skip_load_model_at_start:
            self.queue.call_soon(self._load_selected)

    def close(self) -> None:
        """Interrupt what runs, finish what is being saved, and free the engine."""
        self.queue.close()
        if "engine" in self.__dict__:
            self.engine.close()

    # Jobs

    def submit(self, request: GenerationRequest, job_id: str | None = None) -> GenerationJob:
        """Queue a request. Raises EaselError for a request that cannot run at all, before it is queued."""
        return self.queue.submit(GenerationJob(request, job_id))

    def submit_task(self, task: TaskJob[Result]) -> TaskJob[Result]:
        """Queue work that is no request for pictures. Raises EaselError when the program is ending."""
        return self.queue.submit(task)

    # Checkpoints

    @property
    def selected_checkpoint(self) -> CheckpointInfo | None:
        """The checkpoint that the next job without a wish of its own will use; None when there is none at all."""
        try:
            return self.catalogue.chosen(self.settings.current.sd_model_checkpoint or self.flags.checkpoint)
        except CheckpointError:
            return None

    def select_checkpoint(self, name: str) -> CheckpointInfo:
        """Make `name` the checkpoint of the settings and load it when the queue is idle. Raises UnknownName."""
        info = self.catalogue.find(name)
        self.settings.change({"sd_model_checkpoint": info.title})
        return info

    def _on_settings_changed(self, before: Settings, after: Settings) -> None:
        if before.sd_model_checkpoint != after.sd_model_checkpoint:
            self.queue.call_soon(self._load_selected)

    # The engine's thread

    @functools.cached_property
    def engine(self) -> Engine:
        """What makes pictures. First use imports torch."""
        with self.startup.phase("torch"):
            from modules.pipeline.engine import Engine

        return Engine(
            flags=self.flags,
            paths=self.paths,
            settings=self.settings,
            hooks=self.hooks,
            catalogue=self.catalogue,
            vaes=self.vaes,
            styles=self.styles,
            networks=self.networks,
            upscalers=self.upscalers,
        )

    @property
    def engine_ready(self) -> bool:
        """Whether the engine has been built (and torch been imported)."""
        return "engine" in self.__dict__

    def _load_selected(self) -> None:
        info = self.selected_checkpoint
        if info is not None:
            engine = self.engine
            with self.startup.phase("checkpoint") if engine.model is None else contextlib.nullcontext():
                engine.load(info)

    def _execute(self, job: Job[Any]) -> Any:
        if isinstance(job, TaskJob):
            return job.work(job.control)
        assert isinstance(job, GenerationJob)
        from modules.pipeline.run import run

        return run(job.request, self.engine, job.control)
