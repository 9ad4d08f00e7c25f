"""The Application: everything that lasts longer than one picture, put together in one place."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from modules.application.access_policy import AccessPolicy
from modules.application.estimates import Estimates
from modules.application.instance_lock import InstanceLock
from modules.application.jobs.folder_batch import keep_folder_batches
from modules.application.jobs.job import AnyJob, GenerationJob, TaskJob
from modules.application.jobs.service import JobService
from modules.application.jobs.submitting import resolved_job
from modules.application.last_parameters import keep_parameters
from modules.application.model_list import ModelFileList
from modules.application.profiling import profiled
from modules.application.prompt_craft import PromptCraft
from modules.application.registries import Registries
from modules.application.scripts import run_script
from modules.application.shutdown import Shutdown
from modules.application.startup_tasks import StartupTasks
from modules.application.statistics import Statistics
from modules.application.training import keep_trainings
from modules.checkpoints.architectures.family import Family
from modules.checkpoints.catalogue import Catalogue
from modules.checkpoints.families import FamilyRegistry
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.read_ahead import ReadAhead
from modules.checkpoints.vae_files import VaeCatalogue
from modules.extension_host.host import ExtensionHost
from modules.faces.catalogue import RestorerCatalogue
from modules.foundation.errors import CheckpointError, EaselError
from modules.foundation.importing import importing, load_libraries
from modules.foundation.timing import Stopwatch
from modules.foundation.trace import attachment_returned
from modules.generation.count_limits import check_counts
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage, GenerationResult
from modules.generation.size_limits import SizeLimits
from modules.hooks.events import EndEvent, RunEvent
from modules.hooks.points import Hooks
from modules.interrogate.catalogue import CaptionerCatalogue, CaptionerFolders
from modules.library.library import Folders, Library
from modules.networks.catalogue import NetworkCatalogue
from modules.prompts.style_book import StyleBook
from modules.settings.flags import Flags
from modules.settings.model import Settings
from modules.settings.paths import Paths
from modules.settings.store import SettingsStore
from modules.text_encoders.aesthetic_embeddings import AestheticFolder
from modules.text_encoders.embeddings import EmbeddingCatalogue
from modules.upscalers.catalogue import UpscalerCatalogue

if TYPE_CHECKING:
    from modules.pipeline.engine import Engine

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Application:
    """Settings, checkpoints, hooks, the queue and the engine of one running Easel.

    Building it reads settings and nothing else: torch is imported and the checkpoint loaded on the engine's thread,
    ahead of time after `start()` or else with the first job.
    """

    def __init__(self, flags: Flags) -> None:
        self.created = time.time()
        self.startup = Stopwatch()
        self.shutdown = Shutdown()
        self.instance_locks: list[InstanceLock] = []
        self.flags = flags
        self.unknown_arguments: list[str] = []
        self.policy = AccessPolicy.from_flags(flags)
        self.paths = Paths.from_flags(flags)
        self.settings = SettingsStore(self.paths.settings_file)
        self.extensions = ExtensionHost(self.paths.data, flags, self.settings)
        self.hooks = Hooks()
        if flags.trace:
            self.hooks.time_calls(attachment_returned)
        self.styles = StyleBook(self.paths.styles_files, expected=bool(flags.styles_file))
        self.restorers = RestorerCatalogue(
            (*self.paths.gfpgan_folders, *(tree / "models" / "GFPGAN" for tree in self.paths.trees)),
            (self.paths.codeformer, *(tree / "models" / "Codeformer" for tree in self.paths.trees)),
            [self.paths.models / name for name in ("facedetection", "facexlib")],
            self.paths.gfpgan_file,
        )
        self.upscalers = UpscalerCatalogue(self.paths.upscaler_folders, self._folders_of("upscaler"))
        self.captioners = CaptionerCatalogue(self._captioner_folders())
        self.families = FamilyRegistry()
        self.registries = Registries(self.settings, self.upscalers, self.restorers, self.captioners, self.families)
        self.read_ahead = ReadAhead()
        self.jobs = JobService(self._execute, self._resolved, self.settings, self.paths)
        self.queue = self.jobs.queue
        self.startup_tasks = StartupTasks(self)
        self.jobs.recorder.on_replaced = self.startup_tasks.rebuild
        keep_folder_batches(self)
        keep_trainings(self)
        self.statistics = Statistics()
        self.statistics.attach(self.queue, self.hooks)
        self.estimates = Estimates(self.paths.data / "cache" / "timings.json")
        self.estimates.attach(self.hooks)
        self.hooks.saved.attach("history", self._on_saved)
        self.settings.observe(self._on_settings_changed)
        self.library = Library(
            self.paths.data / "cache",
            data=self.paths.data,
            busy=lambda: self.queue.current is not None,
            hidden=lambda: self.settings.current.list_hidden_files,
        )
        files = [Path(flags.checkpoint)] if flags.checkpoint else []
        folders = {kind: self._folders_of(kind) for kind in ("checkpoint", "vae", "lora", "hypernetwork", "embedding")}
        self.catalogue = Catalogue(
            self.library, folders["checkpoint"], files, self.paths.starter_checkpoint, self.families
        )
        always = flags.vae_path and flags.vae_path.expanduser().absolute()
        self.vaes = VaeCatalogue(self.library, folders["vae"], folders["checkpoint"], always)
        self.networks = NetworkCatalogue(
            self.library, {"lora": folders["lora"], "hypernet": folders["hypernetwork"]}, self.families
        )
        self.embeddings = EmbeddingCatalogue(self.library, folders["embedding"], self.families)
        self.models = ModelFileList(self.library, self.upscalers)
        self.prompt_craft = PromptCraft(self)

    @property
    def aesthetic_embeddings(self) -> AestheticFolder:
        """The embeddings of pictures that prompts can be led to."""
        inside = ("aesthetic_embeddings", "extensions/stable-diffusion-webui-aesthetic-gradients/aesthetic_embeddings")
        trees = (self.paths.data, *self.paths.trees)
        return AestheticFolder([tree / each for tree in trees for each in inside])

    def _captioner_folders(self) -> CaptionerFolders:
        def models(name: str) -> tuple[Path, ...]:
            return (self.paths.models / name, *(tree / "models" / name for tree in self.paths.trees))

        named = self.flags.clip_models_path
        return CaptionerFolders(
            blip=models("BLIP"),
            clip=models("CLIP") if named is None else (named.expanduser().absolute(), *models("CLIP")),
            deepdanbooru=models("torch_deepdanbooru"),
            wd14=models("WD14"),
            categories=(self.paths.data / "interrogate", *(tree / "interrogate" for tree in self.paths.trees)),
        )

    def _folders_of(self, kind: str) -> Folders:
        def folders() -> Sequence[Path]:
            return self.paths.folders(kind, self.settings.current.further_model_folders)

        return folders

    def start(self) -> None:
        """Begin the slow part of start-up (looking for models, importing torch, loading one) behind the page.

        Jobs that an earlier Easel left waiting go on.
        """
        self.library.start()
        if not self.flags.skip_load_model_at_start:
            self.queue.call_soon(self._load_selected)
        self.jobs.recorder.backlog.keep("What waited when Easel last ended", self.jobs.restore)
        self.startup_tasks.begin()

    def begin_end(self) -> None:
        """Take no more jobs, interrupt what runs and end the streams of events. Returns at once; `close()` waits."""
        self.jobs.begin_end()

    def abandon(self) -> None:
        """Mark what runs as interrupted, for the process ends although it still runs."""
        self.jobs.abandon()

    def close(self) -> None:
        """Interrupt what runs, finish what is being saved, and free the engine. What waits goes on next time."""
        self.read_ahead.close()
        self.jobs.close()
        if "engine" in self.__dict__:
            self.engine.close()
        self.hooks.ending(EndEvent(restarts=self.shutdown.restart_wanted))
        self.startup_tasks.close()
        self.jobs.recorder.close()
        self.library.close()
        for lock in self.instance_locks:
            lock.close()

    def remove_owner(self, owner: str) -> None:
        """Undo everything that was attached or registered in the name of `owner`."""
        self.hooks.detach_owner(owner)
        self.registries.unregister(owner)

    # Jobs

    @property
    def size_limits(self) -> SizeLimits:
        """How large pictures may become here, whatever asks for them."""
        return SizeLimits.from_flags(self.flags)

    def submit(
        self,
        request: GenerationRequest,
        job_id: str | None = None,
        *,
        priority: int = 0,
        source: str = "",
        promised: bool = False,
    ) -> GenerationJob:
        """Queue a request, as settings are now. Raises EaselError for one that cannot run at all, before it is queued.

        A `promised` job is kept on the disk, under the very id that is given, or not queued at all. It writes the job
        to the disk, so it belongs on a thread that may wait.
        """
        self.check_request(request)
        job = self.jobs.submit(request, job_id, priority=priority, source=source, promised=promised)
        self._look_ahead()
        return job

    def check_request(self, request: GenerationRequest) -> None:
        """Raise EaselError for a request beyond the bounds, or with settings of its own that clients may not choose."""
        self.size_limits.check_request(request)
        check_counts(request, self.flags)
        self.policy.check_settings(request.override_settings, self.settings.current)

    def submit_task(self, task: TaskJob[Result]) -> TaskJob[Result]:
        """Queue work that is no request for pictures. Raises EaselError when the program is ending."""
        self.jobs.submit_task(task)
        return task

    def _resolved(self, request: GenerationRequest, job_id: str | None) -> GenerationJob:
        return resolved_job(
            request, self.settings.current, self.catalogue, fallback=self.flags.checkpoint, job_id=job_id
        )

    # Checkpoints

    @property
    def selected_checkpoint(self) -> CheckpointInfo | None:
        """The checkpoint that the next job without a wish of its own will use; None when there is none at all."""
        try:
            return self.catalogue.chosen(self.settings.current.sd_model_checkpoint or self.flags.checkpoint)
        except CheckpointError:
            return None

    @property
    def selected_family(self) -> Family:
        """The family of that checkpoint; without one the first family."""
        info = self.selected_checkpoint
        return self.families.built_in[0] if info is None else self.catalogue.family_of(info)

    def select_checkpoint(self, name: str) -> CheckpointInfo:
        """Make `name` the checkpoint of the settings and load it when the queue is idle.

        Raises UnknownName, and Forbidden where the setting is frozen.
        """
        info = self.catalogue.find(name)
        change = {"sd_model_checkpoint": info.title}
        self.policy.check_settings(change, self.settings.current)
        self.settings.change(change)
        return info

    @property
    def loading(self) -> tuple[str, float] | None:
        """The checkpoint that is being read and the share (0..1) that has been, None when none is."""
        return self.engine.loading if self.engine_ready else None

    def _look_ahead(self) -> None:
        """Have the checkpoint of the next job read while another runs."""
        following = next((job for job in self.queue.waiting if isinstance(job, GenerationJob)), None)
        if following is None or self.queue.current is None or not self.settings.current.sd_checkpoints_read_ahead:
            return
        name = following.checkpoint

        def choose() -> Path | None:
            try:
                info = self.catalogue.find(name) if name else self.selected_checkpoint
            except EaselError:
                return None
            loaded = self.engine.models.paths if self.engine_ready else ()
            return info.path if info is not None and info.path not in loaded else None

        self.read_ahead.want(choose)

    def _on_settings_changed(self, before: Settings, after: Settings) -> None:
        if before.sd_model_checkpoint != after.sd_model_checkpoint:
            self.queue.call_soon(self._load_selected)

    # The engine's thread

    @functools.cached_property
    def engine(self) -> Engine:
        """What makes pictures. First use imports torch."""
        with self.startup.phase("torch"), importing("torch"):
            load_libraries("torch", "libtorch_cpu", "libtorch_cuda")
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
            restorers=self.restorers,
            captioners=self.captioners,
            embeddings=self.embeddings,
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

    def _execute(self, job: AnyJob) -> Any:
        if isinstance(job, TaskJob):
            return job.work(job.control)
        assert isinstance(job, GenerationJob)
        self._look_ahead()
        from modules.pipeline.run import run

        def make(request: GenerationRequest) -> GenerationResult:
            with profiled(self.settings.current, self.paths.data):
                return run(request, self.engine, job.control, settings=job.settings, checkpoint=job.checkpoint)

        if job.request.script is not None:
            result = run_script(self, job.request, job.control, make)
        else:
            result = self.hooks.generation(make, RunEvent(request=job.request))(job.request)
        keep_parameters(self.paths.data, result)
        return result

    def _on_saved(self, image: FinishedImage) -> None:
        if self.settings.current.samples_log_stdout and image.path is not None:
            log.info("%s\n%s", image.path, image.infotext)
        if image.path is not None and (job := self.queue.current) is not None:
            self.jobs.recorder.image_saved(job, image)
