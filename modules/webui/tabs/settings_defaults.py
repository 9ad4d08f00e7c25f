"""Defaults: what the controls of the generation panels begin with, beside what they hold now; and changed to that."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass

import gradio as gr

from modules.application.application import Application
from modules.foundation.errors import Forbidden, reason_of
from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.kept_inputs import KeptInputs
from modules.webui.tab_bar import Tab
from modules.webui.ui_config import UiConfig

TAB = Tab(name="defaults", label="Defaults", elem_id="settings_tab_defaults")
EXPLANATION = (
    "<h2>Defaults</h2><p>What the controls hold when a new page is opened. They are kept in ui-config.json, and take "
    "effect when Easel starts again.</p>"
)
NOTHING = '<p class="note quiet">All controls hold what they begin with.</p>'


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A control that holds something else than it begins with; `key` is its key in ui-config.json."""

    key: str
    begins_with: object
    value: object


def build_defaults(page: PageBuilder) -> None:
    """Draw the page of the settings tab."""
    with gr.Column(elem_id=TAB.elem_id, elem_classes=["settings-page", "tabitem"]), gr.Column():
        gr.HTML(EXPLANATION, elem_classes=["settings-head"], apply_default_css=False)
        with gr.Row():
            view = gr.Button("View changes", elem_id="ui_defaults_view")
            apply = gr.Button("Apply", elem_id="ui_defaults_apply", variant="primary")
        review = gr.HTML("", elem_id="ui_defaults_review")
        session = gr.Textbox("", elem_id="ui_defaults_session", visible="hidden")

    def on_view(name: str) -> str:
        return table(differences(page, name))

    def on_apply(name: str) -> str:
        return applied(page.app, differences(page, name))

    # What was changed last is compared too.
    script = "async (...values) => { await easel.keepNow(); return easel.withSession(values); }"
    on(view, "click", on_view, [session], [review], js=script)
    on(apply, "click", on_apply, [session], [review], js=script)


def differences(page: PageBuilder, session: str) -> list[Difference]:
    """The controls whose value in this session of a browser is not the one in ui-config.json."""
    store, file = KeptInputs(page.app.paths.data / "sessions"), UiConfig(page.app.paths.ui_config_file)
    found: list[Difference] = []
    for tab, panel in page.panels.items():
        kept = store.kept(session, tab)
        for name, control in panel.declared.items():
            key = control.ui_key(tab)
            begins_with = file.begins_with(key)
            if name in kept and begins_with is not None and kept[name] != begins_with:
                found.append(Difference(key=key, begins_with=begins_with, value=kept[name]))
    return found


def applied(app: Application, changes: list[Difference]) -> str:
    """Write the changes; the sentence that says so."""
    if not changes:
        return NOTHING
    try:
        app.policy.check_defaults()
        UiConfig(app.paths.ui_config_file).change({each.key: each.value for each in changes})
    except Forbidden as error:
        return f'<p class="note error">{html.escape(str(error))}</p>'
    except OSError as error:
        return f'<p class="note error">{html.escape(f"ui-config.json cannot be written: {reason_of(error)}.")}</p>'
    count = "1 default" if len(changes) == 1 else f"{len(changes)} defaults"
    return f'<p class="note quiet">{count} changed; they hold from the next start of Easel on.</p>{table(changes)}'


def table(changes: list[Difference]) -> str:
    """The differences as a table."""
    if not changes:
        return NOTHING
    rows = "".join(
        f"<tr><th>{html.escape(each.key)}</th><td>{_shown(each.begins_with)}</td><td>{_shown(each.value)}</td></tr>"
        for each in changes
    )
    return (
        f'<table class="defaults-table"><tr><th>Control</th><th>Begins with</th><th>Holds now</th></tr>{rows}</table>'
    )


def _shown(value: object) -> str:
    return html.escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
