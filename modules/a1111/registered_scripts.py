"""Scripts of the dialect in the program's registry, from which requests and lists take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from modules.a1111.current import OWNER
from modules.a1111.patching import looked_up
from modules.a1111.processing.conversion import processing_of
from modules.a1111.processing.processed import Processed, result_of
from modules.a1111.runner import ScriptRunner
from modules.a1111.script import Script as A1111Script
from modules.a1111.sd_model import model_of
from modules.a1111.types import GradioComponent
from modules.application.scripts import Argument, Script, ScriptRun
from modules.foundation.errors import ExtensionError
from modules.generation.result import GenerationResult

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect
    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.generation.progress import RunControl
    from modules.generation.request import GenerationRequest

SCRIPTS = Path(__file__).parents[2] / "scripts"
"""The program's own scripts, which are loaded ahead of all extensions."""

BUILT_IN_NAMES = frozenset({"extra options", "refiner", "sampler", "seed", "soft inpainting", "comments"})
"""Always-on scripts of A1111 that are parts of the program here."""


class RegisteredScripts:
    """The scripts of both tabs, each once, under its title."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect

    def register(self) -> None:
        """Make the scripts known to the program, in the place of those that were."""
        dialect = self._dialect
        registry = dialect.app.registries.scripts
        registry.unregister(OWNER)
        by_name: dict[str, dict[bool, A1111Script]] = {}
        for img2img, runner in ((False, dialect.scripts_txt2img), (True, dialect.scripts_img2img)):
            for script in runner.scripts:
                by_name.setdefault(script.title().lower(), {})[img2img] = script
        for name, tabs in by_name.items():
            if name in BUILT_IN_NAMES:
                continue
            script = tabs.get(False) or tabs[True]
            try:
                registry.register(OWNER, self._description(name, script, tabs))
            except ExtensionError as error:
                dialect.failed(script.filename or name, str(error))

    def _description(self, name: str, script: A1111Script, tabs: Mapping[bool, A1111Script]) -> Script:
        dialect = self._dialect
        runner = dialect.scripts_img2img if script.is_img2img else dialect.scripts_txt2img
        return Script(
            name=name,
            title="" if name == script.title() else script.title(),
            arguments=_arguments(script, runner),
            img2img_arguments=_arguments(tabs[True], dialect.scripts_img2img) if True in tabs else None,
            txt2img=False in tabs,
            img2img=True in tabs,
            run=None if script.alwayson else self._run,
            is_strict=Path(script.filename or "").parent == SCRIPTS,
        )

    def _run(self, script_run: ScriptRun) -> GenerationResult:
        """A request whose selected script is one of the dialect's."""

        def make(p: StableDiffusionProcessing) -> Processed | None:
            return self._dialect.runner(img2img=request.is_img2img).run(p, *p.script_args)

        request = script_run.request
        return made_by(self._dialect, request, script_run.control, make)


def made_by(
    dialect: A1111Dialect,
    request: GenerationRequest,
    control: RunControl,
    make: Callable[[StableDiffusionProcessing], Processed | None],
) -> GenerationResult:
    """What `make` gives for the `p` of a request; where it gives nothing, what `process_images` does."""
    runner = dialect.runner(img2img=request.is_img2img)
    p = processing_of(request)
    p.scripts, p.script_args = runner, runner.arguments_for(request.script_arguments, request.script)
    state = dialect.shared.state
    with dialect.job.working(control), dialect.shared.loading(lambda: model_of(p)):
        state.begin(request.script or "generation")
        try:
            runner.setup_scrips(p, is_ui=False)
            p.scripts_setup_complete = True
            processed = make(p) or looked_up("modules.processing", "process_images")(p)
        finally:
            state.end()
    made = result_of(processed)
    # A Processed that a script put together itself, or an empty one, does not say that the job was told to stop.
    return made if processed.result is not None else replace(made, interrupted=control.stopping)


def _arguments(script: A1111Script, runner: ScriptRunner) -> tuple[Argument, ...]:
    defaults = runner.defaults[script.args_from or 0 : script.args_to or 0]
    return tuple(_argument(control, value) for control, value in zip(script.controls or (), defaults, strict=False))


def _argument(control: GradioComponent, value: object) -> Argument:
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
