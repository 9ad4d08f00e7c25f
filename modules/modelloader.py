"""Doorway: `modules.modelloader`, files of models."""

from __future__ import annotations

from modules.a1111.small_lists import friendly_name, load_file_from_url, load_models, load_upscalers

__all__ = ["friendly_name", "load_file_from_url", "load_models", "load_upscalers"]
