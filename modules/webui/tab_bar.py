"""Tabs whose contents are all in the document from the start.

Gradio's own tabs draw a tab's contents when it is first opened; scripts that look for an element of another tab by its
id would find nothing. These are plain columns: the chosen one's name stands in a `data-` attribute of the document
element, where Gradio's drawing cannot lose it, and a style rule for each tab shows it. static/tabs.js sets it.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One tab: `name` is its value in the attribute, `elem_id` the id of its column."""

    name: str
    label: str
    elem_id: str


def tab_bar(group: str, tabs: Sequence[Tab], label: str) -> gr.HTML:
    """The row of buttons that choose among `tabs`; `group` names the attribute, `label` is for screen readers."""
    classes = ["tab-bar", f"tab-bar-{group}"]
    return gr.HTML(tab_buttons(group, tabs, label), elem_classes=classes, apply_default_css=False)


def tab_buttons(group: str, tabs: Sequence[Tab], label: str) -> str:
    """The buttons of a bar, as HTML."""
    buttons = "".join(
        f'<button type="button" role="tab" id="{tab.elem_id}-button" class="{"selected" if index == 0 else ""}" '
        f'aria-controls="{tab.elem_id}" aria-selected="{"false" if index else "true"}" '
        f'data-group="{group}" data-tab="{tab.name}">{html.escape(tab.label)}</button>'
        for index, tab in enumerate(tabs)
    )
    return f'<div class="tab-nav" role="tablist" aria-label="{html.escape(label)}">{buttons}</div>'


def tab_rules(group: str, tabs: Sequence[Tab]) -> str:
    """The style rules that show the chosen tab alone; before any script has run, the first."""
    chosen = [f"html[data-{group}='{tab.name}'] #{tab.elem_id}" for tab in tabs]
    hidden = ", ".join(f"#{tab.elem_id}" for tab in tabs)
    shown = ", ".join([f"html:not([data-{group}]) #{tabs[0].elem_id}", *chosen])
    # :where() weighs nothing, so that the search of the settings can show all of them.
    return f":where({hidden}) {{ display: none !important }}\n{shown} {{ display: flex !important }}\n"
