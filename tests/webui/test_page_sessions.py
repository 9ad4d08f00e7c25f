"""What the server keeps of each page that is open."""

from __future__ import annotations

import asyncio

import gradio as gr
import pytest
from gradio.blocks import BlocksConfig
from gradio.state_holder import SessionState, StateHolder

from modules.webui.blocks import PageBlocks
from modules.webui.page_sessions import MOST_SESSIONS


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
