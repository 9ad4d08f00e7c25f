"""Tying an event of a component to what it does: Gradio's call with the page's usual arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import gradio as gr
from gradio.components import Component

from modules.foundation.plain import JsonObject
from modules.webui.blocks import bearer_of

Act = Callable[..., object]
"""A handler: takes the values of the inputs, answers with those of the outputs."""

Trigger = Literal["once", "multiple", "always_last"]
"""What becomes of an event while the last one is still being answered: dropped, answered as well, or the newest is."""


def on_any_change(
    components: Sequence[Component],
    act: Act | None = None,
    inputs: Sequence[Component] = (),
    outputs: Sequence[Component] = (),
    *,
    js: str | None = None,
) -> None:
    """Run a script of the page, or call `act`, whenever one of the components has another value.

    While `act` is being answered, of all that changes meanwhile only the last counts.
    """
    triggers = [getattr(component, "change") for component in components]  # noqa: B009
    arguments: JsonObject = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
    if act is not None:
        arguments |= {"trigger_mode": "always_last", "show_progress_on": bearer_of(components[0])}
    gr.on(triggers, act, list(inputs) or None, list(outputs) or None, js=js, **arguments)


def on(
    component: Component,
    event: Literal["click", "change", "input", "upload", "select"],
    act: Act | None,
    inputs: Sequence[Component] = (),
    outputs: Sequence[Component] = (),
    *,
    js: str | None = None,
    then: str | None = None,
    done: str | None = None,
    ended: str | None = None,
    trigger: Trigger | None = None,
    waits: bool = False,
    raw: bool = False,
) -> None:
    """Have `act` called on `event`; or, without `act`, the script `js` alone, in the browser.

    With `act`, `js` runs before it and may change the inputs; `then` runs when the answer is shown; `done`
    only when `act` has not failed, and is given the values of the outputs; `ended` in any case, also where Gradio
    refused the inputs. A handler that `waits` for a job does not
    count among those that Gradio runs at a time. With `raw` it is given the values as the page sends them.
    """
    arguments: JsonObject = {"show_progress": "hidden", "api_visibility": "private"}
    if act is not None:
        arguments["show_progress_on"] = bearer_of(component)
    if waits:
        arguments["concurrency_limit"] = None
    if raw:
        arguments["preprocess"] = False
    if trigger is not None:
        arguments["trigger_mode"] = trigger
    tied = getattr(component, event)(act, list(inputs), list(outputs), js=js, **arguments)
    if then is not None:
        tied.then(None, js=then)
    if ended is not None:
        # Gradio's page runs what comes "then" after success alone, whatever Gradio says.
        tied.then(None, js=ended)
        tied.failure(None, js=ended)
    if done is not None:
        tied.success(None, list(outputs), js=done)
