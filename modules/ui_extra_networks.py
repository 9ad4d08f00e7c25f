"""Doorway: `modules.ui_extra_networks`."""

from __future__ import annotations

from typing import Any

from modules.a1111.cards_elsewhere import ExtraNetworksUi, create_ui, setup_ui
from modules.a1111.extra_pages import ExtraNetworksPage, get_page, pages, quote_js, register_page

__all__ = [
    "ExtraNetworksPage",
    "ExtraNetworksUi",
    "create_ui",
    "get_page",
    "quote_js",
    "register_page",
    "setup_ui",
]


def __getattr__(name: str) -> Any:
    if name == "extra_pages":
        return pages()
    raise AttributeError(f"modules.ui_extra_networks has no {name!r}.")
