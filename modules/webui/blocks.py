"""The page as gradio's `Blocks`, described for the browser once, when everything is in place."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from modules.webui.page_calls import as_sent, event_as_sent, longest_text, refusing_requests, refusing_values
from modules.webui.page_sessions import MOST_SESSIONS, PageConfig, bound
from modules.webui.quick_import import no_source_for

FOR_CLIENTS = ("api_info", "api_info_as_input", "api_info_as_output", "example_inputs")
"""What is told of a component for those who write clients: a quarter of the page, of use with named endpoints alone."""

# At every class that is derived from it, gradio would work out the type stubs of its own one again.
with no_source_for("gradio."):

    class PageBlocks(gr.Blocks):
        """gradio describes a page four times from its building to its mounting, and the browser sees the last alone.

        A description of many components takes a while, so until `describe` the answer is that there are none.
        """

        described = False
        bearer: Component | None = None
        """What bears the state of every event, in place of the event's outputs; see `bearer_of`."""

        def __init__(self, **named: Any) -> None:
            super().__init__(**named)
            self.default_config = PageConfig(self)
            self.state_session_capacity = MOST_SESSIONS

        def get_config_file(self) -> Any:
            """What the browser is told of the page; see `describe`."""
            if not self.described:
                return {"pages": self.pages, "components": [], "dependencies": []}
            config: Any = super().get_config_file()
            events = [each for each in config["dependencies"] if each["api_visibility"] != "private"]
            callable_over_http = {id for each in events for id in (*each["inputs"], *each["outputs"])}
            for component in config["components"]:
                if component["id"] not in callable_over_http:
                    for name in FOR_CLIENTS:
                        component.pop(name, None)
            return config

        async def preprocess_data(self, block_fn: Any, inputs: list[Any], *more: Any, **named: Any) -> Any:
            """What a function is pairs. Raises gradio.Error for what no page sends."""
            with refusing_values():
                pairs, most = zip(block_fn.inputs, inputs, strict=False), longest_text(block_fn.fn)
                read = [as_sent(component, value, most) for component, value in pairs]
                return await super().preprocess_data(block_fn, [*read, *inputs[len(read) :]], *more, **named)

        async def process_api(self, *arguments: Any, event_data: Any = None, **named: Any) -> Any:
            """The answer to a call of a function of the page."""
            if event_data is not None:
                event_data._data = event_as_sent(event_data._data)
            return await super().process_api(*arguments, event_data=event_data, **named)

        async def call_function(self, *arguments: Any, **named: Any) -> Any:
            """What a function answers. Raises gradio.Error in place of our own errors."""
            with refusing_requests():
                return await super().call_function(*arguments, **named)

        def describe(self) -> None:
            """Work out what the browser is told. To be called once the page is mounted."""
            self.described = True
            bound(self._queue)
            self.config = self.get_config_file()


def bearer_of(component: Block) -> list[Component] | None:
    """The component that is to bear the state of an event of `component`, as `show_progress_on`.

    The browser tells the state of each event that ever ran (pending, done) to all its bearers again whenever any other
    event begins or ends, and looks each of them up in the whole page. By default they are the outputs of the events: a
    few hundred components, half a second of work at every click. The state is shown nowhere, so one bearer will do.
    """
    around: Block | None = component
    while around is not None and not isinstance(around, PageBlocks):
        around = around.parent
    return [around.bearer] if around is not None and around.bearer is not None else None
