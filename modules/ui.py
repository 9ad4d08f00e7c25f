"""Doorway: `modules.ui`, parts of A1111's page."""

from __future__ import annotations

from typing import Any

from modules.a1111.page_parts import (
    SYMBOLS,
    create_output_panel,
    create_refresh_button,
    gr_show,
    plaintext_to_html,
    resize_from_to_html,
    save_files,
    setup_dialog,
    setup_progressbar,
    update_generation_info,
    versions_html,
)
from modules.a1111.queueing import wrap_gradio_call, wrap_gradio_gpu_call, wrap_queued_call
from modules.a1111.sending import paste_fields

__all__ = [
    "create_output_panel",
    "create_refresh_button",
    "gr_show",
    "plaintext_to_html",
    "resize_from_to_html",
    "save_files",
    "setup_dialog",
    "setup_progressbar",
    "update_generation_info",
    "versions_html",
    "wrap_gradio_call",
    "wrap_gradio_gpu_call",
    "wrap_queued_call",
]


def __getattr__(name: str) -> Any:
    if name.removesuffix("_paste_fields") in ("txt2img", "img2img"):
        return paste_fields().get(name.removesuffix("_paste_fields"), {}).get("fields", [])
    if name not in SYMBOLS:
        raise AttributeError(f"modules.ui has no {name!r}.")
    return SYMBOLS[name]
