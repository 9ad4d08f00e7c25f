"""Doorway: `modules.img2img`, what the Generate button calls."""

from __future__ import annotations

from typing import Any

from modules.a1111.generate_button import creating, generate

__all__ = ["img2img"]


def img2img(id_task: str, request: object, *args: object) -> tuple[Any, str, str, str]:
    """Make what the values of the tab's controls ask for."""
    return generate("img2img", id_task, args)


def __getattr__(name: str) -> Any:
    if name != "img2img_create_processing":
        raise AttributeError(f"modules.img2img has no {name!r}.")
    return creating("img2img")
