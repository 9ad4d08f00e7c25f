"""Custom code: Python that is typed into the page makes the pictures. Only with --allow-code."""

from __future__ import annotations

import textwrap
from typing import Any

import gradio as gr

from modules import scripts
from modules.foundation.errors import RequestError
from modules.processing import Processed, process_images
from modules.shared import cmd_opts

EXAMPLE = "return process_images(p)"


def called(source: str, names: dict[str, Any]) -> Any:
    """What the lines of `source` return, as the body of a function that knows `names`."""
    body = textwrap.indent(source, "    ") if source.strip() else "    pass"
    exec(compile(f"def code():\n{body}\n", "custom code", "exec"), names)
    return names["code"]()


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "Custom code"

    def show(self, is_img2img: bool) -> bool:
        """Only where code is allowed."""
        return bool(cmd_opts.allow_code)

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        code = gr.Code(value=EXAMPLE, language="python", label="Python code", elem_id=self.elem_id("code"))
        indent_level = gr.Number(label="Indent level", value=2, precision=0, elem_id=self.elem_id("indent_level"))
        return [code, indent_level]

    def run(self, p: Any, code: str, indent_level: int) -> Processed:
        """Run the code. It may return a Processed, pictures, or nothing after calling `display(images, s, i)`."""
        if not cmd_opts.allow_code:
            raise RequestError("Code is not allowed here; start Easel with --allow-code.", "script_name")
        shown: list[Any] = [[], "", ""]

        def display(images: list[Any], s: str = "", i: str = "") -> None:
            shown[:] = [images, s, i]

        try:
            returned = called(code, {"p": p, "process_images": process_images, "display": display})
        except SyntaxError as error:
            raise RequestError(
                f"The code cannot be read: line {(error.lineno or 2) - 1}: {error.msg}.", "script_args"
            ) from error
        if isinstance(returned, Processed):
            return returned
        images = returned if isinstance(returned, list) else shown[0]
        return Processed(p, images, -1, shown[2])
