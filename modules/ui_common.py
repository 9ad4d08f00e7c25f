"""Doorway: `modules.ui_common`."""

from __future__ import annotations

from typing import Any

from modules.a1111.page_parts import (
    SYMBOLS,
    OutputPanel,
    create_output_panel,
    create_refresh_button,
    plaintext_to_html,
    save_files,
    setup_dialog,
    update_generation_info,
)

__all__ = [
    "OutputPanel",
    "create_output_panel",
    "create_refresh_button",
    "plaintext_to_html",
    "save_files",
    "setup_dialog",
    "update_generation_info",
]


def __getattr__(name: str) -> Any:
    if name not in SYMBOLS:
        raise AttributeError(f"modules.ui_common has no {name!r}.")
    return SYMBOLS[name]
