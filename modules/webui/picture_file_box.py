"""A box for a picture whose value is the file that was given, whatever is in it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.webui.canvas.component import no_interface_files

with no_interface_files():

    class PictureFileBox(gr.Image):
        """Gradio's box for a picture. Its value is the path of the file, which nothing reads before a handler does.

        Gradio would open the file first, and where that fails say so in its own words, in place of the handlers of
        every event that has the box among its inputs.
        """

        is_template = True
        """In the browser it is Gradio's own."""

        def preprocess(self, payload: Any) -> Any:
            """The path among the uploads that the browser sent; None for an empty box."""
            return None if payload is None else payload.path


def picture_file_box(**props: Any) -> PictureFileBox:
    """A box for a picture with these arguments of `gr.Image`."""
    # With a mode of its own it would be drawn for copies: without transparency, parameters or more than 8 bits.
    return PictureFileBox(
        type="filepath", image_mode=None, sources=["upload", "clipboard"], buttons=[], interactive=True, **props
    )
