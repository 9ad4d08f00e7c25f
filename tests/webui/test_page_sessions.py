"""What the server keeps of each page that is open."""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr
import pytest
from gradio.blocks import BlocksConfig
from gradio.state_holder import SessionState, StateHolder

from modules.webui.blocks import PageBlocks
from modules.webui.page_sessions import MOST_SESSIONS, MOST_UNREAD


@pytest.fixture
def page() -> PageBlocks:
    async def build() -> PageBlocks:
        # Outside a running event loop Gradio makes loops of its own and leaves them open.
        with PageBlocks(analytics_enabled=False) as page:
            text, kept = gr.Textbox("a"), gr.State([1])
            text.change(lambda value, state: value, [text, kept], [text])
        return page

    return asyncio.run(build())


def test_components_are_not_described_for_each_open_page(page: PageBlocks, monkeypatch: pytest.MonkeyPatch) -> None:
    def described(*_: object) -> dict[str, object]:
        raise AssertionError("a component was described")

    monkeypatch.setattr(BlocksConfig, "config_for_block", staticmethod(described))
    session = SessionState(page)
    assert set(session.blocks_config.blocks) == set(page.blocks)
    assert set(session.blocks_config.fns) == set(page.fns)
    text = next(key for key, block in page.blocks.items() if isinstance(block, gr.Textbox))
    session[text] = gr.Textbox("b", render=False)
    session._update_value_in_config(text, "c")
    session._update_config(text)
    assert list(session.components) == []


def test_each_open_page_has_a_state_of_its_own(page: PageBlocks) -> None:
    first, second = SessionState(page), SessionState(page)
    state = next(key for key, block in page.blocks.items() if isinstance(block, gr.State))
    first[state].append(2)
    assert (first[state], second[state]) == ([1, 2], [1])
    first.blocks_config.blocks.clear()
    assert second.blocks_config.blocks
    assert page.blocks


def test_the_page_itself_is_described(page: PageBlocks) -> None:
    page.describe()
    assert "textbox" in [each["type"] for each in page.config["components"]]


def test_those_used_longest_ago_are_forgotten(page: PageBlocks) -> None:
    holder = StateHolder()
    holder.set_blocks(page)
    for number in range(MOST_SESSIONS + 3):
        _ = holder[str(number)]
    assert len(holder.session_data) == MOST_SESSIONS
    assert "2" not in holder
    assert "3" in holder


def test_a_page_that_was_forgotten_does_not_end_the_queue(page: PageBlocks) -> None:
    page.describe()
    messages: Any = page._queue.pending_messages_per_session
    calls = page._queue.pending_event_ids_session

    async def flood() -> None:
        for number in range(MOST_SESSIONS + 5):
            messages[str(number)], calls[str(number)] = asyncio.Queue(), {"call"}
            if number != 1:
                messages[str(number)].put_nowait("done")
        messages["0"].put_nowait("for somebody who is gone")
        for _ in range(2):
            del messages["7"]

    asyncio.run(flood())
    assert "0" not in messages
    assert "0" not in calls
    assert "1" in messages, "who fetches is kept"
    assert len(messages) == MOST_SESSIONS - 1


def test_what_nobody_fetches_is_bounded(page: PageBlocks) -> None:
    page.describe()
    messages: Any = page._queue.pending_messages_per_session

    async def fill() -> list[int]:
        messages["a"] = asyncio.Queue()
        for number in range(MOST_UNREAD + 3):
            messages["a"].put_nowait(number)
        return [messages["a"].get_nowait() for _ in range(messages["a"].qsize())]

    assert asyncio.run(fill()) == list(range(3, MOST_UNREAD + 3))
