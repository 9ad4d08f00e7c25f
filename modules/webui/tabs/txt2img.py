"""The txt2img tab."""

from __future__ import annotations

from collections.abc import Mapping

from modules.application.jobs.job import GenerationJob
from modules.webui.builder import PageBuilder
from modules.webui.panel import layout
from modules.webui.panel.generation_panel import draw_panel
from modules.webui.panel.request import txt2img_request
from modules.webui.panel.second_pass import accordions
from modules.webui.panel.second_pass_events import wire_second_pass
from modules.webui.panel.wiring import wire_panel

SECTIONS = {
    "sampler": layout.sampler,
    "accordions": accordions,
    "dimensions": layout.dimensions,
    "cfg": layout.cfg,
    "seed": layout.seed,
    "override_settings": layout.override_settings,
    "extra_options": layout.extra_options,
    "scripts": layout.scripts,
}
"""By A1111's names, for the setting `ui_reorder_list`."""


def build_txt2img(page: PageBuilder) -> None:
    """Draw the tab and wire its events."""
    panel = draw_panel(page.drawing("txt2img"), SECTIONS)
    page.add_panel(panel)

    def submit(values: Mapping[str, object], task: str | None) -> GenerationJob:
        return page.app.submit(txt2img_request(values), task)

    def wire() -> None:
        wire_panel(page, panel, submit, txt2img_request)
        wire_second_pass(page, panel)

    page.when_drawn(wire)
