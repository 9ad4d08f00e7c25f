"""What the dialog of the styles does: shows one, saves, renames and deletes it, and writes it into the prompts."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr

from modules.foundation.errors import EaselError, reason_of
from modules.prompts.styles import Style, apply_styles, pick_styles
from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.styles_dialog import FIELDS

Chosen = Sequence[str] | None
"""What is chosen in a panel's list of styles."""


def wire_styles_dialog(page: PageBuilder, panel: GenerationPanel) -> None:
    """Tie the dialog of a panel. Lists of styles on all panels follow what it does."""
    acts, parts = _StylesDialog(page, panel), panel.parts
    select, fields = parts["style_select"], [parts[name] for name in FIELDS]
    shown, message = fields[1:4], fields[4]
    lists = [each.controls["styles"] for each in page.panels.values()]
    selects = [each.parts["style_select"] for each in page.panels.values()]
    prompts = [panel.controls[name] for name in ("prompt", "negative_prompt")]
    texts = [*prompts, panel.controls["styles"]]
    open_it = f"(...values) => {{ easel.openDialog('{panel.tab}_styles_dialog'); return values }}"
    ask = "(name, ...others) => [name && confirm(`Delete the style ${name}?`) ? name : null, ...others]"
    on(parts["style_edit"], "click", acts.open, [panel.controls["styles"], *shown], fields, js=open_it)
    on(select, "input", acts.choose, [select], fields[1:])
    on(parts["style_save"], "click", acts.save, [select, *shown, *lists], [message, *lists, *selects])
    on(parts["style_delete"], "click", acts.delete, [select, *lists], [message, *lists, *selects, *shown], js=ask)
    on(parts["style_close"], "click", None, js="() => { easel.closeDialog() }")
    on(parts["style_copy"], "click", None, prompts, shown[1:], js="(words, negative) => [words, negative]")
    on(parts["style_apply_dialog"], "click", acts.apply, [*texts, select], texts)


class _StylesDialog:
    """The dialog of one panel: handlers of its events, each with new values of what the event changes."""

    def __init__(self, page: PageBuilder, panel: GenerationPanel) -> None:
        self._styles, self._page, self._panel = page.app.styles, page, panel

    def open(self, chosen: Chosen, *now: str) -> list[object]:
        """The style chosen on the panel; what is being written in the dialog stays."""
        names, problem = self._names(), _message(self._styles.problems())
        if any(now) or not chosen:
            return [gr.Dropdown(choices=names), *(gr.skip() for _ in now), problem]
        return [gr.Dropdown(choices=names, value=chosen[0]), *self._texts(chosen[0]), problem]

    def choose(self, name: str | None) -> list[object]:
        """The style of this name."""
        return [*self._texts(name or ""), _message(self._styles.problems())]

    def save(self, before: str | None, name: str, prompt: str, negative: str, *chosen: Chosen) -> list[object]:
        """Write the style as it stands; under another name than the one that was chosen, it is renamed."""
        style = Style(name=name or "", prompt=_line_ends(prompt), negative_prompt=_line_ends(negative))
        renamed = before if before and before != name and self._styles.file_of(before) is not None else None
        try:
            path = self._styles.save(style, renamed)
        except (EaselError, OSError) as error:
            return [_message([_reason(error)]), *self._unchanged()]
        kept = [[name if each == renamed else each for each in names or ()] for names in chosen]
        return [_message([f"Saved in {path.name}."], good=True), *self._lists(kept, name)]

    def delete(self, name: str | None, *chosen: Chosen) -> list[object]:
        """Delete the style that is chosen in the dialog; None where the question was answered with no."""
        untouched = [gr.skip() for _ in range(3)]
        if not name:
            return [gr.skip(), *self._unchanged(), *untouched]
        try:
            self._styles.remove(name)
        except (EaselError, OSError) as error:
            return [_message([_reason(error)]), *self._unchanged(), *untouched]
        return [_message([f"{name} is deleted."], good=True), *self._lists(chosen, None), "", "", ""]

    def apply(self, words: str, negative: str, names: Chosen, edited: str | None) -> list[object]:
        """The prompts with the styles chosen on the panel, or else with the one in the dialog."""
        styles, _ = pick_styles(names or ([edited] if edited else []), self._styles.all())
        return [*apply_styles(words, negative, styles), []]

    def _names(self) -> list[str]:
        return [style.name for style in self._styles.all()]

    def _texts(self, name: str) -> list[object]:
        """Name and halves of a style; a new name leaves the texts as they are, so that a style is made of them."""
        style = next((each for each in self._styles.all() if each.name == name), None)
        return [name, gr.skip(), gr.skip()] if style is None else [style.name, style.prompt, style.negative_prompt]

    def _lists(self, chosen: Sequence[Chosen], edited: str | None) -> list[object]:
        """The lists of styles on all panels, then those in their dialogs; `edited` is chosen in this one."""
        names = self._names()
        kept = [[each for each in some or () if each in names] for some in chosen]
        above = [gr.Dropdown(choices=names, value=some, multiselect=True) for some in kept]
        own = gr.Dropdown(choices=names, value=edited)
        return [
            *above,
            *(own if each is self._panel else gr.Dropdown(choices=names) for each in self._page.panels.values()),
        ]

    def _unchanged(self) -> list[object]:
        return [gr.skip() for _ in range(2 * len(self._page.panels))]


def _line_ends(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").replace("\r", "\n")


def _reason(error: EaselError | OSError) -> str:
    if isinstance(error, EaselError):
        return str(error)
    return f"{error.filename or 'The styles file'} cannot be written: {error.strerror or reason_of(error)}."


def _message(sentences: Sequence[str], *, good: bool = False) -> str:
    text = html.escape(" ".join(sentences))
    return f'<p class="note {"quiet" if good else "error"}" role="status">{text}</p>' if text else ""
