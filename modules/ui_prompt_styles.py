"""Doorway: `modules.ui_prompt_styles`, styles on the page."""

from __future__ import annotations

from modules.a1111.small_lists import materialize_styles, refresh_styles

__all__ = ["materialize_styles", "refresh_styles"]

styles_edit_symbol = "\U0001f58c\ufe0f"
styles_materialize_symbol = "\U0001f4cb"
styles_copy_symbol = "\U0001f4dd"
