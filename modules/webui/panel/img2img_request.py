"""What the controls of img2img ask for: one picture made from another, or many from a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from modules.application.jobs.folder_batch import submit_folder_batch
from modules.application.jobs.job import GenerationJob, TaskJob
from modules.foundation.errors import Forbidden, RequestError
from modules.generation.captions import CaptionFiles
from modules.generation.folder_batch import FolderBatch, FolderBatchResult
from modules.generation.inpaint import InpaintOptions, MaskedContent, SoftInpainting
from modules.generation.request import GenerationRequest
from modules.imaging.resize import ResizeMode
from modules.webui.panel import img2img_controls as own
from modules.webui.panel.control_values import ControlValues
from modules.webui.panel.img2img_source import Source, source
from modules.webui.panel.request import common_request

if TYPE_CHECKING:
    from modules.application.application import Application


def submit_img2img(
    app: Application, values: Mapping[str, object], task: str | None
) -> GenerationJob | TaskJob[FolderBatchResult]:
    """Hand in what the controls ask for. Raises EaselError for what cannot be done."""
    controls = ControlValues(values)
    if controls.text("mode") == "batch":
        return submit_folder_batch(app, folder_batch(app, values), task)
    return app.submit(img2img_request(values, source(controls)), task)


def single_request(values: Mapping[str, object]) -> GenerationRequest:
    """The request for one picture, of the open sub tab. Raises RequestError on that of batches."""
    controls = ControlValues(values)
    if controls.text("mode") == "batch":
        raise RequestError("A batch is many jobs in one. Press Generate for it, or choose another tab.", "mode")
    return img2img_request(values, source(controls))


def img2img_request(values: Mapping[str, object], begun: Source) -> GenerationRequest:
    """The request for one picture."""
    controls = ControlValues(values)
    request = replace(_template(values), init_images=(begun.picture,))
    width, height = asked_size(controls, begun.picture.size)
    request = replace(request, width=width, height=height)
    if begun.mask is None:
        return request
    return replace(request, inpaint=inpaint_options(controls).with_mask(begun.mask), soft_inpainting=_soft(controls))


def asked_size(controls: ControlValues, size: tuple[int, int]) -> tuple[int, int]:
    """The size in pixels that is asked for a picture that begins with one of `size`."""
    if controls.text("resize_how") == "by":
        return scaled(size, controls.number("scale", "Scale"))
    return controls.whole("width", "Width"), controls.whole("height", "Height")


def scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """A size in pixels, `factor` times as large."""
    width, height = int(size[0] * factor), int(size[1] * factor)
    if min(width, height) < 8:
        raise RequestError(
            f"Scaled by {factor}, the picture would be {width}x{height}. Choose a larger scale.", "scale"
        )
    return width, height


def _template(values: Mapping[str, object]) -> GenerationRequest:
    """The request, whatever its picture and mask."""
    controls = ControlValues(values)
    return replace(
        common_request(values),
        denoising_strength=controls.number("denoising_strength", "Denoising strength"),
        image_cfg_scale=controls.number("image_cfg_scale", "Image CFG Scale"),
        resize_mode=ResizeMode(controls.one_of("resize_mode", own.RESIZE_MODES)),
    )


def inpaint_options(controls: ControlValues) -> InpaintOptions:
    """How masked parts are painted."""
    blur = controls.whole("mask_blur", "Mask blur")
    return InpaintOptions(
        blur_x=blur,
        blur_y=blur,
        inverted=bool(controls.one_of("mask_mode", own.MASK_MODES)),
        content=MaskedContent(controls.one_of("masked_content", own.MASKED_CONTENTS)),
        only_masked=bool(controls.one_of("inpaint_area", own.INPAINT_AREAS)),
        padding=controls.whole("padding", "Only masked padding"),
    )


def _soft(controls: ControlValues) -> SoftInpainting | None:
    if not controls.switch("soft_inpainting"):
        return None
    labels = {control.name: control.label for control in own.SOFT}
    names = [field.name for field in fields(SoftInpainting)]
    return SoftInpainting(**{name: controls.number(f"soft_{name}", labels[f"soft_{name}"]) for name in names})


def caption_files(app: Application, controls: ControlValues, model: str) -> CaptionFiles:
    """The captions that are asked for on the Batch sub tab: beside the pictures, or in the output folder."""
    files, folders = _batch_source(app, controls)
    output = folders["batch_output"]
    if files and output is None:
        output = app.paths.outputs / "captions"
    return CaptionFiles(model=model, files=files, input_folder=folders["batch_input"], output_folder=output)


def folder_batch(app: Application, values: Mapping[str, object]) -> FolderBatch:
    """The folder batch that the Batch sub tab asks for."""
    controls = ControlValues(values)
    png_info_folder = controls.text("batch_png_info_dir").strip() if controls.switch("batch_png_info") else ""
    files, folders = _batch_source(app, controls, png_info_folder)
    return FolderBatch(
        request=replace(_template(values), save_grid=False, soft_inpainting=_soft(controls)),
        files=files,
        input_folder=folders["batch_input"],
        output_folder=folders["batch_output"],
        mask_folder=folders["batch_masks"],
        inpaint=inpaint_options(controls) if folders["batch_masks"] else None,
        png_info=controls.texts("batch_png_info_props") if controls.switch("batch_png_info") else (),
        png_info_folder=_folder(app, png_info_folder),
        scale=controls.number("scale", "Scale") if controls.text("resize_how") == "by" else None,
    )


def _batch_source(
    app: Application, controls: ControlValues, further: str = ""
) -> tuple[tuple[Path, ...], dict[str, Path | None]]:
    """The files that were uploaded, or none and the folders that were named.

    Raises RequestError where there are neither, Forbidden where folders, `further` among them, may not be named.
    """
    uploaded = controls.text("batch_source") == "upload"
    files = controls.files("batch_files") if uploaded else ()
    names = ("batch_input", "batch_output", "batch_masks")
    folders = {name: "" if uploaded else controls.text(name).strip() for name in names}
    if uploaded and not files:
        raise RequestError("There are no files yet. Drop some on the box, or choose From directory.", "batch_files")
    if not uploaded and not folders["batch_input"]:
        raise RequestError("Input directory is empty. Say where the pictures are.", "batch_input")
    if app.policy.is_open and any((*folders.values(), further)):
        raise Forbidden(
            "Everybody on the network may use this Easel (--listen without --gradio-auth), so no folders can be chosen "
            "from here. Start it with --gradio-auth, or upload the files.",
            "batch_input",
        )
    return files, {name: _folder(app, folder) for name, folder in folders.items()}


def _folder(app: Application, name: str) -> Path | None:
    return app.paths.data / Path(name).expanduser() if name else None
