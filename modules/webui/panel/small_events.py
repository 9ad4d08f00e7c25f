"""The small buttons: swap, dice, reuse, clear, styles, lists read again, token counters, the picture chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import gradio as gr

from modules.application.save_button import save_pictures
from modules.foundation.errors import EaselError
from modules.prompts.styles import apply_styles, pick_styles
from modules.webui.builder import PageBuilder, offers
from modules.webui.events import on
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.info_text import error_html, info_of_picture, kept_html, seed_of_picture
from modules.webui.panel.keepsakes import wire_keepsakes
from modules.webui.panel.upscale import shown_result
from modules.webui.pictures import served_path
from modules.webui.tokens import TokenCounter

if TYPE_CHECKING:
    from modules.application.application import Application


def wire_small_events(page: PageBuilder, panel: GenerationPanel) -> None:
    """Tie them all. What needs nothing from the server is done in the browser."""
    app = page.app
    _wire_seeds(panel)
    _wire_gallery(panel)
    _wire_saving(app, panel)
    wire_keepsakes(app, panel)
    _wire_styles(app, panel)
    _wire_lists(page, panel)
    _wire_token_counters(app, panel)
    prompts = [panel.controls[name] for name in ("prompt", "negative_prompt")]
    clear = "(words, negative) => confirm('Clear both prompts?') ? ['', ''] : [words, negative]"
    on(panel.parts["clear_prompt"], "click", None, prompts, prompts, js=clear)


def _wire_seeds(panel: GenerationPanel) -> None:
    shown = [panel.results.generation_info, panel.results.selected]
    for control, name in (("seed", "all_seeds"), ("subseed", "all_subseeds")):
        box = [panel.controls[control]]
        on(panel.parts[f"random_{control}"], "click", None, [], box, js="() => -1")
        on(panel.parts[f"reuse_{control}"], "click", _seed_reader(name), shown, box)


def _seed_reader(name: str) -> Callable[[str, int], int]:
    def read(info: str, selected: int) -> int:
        return seed_of_picture(info, selected, name)

    return read


def _wire_gallery(panel: GenerationPanel) -> None:
    results = panel.results

    def on_select(info: str, event: gr.SelectData) -> tuple[int, str]:
        index = event.index if isinstance(event.index, int) else 0
        return index, info_of_picture(info, index)

    shown = [results.selected, results.html_info]
    # Each of several quick steps through the pictures counts; the last answer is that of the last one.
    on(results.gallery, "select", on_select, [results.generation_info], shown, trigger="multiple")
    inputs = [results.generation_info, results.selected]
    on(panel.parts["generation_info_button"], "click", info_of_picture, inputs, [results.html_info])


def _wire_saving(app: Application, panel: GenerationPanel) -> None:
    results = panel.results

    def save(info: str, selected: int, *, archive: bool) -> tuple[str, object]:
        wanted = selected if app.settings.current.save_selected_only else None
        try:
            kept = save_pictures(app, shown_result(app, info), wanted, archive=archive)
        except EaselError as error:
            gr.Warning(str(error), title="Not saved")
            return error_html(error), gr.skip()
        files = [served_path(path) for path in ((kept.archive,) if kept.archive else kept.files)]
        return kept_html(kept), gr.File(value=files, visible=True)

    def on_save(info: str, selected: int) -> tuple[str, object]:
        return save(info, selected, archive=False)

    def on_save_zip(info: str, selected: int) -> tuple[str, object]:
        return save(info, selected, archive=True)

    shown, changed = [results.generation_info, results.selected], [results.html_log, results.downloads]
    on(panel.parts["save"], "click", on_save, shown, changed)
    on(panel.parts["save_zip"], "click", on_save_zip, shown, changed)


def _wire_styles(app: Application, panel: GenerationPanel) -> None:
    def on_apply(words: str, negative: str, names: list[str]) -> tuple[str, str, list[str]]:
        styles, missing = pick_styles(names or (), app.styles.all())
        if missing:
            gr.Warning(f"These styles are no longer in the styles file: {', '.join(missing)}.", title="Styles")
        return *apply_styles(words, negative, styles), []

    texts = [panel.controls[name] for name in ("prompt", "negative_prompt", "styles")]
    on(panel.parts["apply_styles"], "click", on_apply, texts, texts)


def _wire_lists(page: PageBuilder, panel: GenerationPanel) -> None:
    """The buttons that have the lists of files and styles read again."""
    changing = panel.changing_components

    def on_refresh(*chosen: object) -> list[object]:
        page.app.catalogue.refresh()
        return panel.lists(offers(page.app), chosen)

    for name, button in panel.parts.items():
        if name.startswith("refresh_"):
            on(button, "click", on_refresh, changing, changing)


def _wire_token_counters(app: Application, panel: GenerationPanel) -> None:
    counter = TokenCounter(app)

    def on_prompt(words: str, steps: float, styles: list[str]) -> str:
        return counter.html(words, steps, styles, negative=False)

    def on_negative(words: str, steps: float, styles: list[str]) -> str:
        return counter.html(words, steps, styles, negative=True)

    # The buttons are hidden; static/tokens.js presses them when the typing pauses.
    for prompt, act, key in (("prompt", on_prompt, "token"), ("negative_prompt", on_negative, "negative_token")):
        inputs = [panel.controls[name] for name in (prompt, "steps", "styles")]
        on(panel.parts[f"{key}_button"], "click", act, inputs, [panel.parts[f"{key}_counter"]], trigger="always_last")
