"""Scripts on the page: their controls on txt2img and img2img, the tabs of extensions, the listeners to components."""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.component_meta import ComponentMeta
from gradio.context import Context

from modules.a1111.added_tabs import added_tabs, draw_train_tabs
from modules.a1111.extra_pages import show_pages
from modules.a1111.generate_button import tie_generate
from modules.a1111.gradio3.classes import take_old_arguments
from modules.a1111.gradio3.keywords import HIDDEN_CLASS
from modules.a1111.javascript import extension_tags
from modules.a1111.pasting import new_value
from modules.a1111.runner import ScriptRunner
from modules.a1111.script import Script, overrides
from modules.a1111.send_buttons import wire_send_buttons
from modules.a1111.sending import add_paste_fields
from modules.a1111.types import GradioComponent
from modules.application.page_guests import PageGuest
from modules.application.registries import AddedTab
from modules.foundation.plain import JsonMapping
from modules.webui.builder import PageBuilder

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect

log = logging.getLogger(__name__)

HIDDEN_STYLE = f"<style>.{HIDDEN_CLASS}:not(#hidden#hidden) {{ display: none }}</style>"
"""Stronger than any rule for a layout block, and weaker than what a script writes to the element itself."""

PANEL_FIELDS = (
    *(("prompt", "Prompt"), ("neg_prompt", "Negative prompt"), ("cfg_scale", "CFG scale")),
    *(("width", "Size-1"), ("height", "Size-2"), ("batch_size", "Batch size"), ("steps", "Steps")),
    *(("sampling", "Sampler"), ("seed", "Seed"), ("denoising_strength", "Denoising strength")),
)
"""Controls of a panel by the ends of their ids, in A1111's order, and the parameters that they take."""

LAST_SECTION = "scripts"

COMMON: Mapping[str, object] = {"elem_id": None, "label": None, "value": None, "visible": True}
"""What extensions are told of each component, whatever it was made with."""

NONE = "None"
"""The entry of the list of scripts that selects none."""


class ScriptsOnPage(PageGuest):
    """The dialect as a guest of the page."""

    name = "a1111"

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect
        self._panel = "txt2img"
        self.page_parts: dict[str, list[str]] = {"css": [], "js": [], "head": []}

    def _runner(self, tab: str) -> ScriptRunner:
        return self._dialect.scripts_img2img if tab == "img2img" else self._dialect.scripts_txt2img

    # The page

    @contextlib.contextmanager
    def building(self) -> Generator[None]:
        """on_before_ui; while the page is built scripts hear of its components; at its end they are registered."""
        dialect = self._dialect
        dialect.callbacks.call("before_ui")
        show_pages(dialect.app, dialect.failed)
        self._panel = "txt2img"
        for runner in (dialect.scripts_txt2img, dialect.scripts_img2img):
            runner.begin()
        with self._told_of_components():
            yield
        dialect.registered_scripts.register()

    @contextlib.contextmanager
    def _told_of_components(self) -> Generator[None]:
        """While the page is built each component that is made is told to those who listen; else nothing is changed."""
        dialect = self._dialect
        if not self._has_listener():
            yield
            return

        def call(cls: Any, *args: object, **named: object) -> Any:
            component = cls.__new__(cls, *args, **named)
            keywords = {**COMMON, **_by_name(cls, args), **named}
            runner = self._runner_at(keywords.get("elem_id"))
            dialect.callbacks.call("before_component", component, **keywords)
            runner.before_component(component, **keywords)
            component.__init__(*args, **named)
            take_old_arguments(component)
            dialect.callbacks.call("after_component", component, **keywords)
            runner.after_component(component, **keywords)
            return component

        meta: Any = ComponentMeta
        meta.__call__ = call
        try:
            yield
        finally:
            del meta.__call__

    def _has_listener(self) -> bool:
        dialect = self._dialect
        return (
            any(dialect.callbacks.of(moment) for moment in ("before_component", "after_component"))
            or any(
                overrides(script, method)
                for runner in (dialect.scripts_txt2img, dialect.scripts_img2img)
                for script in runner.scripts
                for method in ("before_component", "after_component")
            )
            or any(
                script.on_before_component_elem_id or script.on_after_component_elem_id
                for runner in (dialect.scripts_txt2img, dialect.scripts_img2img)
                for script in runner.scripts
            )
        )

    def _runner_at(self, elem_id: object) -> ScriptRunner:
        """The scripts of the panel that is being drawn, which begins with the tab it stands in; first txt2img's."""
        if elem_id in ("tab_txt2img", "tab_img2img"):
            self._panel = str(elem_id).removeprefix("tab_")
        return self._runner(self._panel)

    # A panel

    def draw(self, tab: str, section: str) -> None:
        """The scripts of this section; in the last one all that is left, and the list of selectable ones."""
        runner = self._runner(tab)
        for script in tuple(runner.alwayson_scripts):
            if section != LAST_SECTION and script.section == section and script.args_from is None:
                self._draw_script(runner, script)
        if section == LAST_SECTION:
            self._draw_rest(tab, runner)

    def _draw_rest(self, tab: str, runner: ScriptRunner) -> None:
        # A group, as which extensions that arrange the scripts anew know it.
        with gr.Group(elem_id=f"{tab}_script_container", elem_classes=["script-container"]):
            for script in tuple(runner.alwayson_scripts):
                if script.args_from is None:
                    self._draw_script(runner, script)
            if runner.selectable_scripts:
                self._draw_selectable(tab, runner)

    def _draw_selectable(self, tab: str, runner: ScriptRunner) -> None:
        titles = [NONE, *runner.titles]
        chosen = gr.Dropdown(titles, value=NONE, label="Script", elem_id="script_list", type="index", interactive=True)
        runner.inputs[0] = chosen
        groups: list[tuple[str, Script]] = []
        for number, script in enumerate(tuple(runner.selectable_scripts)):
            groups.append((f"{tab}_script_{number}", script))
            group = gr.Group(elem_id=groups[-1][0], elem_classes=["script-group"])
            with group as script.group, contextlib.suppress(_Failed):
                self._draw_controls(runner, script)
        titles = [NONE, *runner.titles]
        chosen.choices = [(title, title) for title in titles]
        rules = [
            f"html:not([data-{tab}-script='{runner.selectable_scripts.index(script) + 1}']) #{elem_id}"
            " { display: none !important }"
            for elem_id, script in groups
            if script in runner.selectable_scripts
        ]
        gr.HTML(
            f"<style>{' '.join(rules)}</style>", elem_classes=["script-rules"], apply_default_css=False, padding=False
        )
        key = f"{tab}Script"
        chosen.change(
            None,
            [chosen],
            None,
            js=f"(title) => {{ document.documentElement.dataset.{key} = {json.dumps(titles)}.indexOf(title) }}",
            show_progress="hidden",
            api_visibility="private",
            queue=False,
        )

    def _draw_script(self, runner: ScriptRunner, script: Script) -> None:
        with contextlib.suppress(_Failed):
            if not script.create_group:
                self._draw_controls(runner, script)
                return
            with gr.Group(elem_classes=["script-group"]) as script.group:
                self._draw_controls(runner, script)
            if not script.group.children:
                script.group.unrender()

    def _draw_controls(self, runner: ScriptRunner, script: Script) -> None:
        """Draw a script's controls; what a failed one has drawn and tied already is taken away."""
        around, root = Context.block, Context.root_block
        before = list(around.children) if around is not None else []
        tables: list[dict[int, Any]] = [] if root is None else [root.default_config.blocks, root.default_config.fns]
        known = [set(table) for table in tables]
        if not runner.try_draw(script):
            Context.block = around
            for left in [each for each in (around.children if around is not None else []) if each not in before]:
                left.unrender()
            # The page cannot be drawn with an event of what is not in it.
            for table, kept in zip(tables, known, strict=True):
                for key in [each for each in table if each not in kept]:
                    del table[key]
            raise _Failed

    def inputs(self, tab: str) -> Sequence[GradioComponent]:
        """The controls of all scripts, the list of selectable ones first where there is one."""
        return [each for each in self._runner(tab).inputs if each is not None]

    def keys(self, tab: str) -> Sequence[tuple[str, Any]]:
        """A1111's keys: `customscript/FILE/TAB/LABEL`, and `TAB/Script` for the list of selectable scripts."""
        runner = self._runner(tab)
        chosen = runner.inputs[0]
        keys: list[tuple[str, Any]] = [] if chosen is None else [(f"{tab}/{chosen.label}", chosen)]
        for script in runner.scripts:
            where = f"customscript/{Path(script.filename or 'script').name}/{tab}"
            keys += [
                (f"{where}/{control.label}", control)
                for control in (script.controls or ())
                if getattr(control, "label", None) and not getattr(control, "do_not_save_to_config", False)
            ]
        return keys

    def fields(self, tab: str, values: Sequence[Any]) -> Mapping[str, Any]:
        """`script` and `script_arguments`."""
        runner = self._runner(tab)
        if not values:
            return {}
        arguments = list(values) if runner.inputs[0] is not None else [0, *values]
        number = arguments[0] or 0
        selected = runner.selectable_scripts[number - 1] if number else None
        by_script = {
            (script.name or script.title()).lower(): tuple(arguments[script.args_from : script.args_to])
            for script in runner.scripts
            if (script.alwayson or script is selected) and script.args_from is not None and script.controls
        }
        return {"script": selected.title() if selected else None, "script_arguments": by_script}

    # Parameters of pictures

    def outputs(self, tab: str) -> Sequence[Any]:
        """The list of selectable scripts, and the controls that scripts have named."""
        return [field[0] for field in self._fields(tab)]

    def pasted(self, tab: str, parameters: JsonMapping) -> Sequence[GradioComponent]:
        """What the parameters say to them."""
        known = dict(parameters)
        return [new_value(field[0], field[1], known) for field in self._fields(tab)]

    def sent(self, tab: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        """The same for those whose labels scripts have in `paste_field_names`."""
        dialect = self._dialect
        names = {*dialect.scripts_txt2img.paste_field_names, *dialect.scripts_img2img.paste_field_names}
        known = dict(parameters)
        return [new_value(field[0], field[1] if field[1] in names else None, known) for field in self._fields(tab)]

    def _fields(self, tab: str) -> list[Any]:
        runner = self._runner(tab)
        chosen = runner.inputs[0]
        return [*runner.infotext_fields, *([] if chosen is None else [(chosen, "Script")])]

    # Tabs of extensions

    def tabs(self) -> Iterator[AddedTab]:
        """Those of on_ui_tabs; and the tabs of training, while the program has no Train tab."""
        self._tell_fields()
        yield from added_tabs(self._dialect, self.page_parts)

    def _tell_fields(self) -> None:
        """Let extensions find the controls of both panels by the parameters that they take."""
        root = Context.root_block
        by_id = {block.elem_id: block for block in (root.blocks.values() if root is not None else ())}
        for tab in ("txt2img", "img2img"):
            fields = [(by_id[f"{tab}_{end}"], label) for end, label in PANEL_FIELDS if f"{tab}_{end}" in by_id]
            add_paste_fields(tab, by_id.get("img2img_image") if tab == "img2img" else None, fields)

    def train_tabs(self, page: PageBuilder) -> Callable[[], None] | None:
        """on_ui_train_tabs."""
        if not self._dialect.callbacks.of("ui_train_tabs"):
            return None
        return functools.partial(draw_train_tabs, self._dialect, page)

    def drawn(self, page: PageBuilder) -> None:
        """Tie the buttons with which extensions send something to other tabs."""
        wire_send_buttons(page)
        tie_generate(page)

    def head(self) -> str:
        """The styles and tags that extensions gave to Blocks of their own."""
        styles = "".join(f"<style>{_inside_style(each)}</style>" for each in self.page_parts["css"])
        theme = vars(self._dialect.extras.get("theme", SimpleNamespace()))
        variables = "; ".join(f"--{name.replace('_', '-')}: {value}" for name, value in theme.items())
        if variables:
            styles += f"<style>:root {{ {_inside_style(variables)} }}</style>"
        return HIDDEN_STYLE + styles + "".join(self.page_parts["head"]) + extension_tags(self._dialect.app)


class _Failed(Exception):  # noqa: N818
    """A script could not draw its controls; it has been named."""


def _by_name(cls: object, args: Sequence[object]) -> dict[str, Any]:
    parameters = [name for name in inspect.signature(cls.__init__).parameters if name != "self"]
    return dict(zip(parameters, args, strict=False))


def _inside_style(css: str) -> str:
    return css.replace("</", "<\\/")
