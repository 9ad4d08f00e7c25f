"""What extensions write for Gradio 3, run on today's Gradio: constructors, derived classes, listeners, updates."""

from __future__ import annotations

import asyncio
import inspect
import logging
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from modules.a1111.gradio3.classes import take_old_arguments
from modules.a1111.gradio3.keywords import HIDDEN_CLASS
from tests.a1111.gradio3.conftest import Run

# Constructs that stop an extension on today's Gradio; each must work, and give a component of the class named.
CONSTRUCTS = {
    "gr.Textbox(label='a', visible=False)": "textbox",
    "gr.Textbox.update and gr.Textbox('v', label='x').style(container=False, show_copy_button=True)": "textbox",
    "gr.Box(elem_id='b')": "group",
    "gr.Variable(3)": "state",
    "gr.Image(source='upload', tool='editor', type='pil', mirror_webcam=False)": "image",
    "gr.Image(source='upload', tool='sketch', type='pil', brush_radius=20, brush_color='#ff0000')": "html",
    "gr.Image(tool='color-sketch', type='numpy', shape=(64, 64), invert_colors=True)": "html",
    "gr.ImageMask(type='pil')": "html",
    "gr.inputs.Slider(minimum=0, maximum=10, default=5, label='s')": "slider",
    "gr.Checkbox(default=True, label='c', tooltip='t')": "checkbox",
    "gr.Button('x', variant='tool')": "button",
    "gr.File(type='file', file_count='multiple')": "file",
    "gr.Files(label='f')": "file",
    "gr.Video(source='upload')": "video",
    "gr.Dataframe(max_rows=3, overflow_row_behaviour='paginate')": "dataframe",
    "gr.Row(variant='compact').style(equal_height=True)": "row",
    "gr.Column(scale=1, min_width=100, variant='panel')": "column",
    "gr.Gallery().style(grid=[2, 4], height='auto')": "gallery",
    "gr.HTML('<p>', interactive=False)": "html",
    "gr.TabItem('t', elem_id='x')": "tabitem",
    "gr.Text('x')": "textbox",
    "gr.TextArea('x')": "textbox",
    "gr.Code('x', language='json')": "code",
    "gr.components.Textbox('x')": "textbox",
    "gr.components.Dropdown(['a'], value='a')": "dropdown",
}


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_what_stands_in_extensions_still_makes_a_component(construct: str, extension: Run) -> None:
    made = extension(f"import gradio as gr\nwith gr.Blocks():\n    made = {construct}")["made"]
    assert made.get_block_name() == CONSTRUCTS[construct]
    if not isinstance(made, gr.Tab):  # Gradio itself tells the page that "tab" is drawn by "tabitem"
        assert made.get_config()["name"] == CONSTRUCTS[construct]


def test_a_class_derived_by_an_extension_keeps_its_positional_arguments_and_its_place_in_the_page(
    extension: Run, tmp_path: Path
) -> None:
    source = """
import gradio as gr
from gradio.components import FormComponent
class ToolButton(FormComponent, gr.Button):
    def __init__(self, *args, **kwargs):
        classes = kwargs.pop("elem_classes", [])
        super().__init__(*args, elem_classes=["tool", *classes], **kwargs)
with gr.Blocks() as demo:
    made = ToolButton("Go", elem_id="go", visible=False)
"""
    made = extension(source)["made"]
    config = made.get_config()
    assert (config["value"], config["elem_id"], config["name"]) == ("Go", "go", "button")
    assert (config["visible"], config["elem_classes"]) == ("hidden", ["tool"])
    assert list(tmp_path.glob("*.pyi")) == []


def test_the_real_gradio_stays_as_it_is_and_its_objects_pass_for_the_old_classes(extension: Run) -> None:
    found = extension("import gradio as gr\nfrom gradio.components import IOComponent\nversion = gr.__version__")
    assert (found["version"], gr.__version__ != "3.41.2") == ("3.41.2", True)
    assert not hasattr(gr, "Box")
    own = gr.Textbox(render=False)
    assert isinstance(own, found["gr"].Textbox)
    assert isinstance(own, found["IOComponent"])
    assert not isinstance(own, found["gr"].Button)
    assert not isinstance("text", found["gr"].Textbox)


def test_choices_read_as_their_plain_values(extension: Run) -> None:
    made = extension("import gradio as gr\nwith gr.Blocks():\n    made = gr.Dropdown(['a', ('B', 2)])")["made"]
    assert "a" in made.choices
    assert 2 in made.choices
    assert made.choices.index("a") == 0
    assert made.value is None
    assert made.get_config()["choices"] == [("a", "a"), ("B", 2)]


def test_a_value_that_the_list_no_longer_has_is_passed_on(extension: Run) -> None:
    made = extension("import gradio as gr\nwith gr.Blocks():\n    made = gr.Dropdown(['a'], type='value')")["made"]
    index = extension("import gradio as gr\nwith gr.Blocks():\n    made = gr.Radio(['a'], type='index')")["made"]
    assert made.preprocess("new") == "new"
    assert index.preprocess("new") is None
    assert index.preprocess("a") == 0


def test_a_number_beyond_the_ends_of_a_slider_is_passed_on(extension: Run) -> None:
    begin = "import gradio as gr\nwith gr.Blocks():\n    "
    slider = extension(f"{begin}made = gr.Slider(1, 8, 16, step=1)")["made"]
    assert (slider.value, slider.preprocess(16), slider.preprocess(0)) == (16, 16, 0)
    number = extension(f"{begin}made = gr.Number(3, precision=0, minimum=5)")["made"]
    assert (number.preprocess(2.0), number.preprocess(None)) == (2, None)
    assert extension(f"{begin}made = gr.Number('5')")["made"].value == 5


def test_an_unknown_argument_is_named_once_with_its_extension(extension: Run, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        extension("import gradio as gr\nwith gr.Blocks():\n    for _ in range(3): gr.Number(flavour='sweet')")
    assert [record.getMessage() for record in caplog.records] == [
        "some-extension gives gr.Number the argument 'flavour', which it does not have here; it is left out."
    ]


def test_layout_blocks_are_hidden_by_a_class_and_shown_again_by_an_update(extension: Run) -> None:
    source = """
import gradio as gr
with gr.Blocks() as demo:
    with gr.Row(visible=False, elem_classes="mine") as row:
        text = gr.Textbox()
    button = gr.Button()
    go = lambda: (gr.Row.update(visible=True), gr.update(visible=False))
    event = button.click(go, None, [row, text], _js="() => 1")
"""
    found = extension(source)
    assert found["row"].get_config()["elem_classes"] == ["mine", HIDDEN_CLASS]
    fn = next(iter(found["demo"].fns.values()))
    assert fn.js == "() => 1"
    shown, hidden = fn.fn()
    assert shown == {"elem_classes": ["mine"], "__type__": "update"}
    assert hidden == {"visible": "hidden", "__type__": "update"}


KINDS: dict[str, Any] = {
    "plain": "def go(): return {'visible': False, '__type__': 'update'}",
    "steps": "def go():\n    yield {'visible': False, '__type__': 'update'}",
    "awaited": "async def go(): return {'visible': False, '__type__': 'update'}",
    "async steps": "async def go():\n    yield {'visible': False, '__type__': 'update'}",
    "partial": (
        "import functools\ndef given(n): return {'visible': False, '__type__': 'update'}\n"
        "go = functools.partial(given, 1)"
    ),
    "by component": "def go(): return {text: {'visible': False, '__type__': 'update'}}",
}


@pytest.mark.parametrize("kind", KINDS)
def test_updates_reach_the_page_whatever_kind_of_function_returns_them(kind: str, extension: Run) -> None:
    source = f"""
import gradio as gr
with gr.Blocks() as demo:
    text = gr.Textbox(); button = gr.Button()
{KINDS[kind]}
with demo:
    button.click(go, [], {{text}} if {kind == "by component"} else text, show_progress=False, show_api=False)
"""
    found = extension(source)
    fn = next(iter(found["demo"].fns.values()))
    assert (fn.show_progress, fn.api_visibility) == ("hidden", "private")

    async def result() -> Any:
        if inspect.isasyncgenfunction(fn.fn):
            return await anext(fn.fn())
        made = fn.fn()
        if inspect.isgenerator(made):
            return next(made)
        return await made if inspect.isawaitable(made) else made

    value = asyncio.run(result())
    value = value[found["text"]] if kind == "by component" else value
    assert value == {"visible": "hidden", "__type__": "update"}


def test_endpoints_are_described_where_their_author_named_them(extension: Run) -> None:
    found = extension("""
import gradio as gr
def go(text): return text
with gr.Blocks() as demo:
    text = gr.Textbox(); button = gr.Button()
    button.click(go, text, text)
    button.click(go, text, text, api_name="named")
    button.click(go, text, text, show_api=True)
    button.click(go, text, text, api_name=False)
""")
    visible = [fn.api_visibility for fn in found["demo"].fns.values()]
    assert visible == ["undocumented", "public", "public", "private"]
    named = found["demo"].get_api_info()["named_endpoints"]
    assert named["/named"]["parameters"][0]["type"] == {"type": "string"}
    assert len(named) == 2


def test_a_component_of_our_own_page_takes_the_old_arguments_once_it_was_handed_over() -> None:
    async def build() -> list[Any]:
        with gr.Blocks() as demo:
            button = gr.Button("Generate")
            adopted: Any = take_old_arguments(button)
            assert adopted is button
            adopted.click(fn=None, _js="() => 2").then(fn=None, _js="() => 3")
        return [fn.js for fn in demo.fns.values()]

    assert asyncio.run(build()) == ["() => 2", "() => 3"]


def test_what_gradio_never_had_is_an_error_of_the_usual_kind(extension: Run) -> None:
    with pytest.raises(AttributeError, match="no 'Nonsense'"):
        extension("import gradio as gr\ngr.Nonsense")
    with pytest.raises(ImportError):
        extension("import gradio.nonsense")
    with pytest.raises(ImportError):
        extension("from gradio import nonsense")


def test_styles_and_scripts_of_a_blocks_are_kept_for_the_page(extension: Run) -> None:
    made = extension("import gradio as gr\nwith gr.Blocks(css='.a {}', analytics_enabled=False) as made: gr.HTML('x')")[
        "made"
    ]
    assert made.page_parts == {"css": ".a {}"}


def test_a_gallery_gives_and_takes_the_files_of_gradio_3_and_is_not_for_uploading(extension: Run) -> None:
    found = extension("import gradio as gr\nwith gr.Blocks():\n    g = gr.Gallery(); up = gr.Gallery(interactive=True)")
    gallery: Any = found["g"]
    assert (gallery.interactive, found["up"].interactive) == (False, True)
    shown = gallery.data_model([{"image": {"path": "/a.png"}}, {"image": {"path": "/b.png"}, "caption": "bee"}])
    given = gallery.preprocess(shown)
    assert [given[0]["name"], given[0]["is_file"], given[1][0]["name"], given[1][1]] == [
        "/a.png",
        True,
        "/b.png",
        "bee",
    ]
    assert gallery.preprocess(None) == []
    again = gallery.postprocess(given)
    assert [(each.image.path, each.caption) for each in again.root] == [("/a.png", None), ("/b.png", "bee")]


def test_what_is_no_tab_comes_ahead_of_the_tabs_it_was_put_among(
    extension: Run, recwarn: pytest.WarningsRecorder
) -> None:
    source = """
import gradio as gr
with gr.Blocks():
    with gr.Column() as around:
        gr.HTML("first")
        with gr.Tabs() as tabs:
            hidden = gr.Textbox(visible=False)
            kept = gr.State()
            with gr.Tab("one") as one:
                gr.Button()
"""
    found = extension(source)
    assert found["tabs"].children == [found["kept"], found["one"]]
    assert [child.get_block_name() for child in found["around"].children] == ["html", "form", "tabs"]
    assert found["hidden"].parent is found["around"].children[1]
    assert [str(each.message) for each in recwarn] == []


def test_what_is_written_to_a_component_that_is_made_means_what_it_meant(extension: Run) -> None:
    made = extension("""
import gradio as gr
with gr.Blocks():
    with gr.Row(elem_classes=["mine"]) as row:
        row.visible = False
        box = gr.Textbox()
    with gr.Column(visible=False) as column:
        pass
    column.visible = True
    box.visible = False
    listed = gr.Dropdown(["a"])
    listed.choices = ["b", "c"]
""")
    assert (made["row"].visible, made["row"].elem_classes) == (True, ["mine", HIDDEN_CLASS])
    assert (made["column"].visible, made["column"].elem_classes) == (True, [])
    assert made["box"].visible == "hidden"
    assert made["listed"].choices == ["b", "c"]
    assert made["listed"].get_config()["choices"] == [("b", "b"), ("c", "c")]
