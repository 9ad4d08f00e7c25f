"""What both scripts of outpainting share: where they are shown, their common controls, and what they refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.a1111.script import Script
from modules.foundation.errors import RequestError

DIRECTIONS = ("left", "right", "up", "down")

STEP = 64
"""The canvas has sides of a multiple of this."""


class OutpaintingScript(Script):
    """A script that lets a picture go on beyond its edges."""

    def show(self, is_img2img: bool) -> bool:
        """Only where there is a picture to begin with."""
        return is_img2img

    def pixels_slider(self) -> Any:
        """How far the picture goes on."""
        import gradio as gr

        return gr.Slider(
            label="Pixels to expand", minimum=8, maximum=256, step=8, value=128, elem_id=self.elem_id("pixels")
        )

    def mask_blur_slider(self, value: int) -> Any:
        """How softly what is new begins."""
        import gradio as gr

        return gr.Slider(
            label="Mask blur", minimum=0, maximum=64, step=1, value=value, elem_id=self.elem_id("mask_blur")
        )

    def direction_boxes(self) -> Any:
        """Where it goes on."""
        import gradio as gr

        return gr.CheckboxGroup(
            label="Outpainting direction",
            choices=list(DIRECTIONS),
            value=list(DIRECTIONS),
            elem_id=self.elem_id("direction"),
        )


def check(pixels: int, mask_blur: int, direction: Sequence[str]) -> None:
    """Refuse what no outpainting could make sense of. Raises RequestError."""
    if not 8 <= pixels <= 4096:
        raise RequestError(f"The pixels to expand must lie between 8 and 4096; they are {pixels}.", "script_args")
    if not 0 <= mask_blur <= 64:
        raise RequestError(f"The mask blur must lie between 0 and 64; it is {mask_blur}.", "script_args")
    unknown = [each for each in direction if each not in DIRECTIONS]
    if unknown or not direction:
        what = f"{unknown[0]!r} is none" if unknown else "there is none"
        raise RequestError(f"Directions are left, right, up and down; {what}.", "script_args")
