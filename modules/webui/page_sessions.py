"""What the server keeps of each page that is open: little, since any client can open as many as it likes."""

from __future__ import annotations

import copy
from typing import Any

from gradio.blocks import BlocksConfig

MOST_SESSIONS = 500
"""Open pages whose state is kept; then those go that were used longest ago."""

_NOTHING: dict[str, Any] = {}


class SessionConfig(BlocksConfig):
    """The components of one open page.

    Gradio describes each of them anew for every page, for links to a page as it stands, which Easel has not: half a
    second of work that holds the interpreter, and megabytes, at the first call of a page and at any without a session.
    """

    @staticmethod
    def config_for_block(_id: int, rendered_ids: list[int], block: Any, renderable: Any = None) -> dict[str, Any]:
        """The description of a component that was drawn while the page was open; of no other."""
        if renderable is None:
            return _NOTHING
        return BlocksConfig.config_for_block(_id, rendered_ids, block, renderable)


class PageConfig(BlocksConfig):
    """The components of the page as it is drawn."""

    def __copy__(self) -> SessionConfig:
        """For a page that is opened."""
        session = SessionConfig(self.root_block)
        session.blocks, session.fns = copy.copy(self.blocks), copy.copy(self.fns)
        session.fn_id, session.renderables = self.fn_id, copy.copy(self.renderables)
        return session
