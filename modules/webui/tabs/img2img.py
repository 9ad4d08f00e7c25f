"""The img2img tab."""

from __future__ import annotations

from collections.abc import Mapping

from modules.webui.builder import PageBuilder
from modules.webui.panel.describing import wire_describing
from modules.webui.panel.generation_panel import draw_panel
from modules.webui.panel.img2img_events import wire_img2img
from modules.webui.panel.img2img_layout import rules, sections
from modules.webui.panel.img2img_request import single_request, submit_img2img
from modules.webui.panel.running import Run
from modules.webui.panel.wiring import wire_panel


def build_img2img(page: PageBuilder) -> None:
    """Draw the tab and wire its events."""
    panel = draw_panel(page.drawing("img2img"), sections(page))
    page.add_panel(panel)
    page.rules.append(rules())

    def submit(values: Mapping[str, object], task: str | None) -> Run:
        return submit_img2img(page.app, values, task)

    def wire() -> None:
        wire_panel(page, panel, submit, single_request)
        wire_img2img(page, panel)
        wire_describing(page.app, panel)

    page.when_drawn(wire)
