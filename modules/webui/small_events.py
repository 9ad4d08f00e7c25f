"""The small buttons: swap, dice, reuse, clear, styles, token counters, and the picture chosen in the gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.application.save_button import save_pictures
from modules.foundation.errors import EaselError
from modules.prompts.styles import apply_styles, pick_styles
from modules.webui.gallery import error_html, info_of_picture, kept_html, seed_of_picture
from modules.webui.pictures import served_path
from modules.webui.tokens import TokenCounter
from modules.webui.upscale import shown_result

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.webui.txt2img import Txt2ImgPanel

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def wire_small_events(app: Application, panel: Txt2ImgPanel) -> None:
    """Tie them all. What needs nothing from the server is done in the browser."""
    _wire_seeds(panel)
    _wire_gallery(panel)
    _wire_saving(app, panel)
    _wire_styles(app, panel)
    _wire_token_counters(app, panel)
    controls, top = panel.controls, panel.top
    panel.buttons.swap_sizes.click(
        None, [controls.width, controls.height], [controls.width, controls.height], js="(w, h) => [h, w]"
    )
    top.clear_prompt.click(
        None,
        [controls.prompt, controls.negative_prompt],
        [controls.prompt, controls.negative_prompt],
        js="(words, negative) => confirm('Clear both prompts?') ? ['', ''] : [words, negative]",
    )


def _wire_seeds(panel: Txt2ImgPanel) -> None:
    controls, buttons, results = panel.controls, panel.buttons, panel.results
    for random, reuse, seed, name in (
        (buttons.random, buttons.reuse, controls.seed, "all_seeds"),
        (buttons.random_variation, buttons.reuse_variation, controls.subseed, "all_subseeds"),
    ):
        random.click(None, None, [seed], js="() => -1")
        reuse.click(_seed_reader(name), [results.generation_info, results.selected], [seed], **QUIET)


def _seed_reader(name: str) -> Any:
    def read(info: str, selected: int) -> int:
        return seed_of_picture(info, selected, name)

    return read


def _wire_gallery(panel: Txt2ImgPanel) -> None:
    results = panel.results

    def on_select(info: str, event: gr.SelectData) -> tuple[int, str]:
        index = event.index if isinstance(event.index, int) else 0
        return index, info_of_picture(info, index)

    results.gallery.select(on_select, [results.generation_info], [results.selected, results.html_info], **QUIET)


def _wire_saving(app: Application, panel: Txt2ImgPanel) -> None:
    results = panel.results

    def save(info: str, selected: int, *, archive: bool) -> tuple[str, Any]:
        wanted = selected if app.settings.current.save_selected_only else None
        try:
            kept = save_pictures(app, shown_result(app, info), wanted, archive=archive)
        except EaselError as error:
            gr.Warning(str(error), title="Not saved")
            return error_html(error), gr.skip()
        files = [served_path(path) for path in ((kept.archive,) if kept.archive else kept.files)]
        return kept_html(kept), gr.File(value=files, visible=True)

    def on_save(info: str, selected: int) -> tuple[str, Any]:
        return save(info, selected, archive=False)

    def on_save_zip(info: str, selected: int) -> tuple[str, Any]:
        return save(info, selected, archive=True)

    for button, act in ((results.save, on_save), (results.save_zip, on_save_zip)):
        button.click(act, [results.generation_info, results.selected], [results.html_log, results.downloads], **QUIET)


def _wire_styles(app: Application, panel: Txt2ImgPanel) -> None:
    controls, top = panel.controls, panel.top

    def on_apply(words: str, negative: str, names: list[str]) -> tuple[str, str, list[str]]:
        styles, missing = pick_styles(names or (), app.styles.all())
        if missing:
            gr.Warning(f"These styles are no longer in the styles file: {', '.join(missing)}.", title="Styles")
        return *apply_styles(words, negative, styles), []

    def on_refresh() -> Any:
        return gr.Dropdown(choices=[style.name for style in app.styles.all()])

    texts = [controls.prompt, controls.negative_prompt, controls.styles]
    top.apply_styles.click(on_apply, texts, texts, **QUIET)
    top.refresh_styles.click(on_refresh, None, [controls.styles], **QUIET)


def _wire_token_counters(app: Application, panel: Txt2ImgPanel) -> None:
    counter, top, controls = TokenCounter(app), panel.top, panel.controls

    def on_prompt(words: str, steps: float, styles: list[str]) -> str:
        return counter.html(words, steps, styles, negative=False)

    def on_negative(words: str, steps: float, styles: list[str]) -> str:
        return counter.html(words, steps, styles, negative=True)

    # The buttons are hidden; static/tokens.js presses them when the typing pauses.
    for button, act, words, shown in (
        (top.token_button, on_prompt, controls.prompt, top.token_counter),
        (top.negative_token_button, on_negative, controls.negative_prompt, top.negative_token_counter),
    ):
        button.click(act, [words, controls.steps, controls.styles], [shown], trigger_mode="always_last", **QUIET)
