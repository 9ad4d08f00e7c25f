"""The right side of a generation panel: the pictures, their parameters, and what there is to say about the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from modules.webui.panel.drawing import Drawing

SEND_TO = {"img2img": "🖼️", "sketch": "✏️", "inpaint": "🎨️"}
"""The sub tabs of img2img that a picture can be sent to from the gallery, with the sign on the button."""

TO_EXTRAS = {"extras": "📐"}


@dataclass(frozen=True, kw_only=True)
class Results:
    """The components of the results column. `selected` holds the number of the picture that is shown large."""

    gallery: Component
    selected: Component
    generation_info: Component
    html_info: Component
    html_log: Component
    downloads: Component

    @property
    def shown(self) -> list[Component]:
        """What a run changes, in the order of `Shown.updates`."""
        return [self.gallery, self.selected, self.generation_info, self.html_info, self.html_log]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What came of a run, for the results column of the panel that began it. None leaves a part as it is.

    `pictures` are the gallery's addresses, of which the one at `selected` is shown large; `info` is the text of the
    hidden box (see `info_text.py`), `html_info` the parameters under the picture, `html_log` the remarks.
    """

    pictures: Sequence[str] | None = None
    selected: int = 0
    info: str | None = None
    html_info: str | None = None
    html_log: str | None = None

    def updates(self) -> list[object]:
        """The values for `Results.shown`."""
        texts = [gr.skip() if text is None else text for text in (self.info, self.html_info, self.html_log)]
        if self.pictures is None:
            return [gr.skip(), gr.skip(), *texts]
        return [gr.Gallery(value=list(self.pictures), selected_index=self.selected), self.selected, *texts]


def draw_results(
    drawing: Drawing,
    above: Callable[[Drawing], None] | None = None,
    send_to: Mapping[str, str] = {**SEND_TO, **TO_EXTRAS},
    *,
    keeps: bool = True,
) -> Results:
    """Draw the column with the gallery and its buttons, below what `above` draws.

    The buttons send to `send_to` (names with signs) and, where the column `keeps`, save and mark.
    """
    tab = drawing.tab
    with (
        gr.Column(elem_id=f"{tab}_results", elem_classes=["results-column"], scale=1, min_width=320),
        gr.Column(elem_id=f"{tab}_results_panel", elem_classes=["results-panel"]),
    ):
        if above:
            above(drawing)
        with gr.Group(elem_id=f"{tab}_gallery_container", elem_classes=["gallery-container"]):
            gallery = gr.Gallery(
                label="Output",
                show_label=False,
                elem_id=f"{tab}_gallery",
                elem_classes=["results-gallery"],
                columns=4,
                object_fit="contain",
                preview=True,
                height="100%",
                interactive=False,
                buttons=["download", "fullscreen"],
            )
        with gr.Row(elem_id=f"image_buttons_{tab}", elem_classes=["image-buttons"]):
            _picture_buttons(drawing, send_to, keeps=keeps)
        downloads = gr.File(
            label="Saved",
            elem_id=f"download_files_{tab}",
            file_count="multiple",
            interactive=False,
            visible="hidden",
        )
        if drawing.tab != "extras":
            # Scripts of A1111's extensions press it when they have chosen another picture.
            button = gr.Button("Parameters", elem_id=f"{tab}_generation_info_button", visible="hidden")
            drawing.part("generation_info_button", button)
        return Results(
            gallery=gallery,
            selected=gr.State(0),
            generation_info=gr.Textbox("", elem_id=f"generation_info_{tab}", visible="hidden"),
            html_info=gr.HTML("", elem_id=f"html_info_{tab}", elem_classes=["infotext", "html-info"]),
            html_log=gr.HTML("", elem_id=f"html_log_{tab}", elem_classes=["html-log"]),
            downloads=downloads,
        )


def _picture_buttons(drawing: Drawing, send_to: Mapping[str, str], *, keeps: bool) -> None:
    props = {"scale": 0, "min_width": 44}
    drawing.tool("open_folder", "📂", "open_folder", **props)
    if keeps:
        drawing.tool("save", "💾", "save_{tab}", **props)
        drawing.tool("save_zip", "🗃️", "save_zip_{tab}", **props)
    for name, sign in send_to.items():
        drawing.tool(f"send_to_{name}", sign, f"{{tab}}_send_to_{name}", **props)
    if drawing.tab == "txt2img":
        drawing.tool("upscale", "✨", "upscale", **props)
    if keeps:
        drawing.tool("favourite", "⭐", "favourite", **props)
