"""Doorway: `modules.shared_items`, what can be chosen."""

from __future__ import annotations

from modules.a1111.small_lists import get_infotext_names, refresh_vae_list, sd_vae_items

__all__ = ["get_infotext_names", "refresh_vae_list", "sd_vae_items"]
