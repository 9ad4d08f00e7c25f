"""Tying all events of a generation panel."""

from __future__ import annotations

from modules.webui.builder import PageBuilder
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.queueing import MakeRequest, wire_queueing
from modules.webui.panel.running import Submit, wire_running
from modules.webui.panel.sending import wire_sending
from modules.webui.panel.small_events import wire_small_events
from modules.webui.panel.styles_events import wire_styles_dialog
from modules.webui.paste.events import wire_pasting


def wire_panel(page: PageBuilder, panel: GenerationPanel, submit: Submit, make_request: MakeRequest) -> None:
    """Tie what every panel has; `submit` hands in what its controls ask for, `make_request` only makes the request."""
    wire_running(page, panel, submit)
    wire_queueing(page, panel, make_request)
    wire_small_events(page, panel)
    wire_styles_dialog(page, panel)
    wire_pasting(page.app, panel)
    wire_sending(page, panel)
