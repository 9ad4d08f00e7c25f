"""Doorway: `modules.cache`, what is known of files."""

from __future__ import annotations

from modules.a1111.small_lists import cache, cached_data_for_file, dump_cache

__all__ = ["cache", "cached_data_for_file", "dump_cache"]
