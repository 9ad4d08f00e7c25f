"""Doorway: `modules.scripts_postprocessing`."""

from __future__ import annotations

from modules.a1111.scripts_postprocessing import PostprocessedImage, PostprocessedImageSharedInfo, ScriptPostprocessing

__all__ = [
    "PostprocessedImage",
    "PostprocessedImageSharedInfo",
    "ScriptPostprocessing",
]
