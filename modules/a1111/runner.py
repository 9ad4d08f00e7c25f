"""`ScriptRunner`: the scripts of one tab, their controls, and the calling of their methods."""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from modules.a1111.current import current
from modules.a1111.script import AlwaysVisible, OnComponent, Script, ScriptClassData, overrides
from modules.a1111.types import ComponentValue, GradioComponent, ScriptArgument
from modules.foundation.errors import EaselError, Interrupted
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.a1111.processing.processed import Processed

log = logging.getLogger(__name__)


class ScriptRunner:
    """The scripts that `show` themselves on one tab."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.selectable_scripts: list[Script] = []
        self.alwayson_scripts: list[Script] = []
        self.titles: list[str] = []
        self.title_map: dict[str, Script] = {}
        self.infotext_fields: list[ScriptArgument] = []
        self.paste_field_names: list[str] = []
        self.inputs: list[ScriptArgument] = [None]
        self.defaults: list[ScriptArgument] = [0]
        self.is_img2img = False

    def initialize_scripts(self, is_img2img: bool) -> None:
        """Make an object of each known class. One that fails is named in the log and left out."""
        self.is_img2img = is_img2img
        self.scripts, self.selectable_scripts, self.alwayson_scripts = [], [], []
        for data in current().scripts_data:
            with self._naming(data, "could not be made"):
                self._add(data)
        self.titles = [script.title() for script in self.selectable_scripts]
        self.title_map = {script.title().lower(): script for script in self.scripts}

    def _add(self, data: ScriptClassData) -> None:
        script = data.script_class()
        script.filename = data.path
        script.is_txt2img, script.is_img2img = not self.is_img2img, self.is_img2img
        script.tabname = "img2img" if self.is_img2img else "txt2img"
        shown = script.show(script.is_img2img)
        if not shown:
            return
        if not isinstance(title := cast("object", script.title()), str):
            raise TypeError(f"its title() gives {title!r}, not a name")
        script.alwayson = shown is AlwaysVisible
        self.scripts.append(script)
        (self.alwayson_scripts if script.alwayson else self.selectable_scripts).append(script)

    def draw(self, script: Script) -> list[ScriptArgument]:
        """Draw a script's controls where the page is being built, and give it its place among the arguments."""
        with current().owned_by(script.filename):
            script.args_from = len(self.inputs)
            controls = [each for each in (script.ui(script.is_img2img) or ()) if each is not None]
        script.controls = controls
        script.name = script.title().lower()
        self.inputs += controls
        self.defaults += [_default_of(control) for control in controls]
        script.args_to = len(self.inputs)
        if script.infotext_fields is not None:
            self.infotext_fields += script.infotext_fields
        if script.paste_field_names is not None:
            self.paste_field_names += script.paste_field_names
        return controls

    def prepare_ui(self) -> None:
        """Begin the list of arguments again; the first is the number of the selected script."""
        self.inputs, self.defaults = [None], [0]

    def begin(self) -> None:
        """Begin a page: no script has been drawn."""
        self.prepare_ui()
        self.infotext_fields, self.paste_field_names = [], []
        for script in self.scripts:
            script.args_from = script.args_to = None

    def try_draw(self, script: Script) -> bool:
        """Draw a script's controls. One that fails is named, has no arguments and is not called; False then."""
        with self._naming(script, "could not draw its controls"):
            self.draw(script)
            return True
        self._leave_out(script)
        return False

    def _leave_out(self, script: Script) -> None:
        script.args_from = script.args_to = None
        for scripts in (self.scripts, self.alwayson_scripts, self.selectable_scripts):
            if script in scripts:
                scripts.remove(script)
        self.titles = [each.title() for each in self.selectable_scripts]
        self.title_map.pop(script.title().lower(), None)

    def draw_all(self) -> None:
        """Draw the controls of every script that has not been drawn."""
        for script in (*self.alwayson_scripts, *self.selectable_scripts):
            if script.args_from is None:
                self.try_draw(script)

    def arguments_for(
        self, by_script: Mapping[str, Sequence[ScriptArgument]], selected: str | None
    ) -> list[ScriptArgument]:
        """The list of all scripts' arguments: those given by the scripts' names, the rest at their defaults."""
        arguments = list(self.defaults)
        for script in self.scripts:
            values = by_script.get((script.name or script.title()).lower())
            if values is not None and script.args_from is not None:
                numbered = [
                    _numbered(control, value) for control, value in zip(script.controls or (), values, strict=False)
                ]
                arguments[script.args_from : script.args_from + len(numbered)] = numbered
        names = [title.lower() for title in self.titles]
        arguments[0] = names.index(selected.lower()) + 1 if selected and selected.lower() in names else 0
        return arguments

    def script(self, title: str) -> Script | None:
        """The script of this title, in any case."""
        return self.title_map.get(title.lower())

    def run(self, p: StableDiffusionProcessing, *args: ScriptArgument) -> Processed | None:
        """Let the selected script make the pictures; None where none is selected."""
        number = args[0] if args else 0
        if not number:
            return None
        script = self.selectable_scripts[number - 1]
        return script.run(p, *args[script.args_from : script.args_to])

    def list_scripts_for_method(self, method_name: str) -> list[Script]:
        """The always-on scripts that have this method."""
        return [script for script in self.alwayson_scripts if overrides(script, method_name)]

    ordered_scripts = list_scripts_for_method

    def has(self, method: str) -> bool:
        """Whether any always-on script has this method."""
        return any(overrides(script, method) for script in self.alwayson_scripts)

    def call(self, method: str, p: StableDiffusionProcessing, *leading: object, **named: object) -> None:
        """Call a method of each always-on script that has it. One that raises is named and the others go on."""
        for script in self.list_scripts_for_method(method):
            with self._naming(script, f"failed in {method}"), current().owned_by(script.filename):
                arguments = p.script_args[script.args_from : script.args_to]
                begun = time.perf_counter()
                try:
                    getattr(script, method)(p, *leading, *arguments, **named)
                finally:
                    current().app.extensions.spent(script.filename or "", time.perf_counter() - begun)

    def _naming(self, script: Script | ScriptClassData, what: str) -> _Naming:
        return _Naming(script, what)

    # A1111's own names for the above

    def setup_scrips(self, p: StableDiffusionProcessing, *, is_ui: bool = True) -> None:
        """Call `setup` of each always-on script."""
        for script in self.list_scripts_for_method("setup"):
            if is_ui or not script.setup_for_ui_only:
                with self._naming(script, "failed in setup"):
                    script.setup(p, *p.script_args[script.args_from : script.args_to])

    def before_component(self, component: GradioComponent, **kwargs: object) -> None:
        """Tell the scripts of a component that is being made."""
        self._component("before_component", "on_before_component_elem_id", component, kwargs)

    def after_component(self, component: GradioComponent, **kwargs: object) -> None:
        """Tell the scripts of a component that was made."""
        self._component("after_component", "on_after_component_elem_id", component, kwargs)

    def _component(self, method: str, by_id: str, component: GradioComponent, kwargs: JsonObject) -> None:
        for script in self.scripts:
            for elem_id, callback in getattr(script, by_id) or ():
                if elem_id == kwargs.get("elem_id"):
                    with self._naming(script, f"failed in {by_id}"):
                        callback(OnComponent(component=component))
            if overrides(script, method):
                with self._naming(script, f"failed in {method}"), current().owned_by(script.filename):
                    getattr(script, method)(component, **kwargs)

    def set_named_arg(
        self, args: list[ScriptArgument], script_name: str, arg_elem_id: str, value: object, fuzzy: bool = False
    ) -> None:
        """Set one argument in a list of all, by the script's name and the id of the control."""
        script = next((each for each in self.scripts if each.name == script_name), None)
        if script is None:
            raise RuntimeError(f"script {script_name} not found")
        for index, control in enumerate(script.controls or ()):
            elem_id = getattr(control, "elem_id", None) or ""
            if elem_id == arg_elem_id or (fuzzy and elem_id.endswith(arg_elem_id)):
                args[(script.args_from or 0) + index] = value
                return
        raise RuntimeError(f"arg_elem_id {arg_elem_id} not found in {script_name}")

    def __getattr__(self, name: str) -> Callable[..., None]:
        """`process(p)`, `postprocess_image(p, pp)` and the like: the method of each always-on script that has it."""
        if name.startswith("_") or not inspect.isfunction(getattr(Script, name, None)):
            raise AttributeError(f"ScriptRunner has no {name!r}.")
        return functools.partial(self.call, name)

    def __iter__(self) -> Iterator[Script]:
        return iter(self.scripts)


class _Naming:
    """A block in which what a script raises is logged with its file and does not spread."""

    def __init__(self, script: Script | ScriptClassData, what: str) -> None:
        self._file = getattr(script, "filename", None) or getattr(script, "path", "")
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> bool:
        if error is None or not isinstance(error, Exception) or isinstance(error, Interrupted | EaselError):
            return False
        log.error("%s %s: %s", self._file, self._what, error, exc_info=error)
        current().failed(self._file, f"{self._what}: {error}")
        return True


def _default_of(control: GradioComponent) -> ComponentValue:
    """What a request that does not name the argument gives: the value as the function would get it from the page."""
    value = getattr(control, "value", None)
    if callable(value):
        value = value()  # as the page asks for it when it is opened
    if getattr(control, "type", None) == "index":
        values = _choices(control)
        return values.index(value) if value in values else None
    if value is None and control.get_block_name() == "textbox":
        return ""  # as Gradio 3 had it, and as the page sends it
    return value


def _numbered(control: GradioComponent, value: ScriptArgument) -> ScriptArgument:
    """What a client gives for a control whose function gets the number of a choice; it may give the choice."""
    if getattr(control, "type", None) != "index":
        return value
    choices = _choices(control)
    if isinstance(value, list):
        return [choices.index(each) if isinstance(each, str) and each in choices else each for each in value]
    return choices.index(value) if isinstance(value, str) and value in choices else value


def _choices(control: GradioComponent) -> list[Any]:
    return [each[1] if isinstance(each, tuple) else each for each in getattr(control, "choices", None) or ()]
