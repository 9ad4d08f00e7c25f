"""Event listeners (`.click`, `.change`, `.then`, ...) that take Gradio 3's arguments."""

from __future__ import annotations

import functools

import gradio as gr
from gradio.events import Dependency

from modules.a1111.gradio3.keywords import listener_keywords
from modules.a1111.gradio3.updates import translating
from modules.a1111.types import ExtensionFunction, GradioComponent
from modules.foundation.plain import JsonObject

CHAINS = ("then", "success", "failure")


def old_listener(listener: ExtensionFunction) -> ExtensionFunction:
    """`listener` of today's Gradio, called as Gradio 3's is. What it returns can be chained in the same manner."""

    @functools.wraps(listener)
    def listen(block: GradioComponent, *positional: object, **named: object) -> GradioComponent:
        keywords = listener_keywords(positional, named)
        every = keywords.pop("every", None)
        if callable(keywords.get("fn")):
            keywords["fn"] = translating(keywords["fn"], keywords.get("outputs"))
        made = listener(block, **keywords)
        if every:
            _repeat(every, keywords)
        return old_chain(made)

    return listen


def old_chain(made: GradioComponent) -> GradioComponent:
    """A Dependency whose `.then`, `.success` and `.failure` take Gradio 3's arguments."""
    if isinstance(made, Dependency):
        for name in CHAINS:
            chained = getattr(made, name)
            setattr(made, name, functools.partial(old_listener(chained.func), *chained.args))
    return made


def _repeat(seconds: float, keywords: JsonObject) -> None:
    """Gradio 3's `every=`: call the function again and again while the page is open."""
    wanted: JsonObject = {
        key: keywords[key] for key in ("fn", "inputs", "outputs", "js", "show_progress") if key in keywords
    }
    timer: GradioComponent = gr.Timer(seconds)
    timer.tick(**{"show_progress": "hidden", **wanted})
