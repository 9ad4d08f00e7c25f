"""What the server keeps of each page that is open: little, since any client can open as many as it likes."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

from gradio.blocks import BlocksConfig
from gradio.queueing import Queue
from gradio.utils import LRUCache

MOST_SESSIONS = 500
"""Open pages whose state is kept; then those go that were used longest ago."""

MOST_UNREAD = 1000
"""Messages that wait for one page; then the oldest go."""

MOST_WAITING = 500
"""Calls of functions that wait to be begun, of all pages; further ones are refused."""

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


def bound(queue: Queue) -> None:
    """Bound what Gradio's queue of calls keeps, and let it go on when it has forgotten somebody.

    A page that was forgotten while a call of it waited would end the queue, and with it every button for everyone.
    """
    queue.max_size = MOST_WAITING
    queue.pending_messages_per_session = PendingMessages(queue)


class PendingMessages(LRUCache[str, "asyncio.Queue[Any]"]):
    """What pages have not fetched yet, by session. Of too many sessions those go first that do not fetch."""

    def __init__(self, queue: Queue) -> None:
        super().__init__(MOST_SESSIONS)
        self._calls = queue.pending_event_ids_session

    def __setitem__(self, session: str, messages: asyncio.Queue[Any]) -> None:
        super().__setitem__(session, Unread())

    def __missing__(self, session: str) -> asyncio.Queue[Any]:
        return Discarded()

    def __delitem__(self, session: str) -> None:
        if session in self:
            super().__delitem__(session)

    def popitem(self, last: bool = True) -> tuple[str, asyncio.Queue[Any]]:
        """Forget a session."""
        session = next((each for each, messages in self.items() if not messages.empty()), next(iter(self)))
        messages = self[session]
        del self[session]
        self._calls.pop(session, None)
        return session, messages


class Unread(asyncio.Queue[Any]):
    """Messages for one page."""

    def put_nowait(self, item: object) -> None:
        """Add a message."""
        while self.qsize() >= MOST_UNREAD:
            self.get_nowait()
        super().put_nowait(item)


class Discarded(asyncio.Queue[Any]):
    """Where messages go for pages that are gone."""

    def put_nowait(self, item: object) -> None:
        """Keep nothing."""
