"""The dialect of one application: everything that scripts and extensions of A1111 find, put together."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import traceback
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from modules.a1111 import current as process
from modules.a1111 import seams, stand_ins
from modules.a1111.attachments.attach import attach
from modules.a1111.callbacks import RUN_MOMENTS, Callbacks
from modules.a1111.current import OWNER
from modules.a1111.extension_settings import ExtensionSettings
from modules.a1111.extras_scripts import register_extras_scripts
from modules.a1111.job_context import JobContext
from modules.a1111.ldm.restoring import restore_networks
from modules.a1111.loading import ScriptLoader
from modules.a1111.registered_scripts import BUILT_IN_NAMES, RegisteredScripts
from modules.a1111.runner import ScriptRunner
from modules.a1111.script import ScriptClassData, overrides
from modules.a1111.shared import Shared
from modules.application.application import Application
from modules.extension_host.extension import Extension
from modules.foundation.errors import EaselError, Interrupted
from modules.foundation.plain import JsonObject
from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.settings.flags import refuse_unknown
from modules.settings.model import Settings

log = logging.getLogger(__name__)


class A1111Dialect:
    """Scripts, callbacks, options and the state of jobs, over one application."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.shared = Shared(self)
        self.scripts_data: list[ScriptClassData] = []
        self.postprocessing_data: list[ScriptClassData] = []
        self.callbacks = Callbacks(failed=self.failed, spent=app.extensions.spent)
        self.errors: dict[str, list[str]] = {}
        self.scripts_txt2img, self.scripts_img2img = ScriptRunner(), ScriptRunner()
        self.loader = ScriptLoader(self)
        self.job = JobContext(app)
        self.seams: seams.Seams | None = None
        """Those of the run at hand."""
        self.extension_settings = ExtensionSettings(app, self.shared.opts, self.failed)
        self.registered_scripts = RegisteredScripts(self)
        self._owner = "a1111"
        self._stand_ins = stand_ins.StandInFinder()
        self.extras: JsonObject = {}
        """What parts of the dialect keep for as long as it is installed, by their names."""

    # Coming and going

    def install(self, folders: Mapping[str, Path], extensions: Sequence[Extension] = ()) -> None:
        """Load the scripts of these folders (by owner, in this order), then of extensions; attach everything."""
        process.put(self)
        stand_ins.put(self._stand_ins)
        attach(self, self.app.hooks)
        self.app.settings.observe(self.shared.opts.changed)
        for owner, folder in folders.items():
            self.loader.load_folder(owner, folder)
        self._read_flags(extensions)
        for extension in extensions:
            self.loader.load_extension(extension)
        register_extras_scripts(self)
        self.declare_settings()
        for runner, img2img in ((self.scripts_txt2img, False), (self.scripts_img2img, True)):
            runner.initialize_scripts(img2img)
        for moment in ("list_optimizers", "list_unets"):
            self.extras[moment] = []
            self.callbacks.call(moment, self.extras[moment])
        # Scripts may well ask for settings only when they are made.
        self.declare_settings()

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
        self.registered_scripts.register()

    def close(self) -> None:
        """Let go of the application."""
        self.unload_scripts()
        self.app.hooks.detach_owner(OWNER)
        self.app.registries.unregister(OWNER)
        self.loader.unload()
        restore_networks(self.extras)
        stand_ins.take_away(self._stand_ins)
        process.remove(self)

    def unload_scripts(self) -> None:
        """on_script_unloaded, once."""
        if not self.extras.get("unloaded"):
            self.extras["unloaded"] = True
            self.callbacks.call("script_unloaded")

    # What is asked of it

    def runner(self, *, img2img: bool) -> ScriptRunner:
        """The scripts of one tab, their arguments known."""
        runner = self.scripts_img2img if img2img else self.scripts_txt2img
        if runner.scripts and all(script.args_from is None for script in runner.scripts):
            self.draw_offline()
        return runner

    def listens(self, request: GenerationRequest) -> bool:
        """Whether a plain request needs a `p`: an always-on script does something, or a callback is registered."""
        runner = self.scripts_img2img if request.is_img2img else self.scripts_txt2img
        return (
            any(
                script.title().lower() not in BUILT_IN_NAMES
                and any(overrides(script, each) for each in RUN_METHODS)
                and script.concerns(request)
                for script in runner.alwayson_scripts
            )
            or any(self.callbacks.of(moment) for moment in RUN_MOMENTS)
            or seams.class_patched()
            or bool(self.extras.get("extra networks"))
        )

    def failed(self, file: str, what: str) -> None:
        """Remember what a script failed in, for the page."""
        self.errors.setdefault(file, []).append(what)
        trace = traceback.format_exc() if sys.exc_info()[0] is not None else ""
        self.app.extensions.failed(file, what, trace)
        del self.errors[file][:-100]

    def blame(self, error: Exception, what: str) -> bool:
        """Log and remember, for an extension, what of it raised `error`, which is being handled.

        False where the error comes from no extension: it is then to be raised again.
        """
        file = self.loader.file_of(error)
        if file is not None:
            log.exception("%s: %s", file, what)
            self.failed(file, f"{what}: {error}")
        return file is not None

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
        return self.job.settings

    def declare_settings(self) -> None:
        """Let extensions declare their settings."""
        self.callbacks.call_new("ui_settings")
        self.extension_settings.declare(dict(self.shared.options_templates))
        self.shared.options_templates.clear()

    # Jobs

    @property
    def control(self) -> RunControl | None:
        """That of the job at hand."""
        return self.job.control


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
