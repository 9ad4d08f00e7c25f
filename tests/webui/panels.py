"""The page built without a server, for tests that look at what was drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from modules.application.application import Application
from modules.webui.builder import PageBuilder
from modules.webui.page import build_page
from modules.webui.panel.control import Control


def built_page(app: Application) -> PageBuilder:
    """What was built. Outside a running event loop Gradio makes loops of its own and leaves them open."""

    async def build() -> PageBuilder:
        return build_page(app)[1]

    return asyncio.run(build())


def declared_controls(app: Application, tab: str) -> Mapping[str, Control]:
    """The declarations of the controls of a generation panel, by name."""
    return built_page(app).panels[tab].declared
