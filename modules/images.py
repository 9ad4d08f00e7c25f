"""Doorway: `modules.images`, pictures: sizes, grids, texts, files."""

from __future__ import annotations

from modules.a1111.pictures import (
    LANCZOS,
    NEAREST,
    FilenameGenerator,
    Grid,
    GridAnnotation,
    combine_grid,
    draw_grid_annotations,
    fix_image,
    flatten,
    get_font,
    get_grid_size,
    image_data,
    image_grid,
    read,
    read_info_from_image,
    resize_image,
    sanitize_filename_part,
    save_image_with_geninfo,
    split_grid,
)
from modules.a1111.saving import get_next_sequence_number, save_image

__all__ = [
    "LANCZOS",
    "NEAREST",
    "FilenameGenerator",
    "Grid",
    "GridAnnotation",
    "combine_grid",
    "draw_grid_annotations",
    "fix_image",
    "flatten",
    "get_font",
    "get_grid_size",
    "get_next_sequence_number",
    "image_data",
    "image_grid",
    "read",
    "read_info_from_image",
    "resize_image",
    "sanitize_filename_part",
    "save_image",
    "save_image_with_geninfo",
    "split_grid",
]
