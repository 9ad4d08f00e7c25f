"""A table of what extensions write for Gradio 3, and what they get: imports, helpers, listeners, chains, layouts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.a1111.gradio3.conftest import Run

# Statements within a page -> an expression over what they made -> its value.
TABLE: Any = (
    # imports
    (
        "from gradio.components import IOComponent, Component, FormComponent, Form",
        "isinstance(text, IOComponent)",
        True,
    ),
    (
        "from gradio.events import Changeable, Clickable, Blurrable, Releaseable, Selectable",
        "Changeable.__name__",
        "Changeable",
    ),
    (
        "from gradio.events import Inputable, Submittable, Uploadable, Streamable, Editable",
        "Editable.__name__",
        "Editable",
    ),
    ("import gradio.inputs as inputs", "inputs.Textbox('x').value", "x"),
    ("import gradio.outputs as outputs", "outputs.Textbox('x').value", "x"),
    ("from gradio.deprecation import GradioDeprecationWarning", "issubclass(GradioDeprecationWarning, Warning)", True),
    (
        "from gradio.blocks import Block, BlockContext",
        "isinstance(row, BlockContext) and isinstance(text, Block)",
        True,
    ),
    ("from gradio.context import Context", "Context.root_block is not None", True),
    ("from gradio.layouts import Row, Column, Tab", "isinstance(row, Row)", True),
    ("from gradio.components import Image as OldImage", "isinstance(gr.Image(), OldImage)", True),
    (
        "from gradio import processing_utils as pu, utils, routes, themes, networking",
        "callable(pu.decode_base64_to_image)",
        True,
    ),
    ("import gradio.themes.base", "gradio.themes.base.Base is gr.themes.Base", True),
    ("import gradio, packaging.version as v", "v.parse(gradio.__version__) < v.parse('4.0')", True),
    # values and updates
    ("", "gr.update(value=1)", {"value": 1, "__type__": "update"}),
    ("", "gr.Textbox.update('x', visible=True)", {"value": "x", "visible": True, "__type__": "update"}),
    ("", "gr.Dropdown.update(choices=['a'])", {"choices": ["a"], "__type__": "update"}),
    ("", "gr.Row.update(False)", {"visible": False, "__type__": "update"}),
    ("", "gr.components.Slider.update(maximum=3)", {"maximum": 3, "__type__": "update"}),
    ("", "gr.Variable([1]).value", [1]),
    ("", "gr.State({'a': 1}).value", {"a": 1}),
    ("", "gr.Checkbox(False, 'named').label", "named"),
    ("", "gr.Slider(0, 10, 4, step=2, label='s').value", 4),
    ("", "gr.Slider(minimum=1, maximum=1, step=1, label='page').minimum", 1),
    ("", "gr.Slider(5, 2, label='not known yet').minimum", 5),
    ("", "gr.Slider(minimum='1', maximum='64', step='1', value='8').maximum", 64),
    ("", "gr.Label(visible=False).preprocess(gr.Label.data_model('task(1)'))", "task(1)"),
    ("", "gr.Label().preprocess(gr.Label.data_model.model_validate({'label': 'cat'}))", "cat"),
    ("", "gr.Slider(0, 10, 4).style(container=False).minimum", 0),
    ("", "gr.Radio(['a', 'b'], value='b', type='index').value", "b"),
    ("", "gr.Dropdown(['a', 'b'], multiselect=True, max_choices=2).style().multiselect", True),
    ("", "gr.Number(value=3, precision=0).value", 3),
    ("", "gr.CheckboxGroup(['a'], value=['a'], label='x', type='value').value", ["a"]),
    ("", "gr.ColorPicker('#ff0000').value", "#ff0000"),
    ("", "gr.Image(type='pil', source='webcam', tool=None).sources", ["webcam"]),
    ("", "gr.Image(shape=(3, 4), invert_colors=True, image_mode='RGB').type", "numpy"),
    ("", "gr.Audio(source='microphone').sources", ["microphone"]),
    ("", "gr.Gallery(preview=True).style(columns=3, object_fit='contain').columns", 3),
    ("", "gr.Markdown('# x').value", "# x"),
    ("", "gr.Label('x', num_top_classes=2).num_top_classes", 2),
    ("", "gr.Dataframe(headers=['a'], datatype='str', interactive=False).headers", ["a"]),
    ("", "gr.UploadButton('x', type='file').type", "filepath"),
    ("", "gr.File(type='binary', file_types=['.txt']).type", "binary"),
    ("", "gr.JSON({'a': 1}).value", {"a": 1}),
    ("", "gr.Plot().get_block_name()", "plot"),
    ("", "gr.Accordion('more', open=False, visible=True).open", False),
    ("", "gr.Tabs(selected='x', elem_id='t').elem_id", "t"),
    ("", "gr.Group(visible=False).get_config()['elem_classes']", ["easel-hidden"]),
    ("", "gr.Button('x', variant='tool', visible=False).get_config()['visible']", "hidden"),
    ("", "gr.Button.update(value='y', interactive=False)", {"value": "y", "interactive": False, "__type__": "update"}),
    ("", "gr.HTML(value='x', visible=False).get_config()['elem_classes']", ["easel-hidden"]),
    # listeners
    ("text.change(len, text, number, _js='x => x', show_progress=False, queue=False)", "last().js", "x => x"),
    ("text.submit(len, [text], [number], None, False, None)", "last().scroll_to_output", False),
    ("text.change(len, text, number, api_name=False)", "last().api_visibility", "private"),
    ("text.change(len, text, number, show_api=False)", "last().api_visibility", "private"),
    ("text.change(len, text, number, show_progress=True)", "last().show_progress", "full"),
    ("text.change(len, text, number, status_tracker=None)", "last().fn('abc')", 3),
    ("text.blur(None, [], [], _js='() => 1')", "last().js", "() => 1"),
    ("button.click(None).then(None, _js='() => 2').success(None, _js='() => 3')", "last().js", "() => 3"),
    ("slider.release(None, _js='() => 4', inputs=[], outputs=[])", "last().js", "() => 4"),
    ("gallery.select(lambda: 1, None, number)", "last().targets[0][1]", "select"),
    ("demo.load(None, _js='() => 5')", "last().js", "() => 5"),
    (
        "demo.load(lambda: 1, None, number, every=5)",
        "sum(b.get_block_name() == 'timer' for b in demo.blocks.values())",
        1,
    ),
    ("gr.on([button.click], len, text, number)", "last().fn('ab')", 2),
    ("event = text.change(len, text, number); button.click(None, cancels=[event])", "len(last().cancels)", 1),
    ("tab.select(None, _js='() => 6')", "last().js", "() => 6"),
    ("upload.upload(len, upload, number)", "last().targets[0][1]", "upload"),
    # components drawn elsewhere, and taken away
    ("late = gr.Textbox(render=False); late.render()", "late in row.parent.children or late._id in demo.blocks", True),
    ("gone = gr.Textbox(); gone.unrender()", "gone._id in demo.blocks", False),
    ("", "row.children is not None and text.parent is not None", True),
    ("", "'a' in gr.Dropdown(['a']).choices", True),
    ("", "gr.Dropdown(['a', 'b']).choices.index('b')", 1),
    ("demo.queue(concurrency_count=2, max_size=4)", "demo.enable_queue", True),
    ("", "isinstance(demo.dependencies, list)", True),
    # helpers
    (
        "from PIL import Image as P; from gradio.processing_utils import *",
        "gr.processing_utils.encode_pil_to_base64(P.new('RGB', (2, 2)))[:22]",
        "data:image/png;base64,",
    ),
    (
        "from PIL import Image as P; import gradio.processing_utils as u",
        "u.decode_base64_to_image(u.encode_pil_to_base64(P.new('RGB', (2, 3)))).size",
        (2, 3),
    ),
    (
        "import numpy, gradio.processing_utils as u",
        "u.encode_array_to_base64(numpy.zeros((2, 2, 3), 'uint8'))[:10]",
        "data:image",
    ),
    ("", "issubclass(gr.Error, Exception)", True),
    ("", "callable(gr.Warning) and callable(gr.Info)", True),
    ("", "gr.Progress is not None and gr.SelectData is not None and gr.Request is not None", True),
    ("", "gr.themes.Default is not None", True),
)

PAGE = """
import gradio as gr
import gradio
def last():
    return list(demo.fns.values())[-1]
with gr.Blocks(css=".x {{}}", analytics_enabled=False, title="t") as demo:
    with gr.Row(variant="compact", visible=True).style(equal_height=False) as row:
        text, number, button = gr.Textbox(), gr.Number(), gr.Button("go")
        slider, gallery, upload = gr.Slider(0, 1), gr.Gallery(), gr.File()
    with gr.Tabs():
        with gr.TabItem("t", id="t") as tab:
            gr.HTML("x")
    {statement}
    result = {expression}
"""


@pytest.mark.parametrize(("statement", "expression", "expected"), TABLE)
def test_what_is_written_gives_what_gradio_3_gave(
    statement: str, expression: str, expected: Any, extension: Run
) -> None:
    found = extension(PAGE.format(statement=statement or "pass", expression=expression))
    assert found["result"] == expected
