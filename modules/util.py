"""Doorway: `modules.util`."""

from __future__ import annotations

from modules.a1111.files import (
    html,
    html_path,
    ldm_print,
    listfiles,
    natural_sort_key,
    open_folder,
    truncate_path,
    walk_files,
    walk_image_files,
)

__all__ = [
    "html",
    "html_path",
    "ldm_print",
    "listfiles",
    "natural_sort_key",
    "open_folder",
    "truncate_path",
    "walk_files",
    "walk_image_files",
]
