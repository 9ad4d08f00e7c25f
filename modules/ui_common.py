"""Doorway: `modules.ui_common`."""

from __future__ import annotations

from modules.a1111.page_parts import (
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
