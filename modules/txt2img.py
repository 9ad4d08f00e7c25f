"""Doorway: `modules.txt2img`, what the Generate button calls."""

from __future__ import annotations

from typing import Any

from modules.a1111.generate_button import creating, generate

__all__ = ["txt2img"]


def txt2img(id_task: str, request: object, *args: object) -> tuple[Any, str, str, str]:
    """Make what the values of the tab's controls ask for."""
    return generate("txt2img", id_task, args)


def __getattr__(name: str) -> Any:
    if name != "txt2img_create_processing":
        raise AttributeError(f"modules.txt2img has no {name!r}.")
    return creating("txt2img")
