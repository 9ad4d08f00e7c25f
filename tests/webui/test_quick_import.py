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
assert inspect.signature(gr.Slider.__init__).parameters["maximum"].default == 100
"""

UNUSED = """
import inspect, jinja2, ssl, sys
from modules.webui.quick_import import import_gradio

before = jinja2.Environment.compile, ssl.create_default_context
import_gradio()
assert (jinja2.Environment.compile, ssl.create_default_context) == before
assert "pandas" not in sys.modules
import gradio as gr
for kind, event in ((gr.Textbox, "change"), (gr.Slider, "change"), (gr.Image, "upload")):
    told = getattr(kind, event).__doc__
    assert kind.__name__ in told and "{{" not in told, told
with gr.Blocks(analytics_enabled=False):
    table = gr.Dataframe([["a", 1], ["b", 2]], headers=["letter", "number"])
assert table.postprocess([["c", 3]]).data == [["c", 3]]
import pandas
assert gr.caching.pd.DataFrame is pandas.DataFrame and pandas.__name__ == "pandas" and pandas.__file__
"""


def run(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, cwd=PROGRAM
    )
    assert done.returncode == 0, done.stderr


def test_gradio_is_whole_though_its_stubs_were_left_out() -> None:
    run(CODE)


def test_tables_work_and_events_are_explained_though_pandas_is_imported_when_used() -> None:
    run(UNUSED)
