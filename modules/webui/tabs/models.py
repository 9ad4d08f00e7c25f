"""The Models tab: every model file that is there, what is wrong with the broken ones, downloads, and what is loaded.

The list is drawn in the browser (static/models.js), which asks the API for the part that is seen.
"""

from __future__ import annotations

import html

import gradio as gr

from modules.application.downloads.download import check_allowed
from modules.foundation.errors import Forbidden
from modules.webui.builder import PageBuilder


def build_models(page: PageBuilder) -> None:
    """Draw the Models tab."""
    try:
        check_allowed(page.app)
        refused = ""
    except Forbidden as error:
        refused = str(error)
    reason = html.escape(refused, quote=True)
    gr.HTML(
        f'<div id="easel_models" data-refused="{reason}"></div>', elem_id="models_container", apply_default_css=False
    )
