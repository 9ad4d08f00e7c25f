"""The row at the very top: the name of the program and the checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from modules.checkpoints.info import CheckpointInfo
from modules.foundation.errors import EaselError
from modules.foundation.plain import JsonObject
from modules.webui.choices import named_choices
from modules.webui.events import on
from modules.webui.setting_controls import from_page, refreshed_control, same, to_page

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.webui.builder import PageBuilder

log = logging.getLogger(__name__)

LONGEST_REASON = 80
"""Letters of the reason why a checkpoint cannot be used."""

BRAND = """
<h1><a class="brand" href="./" aria-label="Easel">
<svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
<rect x="6" y="5" width="20" height="15" rx="2" fill="none" stroke="currentColor" stroke-width="2.2"/>
<path d="M8.5 17.5l5-6 3.5 4 2.5-2.5 4 4.5z" fill="var(--easel-accent)"/>
<path d="M16 1.5V5M11.5 20L8 30M20.5 20L24 30M16 20v7" stroke="currentColor" stroke-width="2.2" stroke-linecap="round"/>
</svg><span>Easel</span></a></h1>
"""


CHECKPOINT = "sd_model_checkpoint"


@dataclass(frozen=True, kw_only=True)
class QuickSettings:
    """The components of the row; `others` are those of further settings by key."""

    checkpoint: Component
    refresh: Component
    others: Mapping[str, Component]


def build_quicksettings(app: Application) -> QuickSettings:
    """Draw the quicksettings above the tabs, in the order of the setting `quicksettings_list`."""
    wanted = app.settings.current.quicksettings_list
    declared = app.settings.declared
    if unknown := [key for key in wanted if key not in declared]:
        log.warning("Quicksettings list: there is no setting %s.", ", ".join(unknown))
    lists = named_choices(app)
    others: dict[str, Component] = {}
    drawn: tuple[Component, Component] | None = None
    with gr.Row(elem_id="easel_header"):
        gr.HTML(BRAND, elem_id="easel_brand", apply_default_css=False)
        with gr.Row(elem_id="quicksettings"):
            for key in wanted:
                if key == CHECKPOINT:
                    drawn = _draw_checkpoint(app)
                elif key in declared:
                    others[key] = refreshed_control(app, key, declared[key], lists, scale=0, min_width=180)
            # Cards choose the checkpoint by way of it, so it is there even where it is not shown.
            checkpoint, refresh = drawn or _draw_checkpoint(app, visible="hidden")
    return QuickSettings(checkpoint=checkpoint, refresh=refresh, others=others)


def _draw_checkpoint(app: Application, **props: Any) -> tuple[Component, Component]:
    checkpoint = gr.Dropdown(
        label="Stable Diffusion checkpoint",
        elem_id=f"setting_{CHECKPOINT}",
        interactive=True,
        scale=0,
        min_width=320,
        **checkpoint_state(app),
        **props,
    )
    return checkpoint, gr.Button("🔄", elem_id=f"refresh_{CHECKPOINT}", elem_classes=["tool"], **props)


def checkpoint_state(app: Application) -> JsonObject:
    """Choices and value of the dropdown now."""
    selected, short = app.selected_checkpoint, app.settings.current.sd_checkpoint_dropdown_use_short
    return {
        "choices": [(_label(info, short), info.title) for info in app.catalogue.all()],
        "value": selected.title if selected else None,
    }


def _label(info: CheckpointInfo, short: bool) -> str:
    """A checkpoint's title, without its folder if `short`; with a sign and a reason where it cannot be used."""
    title = info.title.rpartition("/")[2] if short else info.title
    if info.problem is None:
        return title
    reason = info.problem.replace(str(info.path), "").strip(" :.")
    return f"⚠ {title} ({reason[:LONGEST_REASON]}{'…' if len(reason) > LONGEST_REASON else ''})"


def wire_quicksettings(page: PageBuilder, quick: QuickSettings) -> None:
    """Let the dropdown choose the checkpoint and the button read the folders again."""
    app = page.app

    def state() -> object:
        return gr.Dropdown(**checkpoint_state(app))

    def choose(title: str | None) -> object:
        if title:
            try:
                app.select_checkpoint(title)
            except EaselError as error:
                gr.Warning(str(error), title="The checkpoint was not changed")
        return state()

    def refresh() -> object:
        app.catalogue.refresh()
        return state()

    # A card of a checkpoint was pressed: static/cards/ says which.
    card = gr.Button("Change checkpoint", elem_id="change_checkpoint", visible="hidden")
    name = gr.Textbox("", elem_id="easel_desired_checkpoint", visible="hidden")
    chosen = "async () => [await easel.desiredCheckpoint()]"
    on(card, "click", choose, [name], [quick.checkpoint], js=chosen, then="() => easel.checkpointChanged()")
    # `input` is the user's choice alone; `change` would answer to our own updates as well.
    on(
        quick.checkpoint,
        "input",
        choose,
        [quick.checkpoint],
        [quick.checkpoint],
        then="() => easel.checkpointChanged()",
    )
    on(quick.refresh, "click", refresh, [], [quick.checkpoint])
    page.on_open([quick.checkpoint], lambda: [state()])
    for key, component in quick.others.items():
        _wire_setting(page, key, component)


def _wire_setting(page: PageBuilder, key: str, component: Component) -> None:
    """Let a control change its setting at once, and show the setting of the moment when the page is opened."""
    app = page.app

    def change(value: object) -> object:
        before = app.settings.current
        if same(value, to_page(key, before)):
            return gr.skip()
        try:
            meant = {key: from_page(key, value, app.settings.declared)}
            app.policy.check_settings(meant, before)
            app.settings.change(meant)
        except (EaselError, ValueError) as error:
            gr.Warning(str(error), title="The setting was not changed")
            return gr.update(value=to_page(key, before))
        return gr.skip()

    on(component, "change", change, [component], [component], trigger="always_last")
    page.on_open([component], lambda: [gr.update(value=to_page(key, app.settings.current))])
