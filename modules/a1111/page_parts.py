"""Parts of A1111's page that extensions put into their tabs: `modules.ui_common` and `modules.ui`."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modules.a1111.components import REFRESH, ToolButton
from modules.a1111.current import current
from modules.a1111.gradio3.namespace import old_module
from modules.a1111.types import ComponentValue, GradioComponent
from modules.foundation.plain import JsonObject

SYMBOLS = {
    "folder_symbol": "\U0001f4c2",
    "refresh_symbol": REFRESH,
    "random_symbol": "\U0001f3b2\ufe0f",
    "reuse_symbol": "\u267b\ufe0f",
    "paste_symbol": "\u2199\ufe0f",
    "save_style_symbol": "\U0001f4be",
    "apply_style_symbol": "\U0001f4cb",
    "clear_prompt_symbol": "\U0001f5d1\ufe0f",
    "extra_networks_symbol": "\U0001f3b4",
    "switch_values_symbol": "\u21c5",
    "restore_progress_symbol": "\U0001f300",
    "detect_image_size_symbol": "\U0001f4d0",
    "upload_symbol": "\U0001f4e4",
    "up_down_symbol": "\u2195\ufe0f",
}
"""The signs on A1111's small buttons."""


def plaintext_to_html(text: str | None, classname: str | None = None) -> str:
    """A text as a paragraph, its lines kept."""
    content = "<br>\n".join(html.escape(line) for line in (text or "").split("\n"))
    return f"<p class='{classname}'>{content}</p>" if classname else f"<p>{content}</p>"


def update_generation_info(generation_info: str, html_info: str, img_index: int) -> tuple[str, ComponentValue]:
    """The text below a gallery for the picture that is chosen."""
    try:
        info = json.loads(generation_info)
        return plaintext_to_html(info["infotexts"][img_index]), old_module("gradio").update()
    except (ValueError, KeyError, IndexError, TypeError):
        return html_info, old_module("gradio").update()


def save_files(js_data: str, images: ComponentValue, do_make_zip: bool, index: int) -> tuple[ComponentValue, str]:
    """Save the pictures of a gallery into the folder of the Save button; the files, and a sentence about them."""
    from modules.a1111.saving import opts, save_image
    from modules.infotext.parse import parse
    from modules.pipeline.output_folders import save_button_options

    app, gr = current().app, old_module("gradio")
    data = json.loads(js_data or "{}")
    texts = data.get("infotexts", [])
    chosen = list(images or [])
    first = 0
    if index > -1 and opts().save_selected_only:
        chosen, first = chosen[index : index + 1], index
    folder = save_button_options(app.settings.current, app.paths, app.flags).folder
    files: list[str] = []
    for number, each in enumerate(chosen, first):
        picture = _picture_of(each)
        text = texts[number] if number < len(texts) else (picture.info.get("parameters") or "")
        read = parse(text)
        seed = read.fields.get("Seed", "")
        path, beside = save_image(
            picture,
            str(folder),
            "",
            seed=int(seed) if seed.lstrip("-").isdigit() else None,
            prompt=read.prompt,
            extension=opts().samples_format,
            info=text,
            save_to_dirs=opts().use_save_to_dirs_for_ui,
        )
        files += [path] if beside is None else [path, beside]
    names = ", ".join(name.rsplit("/", 1)[-1] for name in files)
    if do_make_zip and files:
        files = [*files, _packed(files, str(folder))]
    return gr.File.update(value=files, visible=True), plaintext_to_html(f"Saved: {names}" if files else "")


def _packed(files: list[str], folder: str) -> str:
    import datetime
    import zipfile
    from pathlib import Path

    name = Path(folder) / f"{datetime.datetime.now():%Y%m%d-%H%M%S-%f}.zip"
    with zipfile.ZipFile(name, "w", zipfile.ZIP_STORED) as archive:
        for each in files:
            archive.write(each, Path(each).name)
    return str(name)


def _picture_of(value: object) -> GradioComponent:
    from modules.a1111.sending import image_from_url_text

    return image_from_url_text(value)


@dataclass
class OutputPanel:
    """The results of a tab. In order: gallery, generation_info, infotext, html_log."""

    gallery: GradioComponent
    generation_info: GradioComponent
    infotext: GradioComponent
    html_log: GradioComponent
    button_upscale: GradioComponent = None

    def __iter__(self) -> Iterator[GradioComponent]:
        return iter((self.gallery, self.generation_info, self.infotext, self.html_log))


def create_output_panel(tabname: str, outdir: str, toprow: GradioComponent = None) -> OutputPanel:
    """A gallery with the buttons that send its pictures elsewhere, and the texts below it."""
    from modules.a1111 import sending

    gr = old_module("gradio")
    with gr.Column(variant="panel", elem_id=f"{tabname}_results_panel"):
        gallery = gr.Gallery(
            label="Output", show_label=False, elem_id=f"{tabname}_gallery", columns=4, preview=True, format="png"
        )
        with gr.Row(elem_id=f"image_buttons_{tabname}", elem_classes="image-buttons"):
            buttons = sending.create_buttons(["img2img", "inpaint", "extras"])
        infotext = gr.HTML(elem_id=f"html_info_{tabname}", elem_classes="infotext")
        html_log = gr.HTML(elem_id=f"html_log_{tabname}", elem_classes="html-log")
        generation_info = gr.Textbox(visible=False, elem_id=f"generation_info_{tabname}")
    for name, button in buttons.items():
        sending.register_paste_params_button(
            sending.ParamBinding(
                paste_button=button,
                tabname=name,
                source_tabname="txt2img" if tabname == "txt2img" else None,
                source_image_component=gallery,
                paste_field_names=[],
            )
        )
    return OutputPanel(gallery, generation_info, infotext, html_log)


def create_refresh_button(
    refresh_component: GradioComponent,
    refresh_method: Callable[[], object],
    refreshed_args: GradioComponent,
    elem_id: str | None,
) -> GradioComponent:
    """A button that calls `refresh_method` and gives components the arguments that `refreshed_args` then has."""
    components = refresh_component if isinstance(refresh_component, list) else [refresh_component]

    def refresh() -> GradioComponent:
        refresh_method()
        values: GradioComponent = refreshed_args() if callable(refreshed_args) else refreshed_args
        arguments: JsonObject = values or {}
        updates = [old_module("gradio").update(**arguments) for _ in components]
        return updates[0] if len(updates) == 1 else updates

    button = ToolButton(value=SYMBOLS["refresh_symbol"], elem_id=elem_id, tooltip="Refresh")
    button.click(fn=refresh, inputs=[], outputs=components)
    return button


def setup_progressbar(*_: object, **__: object) -> None:
    """Nothing: the page shows progress itself."""


def resize_from_to_html(width: float, height: float, scale_by: float) -> str:
    """What a picture becomes when it is scaled, for the text below the slider."""
    if not width or not height:
        return "no image selected"
    sizes = [f"<span class='resolution'>{int(width * by)}x{int(height * by)}</span>" for by in (1, scale_by)]
    return f"resize: from {sizes[0]} to {sizes[1]}"


def setup_dialog(
    button_show: GradioComponent, dialog: GradioComponent, *, button_close: GradioComponent = None
) -> None:
    """Have a button show a box, and another hide it."""
    gr = old_module("gradio")
    button_show.click(fn=lambda: gr.update(visible=True), inputs=[], outputs=[dialog], show_progress=False)
    if button_close is not None:
        button_close.click(fn=lambda: gr.update(visible=False), inputs=[], outputs=[dialog], show_progress=False)


def gr_show(visible: bool = True) -> JsonObject:
    """An update of whether a component is visible."""
    return {"visible": visible, "__type__": "update"}


def versions_html() -> str:
    """The versions of everything, as the page's foot has them in A1111."""
    import platform

    import gradio
    import torch

    from modules.a1111.launching import git_tag

    dialect = current()
    info = dialect.app.selected_checkpoint
    parts = (
        f"version: {git_tag()}",
        f"python: {platform.python_version()}",
        f"torch: {torch.__version__}",
        "xformers: N/A",
        f"gradio: {gradio.__version__}",
        f"checkpoint: {info.short_hash if info is not None and info.short_hash else 'N/A'}",
    )
    return "\n&#x2000;•&#x2000;\n".join(parts)
