"""The operations of the Extras tab that make pictures ready for training: cut, split, mirrored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import gradio as gr
from gradio.components import Component
from PIL import Image

from modules.application.extras_operations import ExtrasOperation
from modules.foundation.plain import JsonMapping
from modules.generation.extras import ExtrasStep, FocalCrop, FurtherStep, Piece
from modules.imaging.dataset_crops import best_size, centred_crop, split_oversized
from modules.webui.extras import controls as own
from modules.webui.panel.control import Control
from modules.webui.panel.control_values import ControlValues
from modules.webui.panel.drawing import Drawing

TURNS = {
    "Horizontal": (Image.Transpose.FLIP_LEFT_RIGHT,),
    "Vertical": (Image.Transpose.FLIP_TOP_BOTTOM,),
    "Both": (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM),
}


def _drawn(drawing: Drawing, number: int, switch: Control, *rows: tuple[Control, ...]) -> Mapping[str, Component]:
    """A switched part with its controls in rows."""
    with gr.Column(elem_id=f"input-accordion-{number}", elem_classes=["switched-part"], min_width=160):
        drawing.control(switch)
        with gr.Column(elem_classes=["part-body"]):
            for row in rows:
                with gr.Row(elem_classes=["fields"], equal_height=False):
                    for control in row:
                        drawing.control(control)
    return {}


def _target(controls: ControlValues) -> tuple[int, int]:
    """The size of "Scale to", which is that of the pictures for training; 512 x 512 where the factor counts."""
    if controls.text("resize_how") != "to":
        return 512, 512
    return controls.whole("width", own.WIDTH.label), controls.whole("height", own.HEIGHT.label)


def _split(values: JsonMapping) -> list[ExtrasStep]:
    controls = ControlValues(values)
    if not controls.switch("split"):
        return []
    size = _target(controls)
    threshold = controls.number("split_threshold", own.SPLIT_THRESHOLD.label)
    overlap = min(controls.number("split_overlap", own.SPLIT_OVERLAP.label), 0.9)

    def work(piece: Piece) -> list[Piece]:
        parts = split_oversized(piece.image, size, threshold=threshold, overlap=overlap)
        return [replace(piece, image=part) for part in parts]

    return [FurtherStep(name="Split oversized images", work=work)]


def _focal(values: JsonMapping) -> list[ExtrasStep]:
    controls = ControlValues(values)
    if not controls.switch("focal"):
        return []
    width, height = _target(controls)
    return [
        FocalCrop(
            width=width,
            height=height,
            face_weight=controls.number("focal_faces", own.FACE_WEIGHT.label),
            entropy_weight=controls.number("focal_entropy", own.ENTROPY_WEIGHT.label),
            edges_weight=controls.number("focal_edges", own.EDGES_WEIGHT.label),
            debug=controls.switch("focal_debug"),
        )
    ]


def _sized(values: JsonMapping) -> list[ExtrasStep]:
    controls = ControlValues(values)
    if not controls.switch("autosized"):
        return []
    sides = (
        controls.whole("sized_side_least", own.SIDE_LEAST.label),
        controls.whole("sized_side_most", own.SIDE_MOST.label),
    )
    areas = (
        controls.whole("sized_area_least", own.AREA_LEAST.label),
        controls.whole("sized_area_most", own.AREA_MOST.label),
    )
    threshold = controls.number("sized_threshold", own.SIZED_THRESHOLD.label)
    objective = "Minimize error" if controls.text("sized_objective") == "Minimize error" else "Maximize area"

    def work(piece: Piece) -> list[Piece]:
        size = best_size(piece.image.size, sides=sides, areas=areas, threshold=threshold, objective=objective)
        return [piece if size is None else replace(piece, image=centred_crop(piece.image, size))]

    return [FurtherStep(name="Auto-sized crop", work=work)]


def _flipped(values: JsonMapping) -> list[ExtrasStep]:
    controls = ControlValues(values)
    chosen = [name for name in controls.texts("flips") if name in TURNS]
    if not controls.switch("flipped") or not chosen:
        return []

    def work(piece: Piece) -> list[Piece]:
        copies = [piece]
        for name in chosen:
            image = piece.image
            for turn in TURNS[name]:
                image = image.transpose(turn)
            copies.append(replace(piece, image=image))
        return copies

    return [FurtherStep(name="Create flipped copies", work=work)]


DATASET_OPERATIONS = (
    ExtrasOperation(
        name="Split oversized images",
        order=4000,
        draw=lambda drawing: _drawn(drawing, 2, own.SPLIT, (own.SPLIT_THRESHOLD, own.SPLIT_OVERLAP)),
        steps=_split,
    ),
    ExtrasOperation(
        name="Auto focal point crop",
        order=4010,
        draw=lambda drawing: _drawn(
            drawing,
            3,
            own.FOCAL,
            (own.FACE_WEIGHT, own.ENTROPY_WEIGHT, own.EDGES_WEIGHT),
            (own.FOCAL_DEBUG,),
        ),
        steps=_focal,
    ),
    ExtrasOperation(
        name="Auto-sized crop",
        order=4020,
        draw=lambda drawing: _drawn(
            drawing,
            4,
            own.SIZED,
            (own.SIDE_LEAST, own.SIDE_MOST),
            (own.AREA_LEAST, own.AREA_MOST),
            (own.OBJECTIVE, own.SIZED_THRESHOLD),
        ),
        steps=_sized,
    ),
    ExtrasOperation(
        name="Create flipped copies",
        order=4030,
        draw=lambda drawing: _drawn(drawing, 5, own.FLIPPED, (own.FLIPS,)),
        steps=_flipped,
    ),
)
"""A1111's names and order."""
