from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2]

CODE = """
import ast, inspect
from modules.webui.quick_import import import_gradio

before, parse, parsed = inspect.getfile, ast.parse, []
ast.parse = lambda *arguments, **more: (parsed.append(1), parse(*arguments, **more))[1]
import_gradio()
ast.parse = parse
assert inspect.getfile is before
import gradio as gr
from gradio.component_meta import ComponentMeta
assert inspect.getfile(gr.Textbox).endswith("textbox.py")
assert len(parsed) < 20, len(parsed)  # once or twice for each of eighty components otherwise
with gr.Blocks(analytics_enabled=False) as page:
    gr.Textbox("words", elem_id="box")
assert any(part["props"].get("elem_id") == "box" for part in page.config["components"])
"""


def test_gradio_is_whole_though_its_stubs_were_left_out() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE], capture_output=True, text=True, check=False, cwd=PROGRAM
    )
    assert done.returncode == 0, done.stderr
