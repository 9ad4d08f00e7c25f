"""The settings tab, drawn from the declarations of the settings."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component

from modules.foundation.errors import EaselError
from modules.settings.declare import Section
from modules.settings.known_options import FOLDERS
from modules.settings.model import Settings
from modules.webui.builder import PageBuilder
from modules.webui.choices import named_choices
from modules.webui.events import on
from modules.webui.setting_controls import from_page, refreshed_control, same, to_page
from modules.webui.tab_bar import Tab
from modules.webui.tabs import settings_actions
from modules.webui.tabs.settings_defaults import TAB as DEFAULTS
from modules.webui.tabs.settings_defaults import build_defaults
from modules.webui.uploads import OWN_FOLDER

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from modules.application.application import Application

ELSEWHERE = frozenset({"sd_model_checkpoint"})
"""Settings that always have their control at the top of the page; others are there by `quicksettings_list`."""

SECTION_NAMES = {
    "Paths for saving": "saving-paths",
    "Saving images/grids": "saving-images",
    "Saving to a directory": "saving-to-dirs",
    "Stable Diffusion": "sd",
    "Sampler parameters": "sampler-params",
    "Optimizations": "optimizations",
    "VAE": "vae",
    "Compatibility": "compatibility",
    "Gallery": "ui_gallery",
    "Infotext": "infotext",
    "Live previews": "ui",
    "Stable Diffusion XL": "sdxl",
    "Prompt editing": "ui_prompt_editing",
    "API": "API",
    "Face restoration": "face-restoration",
    "Canvas Hotkeys": "canvas_hotkey",
}
"""A1111's short names of its sections, from which the ids of their elements are made."""


@dataclass(frozen=True, kw_only=True)
class SettingsPanel:
    """The components of the tab; `components` by key. `shown` holds the values that the page was given."""

    components: Mapping[str, Component]
    shown: Component
    submit: Component
    result: Component


def section_name(section: type[Section]) -> str:
    """The short name of a section."""
    return SECTION_NAMES.get(section.title) or re.sub(r"\W+", "_", section.title.casefold()).strip("_")


def section_tabs(sections: Sequence[type[Section]], elsewhere: Collection[str] = ELSEWHERE) -> list[Tab]:
    """The sections as tabs inside the settings tab, those without one that have all their controls `elsewhere`."""
    return [
        Tab(name=section_name(section), label=section.title, elem_id=f"settings_{section_name(section)}")
        for section in sections
        if _keys(section, elsewhere)
    ]


def build_settings(page: PageBuilder) -> None:
    """Draw the tab: a page for each section of settings."""
    app, settings = page.app, page.settings
    lists = named_choices(app, page.tab_labels)
    components: dict[str, Component] = {}
    folders = default_folders(app.paths.data)
    elsewhere = ELSEWHERE.union(settings.quicksettings_list)
    with gr.Row(elem_id="settings_top_row"):
        submit = gr.Button("Apply settings", elem_id="settings_submit", variant="primary", scale=0, min_width=160)
        gr.Textbox(
            label="Search",
            elem_id="settings_search",
            placeholder="Search the settings",
            show_label=False,
            container=False,
            max_lines=1,
            scale=1,
        )
        # What static/settings_state.js does: only what was changed, a file of the settings, and from one.
        gr.HTML('<div id="settings_tools"></div>', apply_default_css=False)
        again = gr.Button("Read the settings again", elem_id="settings_read_again", visible="hidden")
    result = gr.HTML("", elem_id="settings_result")
    with gr.Row(elem_id="settings", equal_height=False):
        tabs = [*section_tabs(app.settings.sections, elsewhere), DEFAULTS, *settings_actions.TABS]
        page.tab_bar("settings", tabs, "Sections of the settings")
        with gr.Column(elem_id="settings_pages"):
            for section in app.settings.sections:
                if keys := _keys(section, elsewhere):
                    fields = {key: section.model_fields[key] for key in keys}
                    components |= _build_section(app, section, fields, lists, folders)
            build_defaults(page)
            settings_actions.build_actions(page)
    panel = SettingsPanel(components=components, shown=gr.State({}), submit=submit, result=result)
    page.when_drawn(lambda: _wire(page, panel))
    shown = [panel.shown, *components.values()]
    page.on_open(shown, lambda: current_values(app, panel, settings))
    on(again, "click", lambda: all_values(app, panel), [], shown, then="() => easel.settingsRead()")


def _wire(page: PageBuilder, panel: SettingsPanel) -> None:
    """Let "Apply settings" change what the user changed."""
    app, keys, listed = page.app, list(panel.components), page.listed

    def apply(shown: Mapping[str, object], *values: object) -> tuple[object, ...]:
        entered, chosen = dict(zip(keys, values, strict=False)), values[len(keys) :]
        # Only what was changed on this page: another page or the API may have changed the others meanwhile.
        changes = {key: value for key, value in entered.items() if not same(value, shown.get(key))}
        try:
            before = app.settings.current
            meant = {key: from_page(key, value, app.settings.declared) for key, value in changes.items()}
            app.policy.check_settings(meant, before)
            after = app.settings.change(meant)
        except EaselError as error:
            gr.Warning(str(error), title="The settings were not changed")
            return (
                gr.skip(),
                f'<p class="note error" data-field="{html.escape(_field_of(error))}">{html.escape(str(error))}</p>',
                *(gr.skip() for _ in [*keys, *listed]),
            )
        changed = [key for key in keys if getattr(before, key) != getattr(after, key)]
        updates = [_update(key, after) if key in changes else gr.skip() for key in keys]
        return (
            {**shown, **{key: to_page(key, after) for key in changes}},
            _summary(changed, app.settings.declared),
            *updates,
            *page.lists_now(chosen),
        )

    inputs = [panel.shown, *panel.components.values(), *listed]
    outputs = [panel.shown, panel.result, *panel.components.values(), *listed]
    on(panel.submit, "click", apply, inputs, outputs)


def current_values(app: Application, panel: SettingsPanel, built_with: Settings) -> list[object]:
    """For a page just opened: `shown` and the components whose settings changed since the page was built."""
    settings = app.settings.current
    shown = {key: to_page(key, settings) for key in panel.components}
    updates = [
        _update(key, settings) if getattr(settings, key) != getattr(built_with, key) else gr.skip()
        for key in panel.components
    ]
    return [shown, *updates]


def all_values(app: Application, panel: SettingsPanel) -> list[object]:
    """`shown` and every component with the settings of now: they were changed otherwise than on this page."""
    settings = app.settings.current
    shown = {key: to_page(key, settings) for key in panel.components}
    return [shown, *(_update(key, settings) for key in panel.components)]


def _update(key: str, settings: Settings) -> object:
    return gr.update(value=to_page(key, settings))


def _field_of(error: EaselError) -> str:
    """The key of the setting that an error is about, for the page to show it there; "" where it names none."""
    found = re.search(r"[Ss]etting '(\w+)'", str(error))
    return found[1] if found else ""


def _summary(changed: Sequence[str], declared: Mapping[str, FieldInfo]) -> str:
    if not changed:
        return '<p class="note quiet">Nothing was changed.</p>'
    count = "1 setting" if len(changed) == 1 else f"{len(changed)} settings"
    names = ", ".join(str(declared[key].title) for key in changed)
    return f'<p class="note quiet">{count} changed: {html.escape(names)}.</p>'


def _keys(section: type[Section], elsewhere: Collection[str]) -> list[str]:
    return [key for key in section.model_fields if key not in elsewhere]


def default_folders(data: Path) -> dict[str, str]:
    """Where the files go of each setting for a folder that is empty."""
    separate = "The separate folders below"
    folders = {key: str(data / folder) for key, folder in FOLDERS.items()}
    return {**folders, "outdir_samples": separate, "outdir_grids": separate, "temp_dir": str(data / OWN_FOLDER)}


def _build_section(
    app: Application,
    section: type[Section],
    fields: Mapping[str, FieldInfo],
    lists: Mapping[str, Sequence[str]],
    folders: Mapping[str, str],
) -> dict[str, Component]:
    name = section_name(section)
    with (
        gr.Column(elem_id=f"settings_{name}", elem_classes=["settings-page", "tabitem"]),
        gr.Column(elem_id=f"column_settings_{name}"),
    ):
        gr.HTML(
            f"<h2>{html.escape(section.title)}</h2><p>{html.escape(_sentence(section))}</p>",
            elem_classes=["settings-head"],
            apply_default_css=False,
        )
        return {
            key: refreshed_control(app, key, field, lists, placeholder=folders.get(key))
            for key, field in fields.items()
        }


def _sentence(section: type[Section]) -> str:
    return (section.__doc__ or "").strip().split("\n\n")[0]
