"""Doorway: `modules.face_restoration`."""

from __future__ import annotations

from modules.a1111.small_modules import FaceRestoration, restore_faces

__all__ = [
    "FaceRestoration",
    "restore_faces",
]
