"""Nothing is lost: the inputs of a tab are kept on the server as they change, and come back when the page opens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import gradio as gr
from gradio.components import Component

from modules.foundation.errors import EaselError
from modules.webui.builder import PageBuilder, offers
from modules.webui.canvas.value import CanvasValue, from_text, put_together, taken_apart
from modules.webui.events import on, on_any_change
from modules.webui.kept_inputs import KeptInputs
from modules.webui.panel.control import Choice, Drawn, Files, Kind, Offers, Picture, Several, offered_again
from modules.webui.panel.guests import choices_of
from modules.webui.panel.inputs import Inputs
from modules.webui.pictures import as_upload, may_be_read


def wire_keeping(page: PageBuilder) -> None:
    """Tie the inputs of all tabs. To be called when all are drawn."""
    store = KeptInputs(page.app.paths.data / "sessions")
    session = gr.Textbox("", elem_id="easel_session", visible="hidden")
    panels = list(page.inputs.values())
    for panel in panels:
        _wire_panel(store, session, panel)
    button = gr.Button("Restore", elem_id="easel_restore_inputs", visible="hidden")

    def on_restore(name: str) -> list[object]:
        offered = offers(page.app)
        updates: list[object] = []
        for panel in panels:
            updates += panel.updates(restored(store, name, panel, offered))
            updates += restored_guests(store, name, panel)
        return updates

    outputs = [each for panel in panels for each in (*panel.components, *panel.guests.kept.values())]
    script = "(...values) => easel.withSession(values)"
    on(button, "click", on_restore, [session], outputs, js=script, then="() => easel.inputsRestored()")


def _wire_panel(store: KeptInputs, session: gr.Textbox, panel: Inputs) -> None:
    # Without Gradio's reading of them: kept is what the page shows, also where it is nothing that could be worked with.
    def on_keep(name: str, *values: object) -> str:
        return _answer(name, store.keep(name, panel.tab, *entered(panel, values)))

    _keep_button(session, panel, "inputs", on_keep, panel.components)
    guests = panel.guests.kept
    if guests:

        def on_keep_guests(name: str, *values: object) -> str:
            return _answer(name, store.keep(name, guests_name(panel), dict(zip(guests, values, strict=True)), {}))

        _keep_button(session, panel, "guests", on_keep_guests, list(guests.values()))
    on_any_change([*panel.components, *guests.values()], js=f"() => easel.touched('{panel.tab}')")


def _keep_button(
    session: gr.Textbox, panel: Inputs, part: str, act: Callable[..., str], components: Sequence[Component]
) -> None:
    button = gr.Button("Keep", elem_id=f"{panel.tab}_keep_{part}", visible="hidden")
    answer = gr.Textbox("", elem_id=f"{panel.tab}_kept_{part}", visible="hidden")
    begin = f"(...values) => easel.withSession(values, '{panel.tab}')"
    done = f"(told) => easel.kept('{panel.tab}', '{part}', told)"
    on(button, "click", act, [session, *components], [answer], js=begin, done=done, trigger="always_last", raw=True)


def _answer(session: str, problem: str) -> str:
    """What the page is told of what it sent: how often it had changed by then, and why it was not kept, if so."""
    return f"{(session or '').rpartition(' ')[2]} {problem}"


def entered(panel: Inputs, values: Sequence[object]) -> tuple[dict[str, object], dict[str, str]]:
    """What the page shows in the controls of a panel, by name: plain values, and the paths of pictures."""
    plain, pictures = dict[str, object](), dict[str, str]()
    for each, value in panel.named(values).items():
        kind = panel.declared[each].kind
        if isinstance(kind, Drawn):
            if drawn := _drawn(value):
                plain[f"{each}.drawn"], files = taken_apart(drawn)
                pictures |= {f"{each}.{part}": str(path) for part, path in files.items()}
        elif isinstance(kind, Picture):
            if isinstance(value, Mapping) and (path := value.get("path")) and may_be_read(Path(str(path))):
                pictures[each] = str(path)
        elif not isinstance(kind, Files):
            plain[each] = value
    return plain, pictures


def _drawn(text: object) -> CanvasValue | None:
    try:
        return from_text(text, may_be_read)
    except EaselError:  # nothing that a canvas of the page sends
        return None


def guests_name(panel: Inputs) -> str:
    """Under which the values of the panel's guests are kept."""
    return f"{panel.tab}-guests"


def restored(store: KeptInputs, session: str, panel: Inputs, offered: Offers) -> dict[str, object]:
    """New values for the controls of a panel, as far as they are still possible."""
    kept = store.kept(session, panel.tab)
    values = {
        name: _fitting(control.kind, offered, kept[name]) for name, control in panel.declared.items() if name in kept
    }
    drawn = [name for name, control in panel.declared.items() if isinstance(control.kind, Drawn)]
    values |= {name: put_together(kept.get(f"{name}.drawn"), _files(kept, name)) for name in drawn}
    return {name: value for name, value in values.items() if value is not None}


def restored_guests(store: KeptInputs, session: str, panel: Inputs) -> list[object]:
    """Updates of the panel's `guests.kept`."""
    kept = store.kept(session, guests_name(panel))
    return [
        _guest_update(component, kept[name]) if name in kept else gr.skip()
        for name, component in panel.guests.kept.items()
    ]


def _guest_update(component: Component, value: object) -> object:
    """An update to `value`, or one that changes nothing where the component cannot take it any more."""
    try:
        if isinstance(component, gr.Dropdown | gr.Radio | gr.CheckboxGroup):
            offered = choices_of(component)
            chosen = value if isinstance(value, list) else [value]
            if not offered and isinstance(component, gr.Dropdown) and value:
                # Its choices depend on other controls, which will offer them again.
                return gr.update(choices=chosen, value=value)
            several = isinstance(component, gr.CheckboxGroup) or bool(getattr(component, "multiselect", False))
            custom = getattr(component, "allow_custom_value", False)
            fitting = [each for each in chosen if str(each) in offered or custom]
            if isinstance(value, list) is not several or (not several and not fitting):
                return gr.skip()
            return gr.update(value=fitting if several else value)
        component.preprocess(value)
    except (gr.Error, ValueError, TypeError):  # a value of another time
        return gr.skip()
    return gr.update(value=value)


def _files(kept: Mapping[str, object], name: str) -> dict[str, Path]:
    """The kept files of a canvas, as uploads."""
    paths = {part: Path(str(kept.get(f"{name}.{part}") or "")) for part in ("picture", "paint")}
    return {part: as_upload(path) for part, path in paths.items() if path.is_file()}


def _fitting(kind: Kind, offered: Offers, value: object) -> object:
    """`value`, or None where the control cannot take it any more."""
    if isinstance(kind, Picture):
        path = Path(str(value))
        return str(as_upload(path)) if path.is_file() else None
    if isinstance(kind, Choice):
        return offered_again(value, kind.choices(offered))
    if isinstance(kind, Several) and (choices := kind.choices(offered)):
        return [each for each in value if each in choices] if isinstance(value, list) else None
    return value
