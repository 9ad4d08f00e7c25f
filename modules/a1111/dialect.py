"""The dialect of one application: everything that scripts and extensions of A1111 find, put together."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.a1111 import current as process
from modules.a1111 import seams, stand_ins
from modules.a1111.attachments import Attachments
from modules.a1111.callbacks import Callbacks
from modules.a1111.current import OWNER
from modules.a1111.loading import ScriptLoader
from modules.a1111.options import OptionInfo, section_of
from modules.a1111.processing.parameters import StableDiffusionProcessing
from modules.a1111.processing.processed import Processed, result_of
from modules.a1111.runner import ScriptRunner
from modules.a1111.script import ScriptClassData, overrides
from modules.a1111.sd_model import ModelView
from modules.a1111.shared import Shared
from modules.a1111.unet_view import restore_attention
from modules.application.application import Application
from modules.application.jobs.job import GenerationJob
from modules.application.scripts import Argument, Script, ScriptRun
from modules.extension_host.extension import Extension
from modules.foundation.errors import EaselError, ExtensionError, Interrupted
from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from modules.settings.flags import refuse_unknown
from modules.settings.model import Settings

log = logging.getLogger(__name__)

KEPT_RESULTS = 64
"""Results for which the Processed that scripts have worked on is remembered until it is asked for."""

BUILT_IN_NAMES = frozenset({"extra options", "refiner", "sampler", "seed", "soft inpainting", "comments"})
"""Always-on scripts of A1111 that are parts of the program here."""


class A1111Dialect:
    """Scripts, callbacks, options and the state of jobs, over one application."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.shared = Shared(self)
        self.scripts_data: list[ScriptClassData] = []
        self.postprocessing_data: list[ScriptClassData] = []
        self.callbacks = Callbacks(failed=self.failed)
        self.errors: dict[str, list[str]] = {}
        self.scripts_txt2img, self.scripts_img2img = ScriptRunner(), ScriptRunner()
        self.loader = ScriptLoader(self)
        self.processed: OrderedDict[int, Processed] = OrderedDict()
        self._local = threading.local()
        self._changed: dict[str, Any] = {}
        self._control: RunControl | None = None
        self._sections: dict[str, Any] = {}
        self._owner = "a1111"
        self._stand_ins = stand_ins.StandInFinder()
        self.extras: dict[str, Any] = {}
        """What parts of the dialect keep for as long as it is installed, by their names."""

    # Coming and going

    def install(self, folders: Mapping[str, Path], extensions: Sequence[Extension] = ()) -> None:
        """Load the scripts of these folders (by owner, in this order), then of extensions; attach everything."""
        process.put(self)
        stand_ins.put(self._stand_ins)
        Attachments(self).attach(self.app.hooks)
        self.app.settings.observe(self.shared.opts.changed)
        for owner, folder in folders.items():
            self.loader.load_folder(owner, folder)
        self._read_flags(extensions)
        for extension in extensions:
            self.loader.load_extension(extension)
        self.declare_settings()
        for runner, img2img in ((self.scripts_txt2img, False), (self.scripts_img2img, True)):
            runner.initialize_scripts(img2img)

    def _read_flags(self, extensions: Sequence[Extension]) -> None:
        """Flags of extensions, into `cmd_opts`. Raises StartupError for one that none of them knows either."""
        parser = argparse.ArgumentParser(
            prog="webui", allow_abbrev=False, exit_on_error=False, conflict_handler="resolve"
        )
        self.loader.preload(extensions, parser)
        known, rest = parser.parse_known_args(self.app.unknown_arguments)
        self.shared.cmd_opts.added.update(vars(known))
        refuse_unknown(rest)

    def draw_offline(self) -> None:
        """Draw the scripts' controls apart from any page, so that the API knows their arguments and defaults."""
        import gradio as gr

        for runner in (self.scripts_txt2img, self.scripts_img2img):
            runner.prepare_ui()
            if runner.scripts:  # an empty page costs a fifteenth of a start
                with gr.Blocks(analytics_enabled=False):
                    runner.draw_all()
        self.register_scripts()

    def register_scripts(self) -> None:
        """Make the scripts known to the program's registry, from which requests and lists take them."""
        registry = self.app.registries.scripts
        registry.unregister(OWNER)
        known = {}
        for img2img, runner in ((False, self.scripts_txt2img), (True, self.scripts_img2img)):
            for script in runner.scripts:
                name = script.title().lower()
                tabs = known.setdefault(name, {})
                tabs[img2img] = script
        for name, tabs in known.items():
            script = tabs.get(False) or tabs[True]
            if name in BUILT_IN_NAMES:
                continue
            try:
                registry.register(OWNER, self._described(name, script, tabs))
            except ExtensionError as error:
                self.failed(script.filename or name, str(error))

    def _described(self, name: str, script: Any, tabs: Mapping[bool, Any]) -> Script:
        return Script(
            name=name,
            title="" if name == script.title() else script.title(),
            arguments=self._arguments(script, img2img=script.is_img2img),
            img2img_arguments=self._arguments(tabs[True], img2img=True) if True in tabs else None,
            txt2img=False in tabs,
            img2img=True in tabs,
            run=None if script.alwayson else self._run,
        )

    def _arguments(self, script: Any, *, img2img: bool) -> tuple[Argument, ...]:
        runner = self.scripts_img2img if img2img else self.scripts_txt2img
        defaults = runner.defaults[script.args_from or 0 : script.args_to or 0]
        return tuple(_argument(control, value) for control, value in zip(script.controls or (), defaults, strict=False))

    def close(self) -> None:
        """Let go of the application."""
        self.callbacks.call("script_unloaded")
        self.app.hooks.detach_owner(OWNER)
        self.app.registries.unregister(OWNER)
        self.loader.unload()
        restore_attention(self.extras.get("attention", {}))
        stand_ins.take_away(self._stand_ins)
        process.remove(self)

    # What is asked of it

    def runner(self, *, img2img: bool) -> ScriptRunner:
        """The scripts of one tab, their arguments known."""
        runner = self.scripts_img2img if img2img else self.scripts_txt2img
        if runner.scripts and all(script.args_from is None for script in runner.scripts):
            self.draw_offline()
        return runner

    def listens(self, *, img2img: bool) -> bool:
        """Whether a plain request needs a `p`: an always-on script does something, or a callback is registered."""
        runner = self.scripts_img2img if img2img else self.scripts_txt2img
        return (
            any(
                script.title().lower() not in BUILT_IN_NAMES and any(overrides(script, each) for each in RUN_METHODS)
                for script in runner.alwayson_scripts
            )
            or any(self.callbacks.of(moment) for moment in RUN_MOMENTS)
            or seams.class_patched()
            or bool(self.extras.get("extra networks"))
        )

    def failed(self, file: str, what: str) -> None:
        """Remember what a script failed in, for the page."""
        self.errors.setdefault(file, []).append(what)
        told = traceback.format_exc() if sys.exc_info()[0] is not None else ""
        self.app.extensions.failed(file, what, told)
        del self.errors[file][:-100]

    @contextlib.contextmanager
    def naming(self, file: str, what: str) -> Generator[None]:
        """A block of an extension's code: what it raises is logged and remembered, and does not spread."""
        try:
            yield
        except (Interrupted, EaselError):
            raise
        except Exception as error:  # the boundary of an extension
            log.exception("%s %s", file, what)
            self.failed(file, f"{what}: {error}")

    @contextlib.contextmanager
    def owned_by(self, file: str | None) -> Generator[None]:
        """While code of a script runs, what it registers is its own."""
        before, self._owner = self._owner, file or self._owner
        try:
            yield
        finally:
            self._owner = before

    # Settings

    @property
    def settings(self) -> Settings:
        """Those of the job that runs on this thread, with what its scripts changed; else the program's."""
        job = self.app.queue.current
        if self.is_working_thread and isinstance(job, GenerationJob) and job.settings is not None:
            return job.settings.changed(self._changed)
        return self.app.settings.current

    def change_settings(self, changes: Mapping[str, Any], *, save: bool) -> None:
        """Change settings for the program and for the rest of the job that runs."""
        if self.is_working_thread:
            self._changed |= changes
        self.app.settings.change(changes, save=save)

    def declare_settings(self) -> None:
        """Let extensions declare their settings."""
        self.callbacks.call("ui_settings")
        self.declare(dict(self.shared.options_templates))
        self.shared.options_templates.clear()

    def declare(self, options: Mapping[str, OptionInfo]) -> None:
        """Declare settings, each in its section."""
        grouped: dict[tuple[str, str], dict[str, OptionInfo]] = {}
        labels = self.shared.opts.data_labels
        for key, info in options.items():
            labels[key] = info
            if key not in self.app.settings.declared:
                title = (
                    str(info.section[1]) if info.section and len(info.section) > 1 and info.section[1] else "Extensions"
                )
                grouped.setdefault((title, info.category_id or ""), {})[key] = info
        for (title, category), members in grouped.items():
            everything = {**self._sections.get(title, {}), **members}
            self._sections[title] = everything
            self.app.registries.settings.unregister(f"{OWNER}: {title}")
            try:
                section = section_of(title, category, everything.items())
                self.app.registries.settings.register(f"{OWNER}: {title}", section)
            except EaselError as error:
                self.failed(title, str(error))
                log.warning("The settings of %s cannot be declared: %s", title, error)

    # Jobs

    @property
    def control(self) -> RunControl | None:
        """That of the job at hand."""
        if self._control is not None:
            return self._control
        job = self.app.queue.current
        return None if job is None else job.control

    @property
    def is_working_thread(self) -> bool:
        """Whether this thread is the one that runs jobs."""
        return threading.current_thread().name == "engine"

    @contextlib.contextmanager
    def working(self, control: RunControl, changed: Mapping[str, Any] | None) -> Generator[None]:
        """A job of scripts runs."""
        self._control, self._changed = control, dict(changed or {})
        try:
            yield
        finally:
            self._control, self._changed = None, {}

    @contextlib.contextmanager
    def asked_by(self, p: StableDiffusionProcessing) -> Generator[None]:
        """The next run is made for `p`."""
        before = getattr(self._local, "asked", None)
        self._local.asked = p
        try:
            yield
        finally:
            self._local.asked = before

    def take_asked(self) -> StableDiffusionProcessing | None:
        """The `p` that the run which begins is made for, once."""
        p = getattr(self._local, "asked", None)
        self._local.asked = None
        return p

    @contextlib.contextmanager
    def running(self, p: StableDiffusionProcessing | None, model: Any) -> Generator[None]:
        """While a run is made, `shared.sd_model` is its model."""
        if p is None:
            yield
            return
        with self.shared.using(ModelView(model)):
            yield

    def make(self, request: GenerationRequest) -> GenerationResult:
        """The pictures of a request, within the job that runs."""
        from modules.pipeline.run import run

        job = self.app.queue.current
        control = self.control
        assert control is not None
        settings = job.settings if isinstance(job, GenerationJob) else None
        checkpoint = job.checkpoint if isinstance(job, GenerationJob) else None
        if self._changed:
            settings = (settings or self.app.settings.current).changed(self._changed)
            checkpoint = self._changed.get("sd_model_checkpoint", checkpoint)
        result = run(request, self.app.engine, control, settings=settings, checkpoint=checkpoint)
        while len(self.processed) > KEPT_RESULTS:
            self.processed.popitem(last=False)
        return result

    def _run(self, script_run: ScriptRun) -> GenerationResult:
        """A request whose selected script is one of the dialect's."""
        from modules.a1111.processing.conversion import processing_of

        request = script_run.request
        runner = self.runner(img2img=request.is_img2img)
        p = processing_of(request)
        p.scripts, p.script_args = runner, runner.arguments_for(request.script_arguments, request.script)
        state = self.shared.state
        with self.working(script_run.control, None):
            state.begin(request.script or "script")
            try:
                runner.setup_scrips(p, is_ui=False)
                p.scripts_setup_complete = True
                processed = runner.run(p, *p.script_args)
                if processed is None:
                    from modules.a1111.processing.running import process_images

                    processed = process_images(p)
            finally:
                state.end()
        return result_of(processed)


RUN_METHODS = (
    "before_process",
    "process",
    "before_process_batch",
    "after_extra_networks_activate",
    "process_batch",
    "process_before_every_sampling",
    "before_hr",
    "post_sample",
    "on_mask_blend",
    "postprocess_batch",
    "postprocess_batch_list",
    "postprocess_image",
    "postprocess_maskoverlay",
    "postprocess_image_after_composite",
    "postprocess",
    "setup",
)
RUN_MOMENTS = ("cfg_denoiser", "cfg_denoised", "cfg_after_cfg", "before_image_saved", "extra_noise", "image_grid")


def _argument(control: Any, value: Any) -> Argument:
    choices = getattr(control, "choices", None)
    listed = [str(each[0] if isinstance(each, tuple) else each) for each in choices] if choices is not None else None
    return Argument(
        label=str(getattr(control, "label", "") or ""),
        value=value,
        minimum=getattr(control, "minimum", None),
        maximum=getattr(control, "maximum", None),
        step=getattr(control, "step", None),
        choices=(lambda app: listed) if listed is not None else None,
        shown=getattr(control, "value", None) if getattr(control, "type", None) == "index" else None,
    )
