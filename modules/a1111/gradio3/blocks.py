"""What Gradio 3's Blocks had that today's has not, or has otherwise."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.a1111.gradio3.keywords import HIDDEN_CLASS
from modules.a1111.gradio3.listeners import old_listener

QUEUE_ARGUMENTS = ("status_update_rate", "api_open", "max_size")


def queue(self: gr.Blocks, *_: object, **named: Any) -> gr.Blocks:
    """Gradio 3's `queue()`: how many run at a time is decided by the page, whatever an extension asks for."""
    gr.Blocks.queue(self, **{name: named[name] for name in QUEUE_ARGUMENTS if name in named})
    return self


def dependencies(self: gr.Blocks) -> list[dict[str, Any]]:
    """The events of the page, each as a dict; to be read."""
    return [function.get_config() for function in self.fns.values()]


def tabs_alone(self: gr.Tabs, *raised: Any) -> None:
    """The end of `with gr.Tabs()`: what is no tab comes ahead of the tabs; today's page takes each child for one."""
    others = [child for child in self.children if not isinstance(child, gr.Tab | gr.State)]
    around = self.parent
    if around is not None and self in around.children:
        place = around.children.index(self)
        around.children[place:place] = others
        for child in others:
            self.children.remove(child)
            child.parent = around
    if not any(isinstance(child, gr.Tab) for child in self.children):
        # The page cannot be drawn with tabs that are none.
        with self:
            gr.Tab("")
        self.elem_classes = [*self.elem_classes, HIDDEN_CLASS]
        return
    gr.Tabs.__exit__(self, *raised)


def make_old(kind: Any) -> None:
    """Give a class of Blocks Gradio 3's methods. Gradio's metaclass sets its own, so this comes after it."""
    kind.load = old_listener(gr.Blocks.load)
    kind.queue = queue
    kind.dependencies = property(dependencies)
