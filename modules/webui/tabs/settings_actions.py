"""Actions, system information and licences: what the settings tab offers besides settings."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path

import gradio as gr

from modules.settings.without_effect import REASONS
from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.tab_bar import Tab

ACTIONS = Tab(name="actions", label="Actions", elem_id="settings_tab_actions")
SYSINFO = Tab(name="sysinfo", label="Sysinfo", elem_id="settings_tab_sysinfo")
WITHOUT_EFFECT = Tab(name="without_effect", label="Without effect", elem_id="settings_tab_without_effect")
LICENCES = Tab(name="licenses", label="Licenses", elem_id="settings_tab_licenses")
TABS = (ACTIONS, SYSINFO, WITHOUT_EFFECT, LICENCES)

SECTIONS_WITHOUT_EFFECT = {
    "sd3": ("Stable Diffusion 3", "sd3_"),
    "callbacks": ("Callbacks", "prioritized_callbacks_"),
    "hypertile": ("Hypertile", "hypertile_"),
}
"""A1111's pages of settings none of which acts here: short name, title, and what their keys begin with."""

PROGRAM = Path(__file__).resolve().parents[3]

BUTTONS = (
    ("settings_restart_gradio", "Restart Easel", "Ends what runs in order, saves what is finished, and starts again."),
    ("sett_unload_sd_model", "Unload the checkpoint", "Frees its memory; the next picture loads it again."),
    ("sett_reload_sd_model", "Reload the checkpoint", "Loads the chosen checkpoint now."),
    (
        "calculate_all_checkpoint_hash",
        "Calculate hash for all checkpoints",
        "In the background, one file after another; pictures that are made meanwhile come first.",
    ),
    (
        "download_localization",
        "Localization template",
        "A file with all texts of the page: translate them, put it into localizations/, and choose it.",
    ),
    (
        "request_notifications",
        "Notify me",
        "Asks the browser to tell you when pictures are finished in the background.",
    ),
)
"""Id, label and explanation; static/settings_actions.js says what each does."""


def build_actions(page: PageBuilder) -> None:
    """Draw the pages behind the sections of settings."""
    restart = gr.Button("Restart", elem_id="easel_restart", visible="hidden")
    _page(ACTIONS, "What can be done to the running program.", _buttons())
    _page(SYSINFO, "What helps others to find out what is wrong. Passwords are left out.", SYSINFO_LINKS)
    _page(
        WITHOUT_EFFECT,
        "Settings of A1111 that are kept for programs that ask for them, and why they change nothing here.",
        _reasons(),
    )
    _page(LICENCES, "Under which terms you have this program.", _licences())

    def on_restart() -> None:
        if page.app.policy.is_open:
            gr.Warning("Everybody on the network may use this Easel, so it is not restarted from a page.")
        else:
            page.app.shutdown.restart()

    on(restart, "click", on_restart, [], [])


SYSINFO_LINKS = (
    '<div id="sysinfo_download"><a class="settings-link" href="./internal/sysinfo-download" download>Download</a> '
    '<a class="settings-link" href="./internal/sysinfo" target="_blank" rel="noopener">Open in a new tab</a> '
    '<label class="settings-link" title="Check that a file is as Easel wrote it">Check a file…'
    '<input type="file" id="sysinfo_file" accept=".json,.txt,application/json" /></label></div>'
    '<p id="sysinfo_validity" class="note" role="status" hidden></p>'
)


def _page(tab: Tab, sentence: str, content: str) -> None:
    with gr.Column(elem_id=tab.elem_id, elem_classes=["settings-page", "tabitem"]), gr.Column():
        head = f"<h2>{html.escape(tab.label)}</h2><p>{html.escape(sentence)}</p>"
        gr.HTML(f'<div class="settings-head">{head}</div>{content}', apply_default_css=False)


def _buttons() -> str:
    rows = "".join(
        f'<div class="settings-action"><button type="button" id="{elem_id}">{html.escape(label)}</button>'
        f"<span>{html.escape(explanation)}</span></div>"
        for elem_id, label, explanation in BUTTONS
    )
    return f'<div class="settings-actions">{rows}</div>'


def _reasons() -> str:
    remaining = dict(sorted(REASONS.items()))
    parts: list[str] = []
    for name, (title, beginning) in SECTIONS_WITHOUT_EFFECT.items():
        keys = [key for key in remaining if key.startswith(beginning)]
        rows = {key: remaining.pop(key) for key in keys}
        table = f'<div id="column_settings_{name}">{_table(rows)}</div>'
        parts.append(f'<section id="settings_{name}"><h3>{title}</h3>{table}</section>')
    return _table(remaining) + "".join(parts)


def _table(reasons: Mapping[str, str]) -> str:
    rows = "".join(
        f'<tr id="setting_{key}"><th>{html.escape(key)}</th><td>{html.escape(reason)}</td></tr>'
        for key, reason in reasons.items()
    )
    return f'<table class="defaults-table">{rows}</table>'


def _licences() -> str:
    texts = [
        f"<details><summary>{name}</summary><pre>{html.escape(path.read_text(encoding='utf-8'))}</pre></details>"
        for name in ("LICENSE", "NOTICE")
        if (path := PROGRAM / name).is_file()
    ]
    return f'<div id="licenses">{"".join(texts)}</div>'
