"""What the controls of the Extras tab ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gradio.components import Component

from modules.application.extras_operations import ExtrasOperation
from modules.application.jobs.extras import chosen_folder
from modules.foundation.errors import RequestError
from modules.generation.extras import ExtrasFiles, ExtrasStep
from modules.webui.extras import controls as own
from modules.webui.panel.control_values import ControlValues
from modules.webui.panel.inputs import Inputs
from modules.webui.panel.results import Results

if TYPE_CHECKING:
    from modules.application.application import Application


@dataclass(frozen=True, kw_only=True)
class DrawnOperation:
    """An operation with those of its components that are no controls of the tab itself."""

    operation: ExtrasOperation
    components: Mapping[str, Component]


@dataclass(frozen=True, kw_only=True)
class ExtrasTab:
    """The components of the tab that events are tied to. `source` says what the picture is."""

    inputs: Inputs
    operations: Sequence[DrawnOperation]
    parts: Mapping[str, Component]
    results: Results
    task: Component
    source: Component

    @property
    def components(self) -> list[Component]:
        """What Generate sends: the controls, then what operations have added."""
        added = (component for each in self.operations for component in each.components.values())
        return [*self.inputs.components, *added]


def extras_files(
    app: Application, values: Mapping[str, object], operations: Sequence[DrawnOperation], added: Sequence[object]
) -> ExtrasFiles:
    """The request. `values` are those of the controls by name, `added` those of the operations' components in order.

    Raises EaselError for what cannot be done.
    """
    controls, mode = ControlValues(values), ControlValues(values).text("mode")
    files: tuple[Path, ...] = ()
    folders: dict[str, Path | None] = {"input_dir": None, "output_dir": None}
    if mode == "folder":
        folders = {name: chosen_folder(app, controls.text(name), name) for name in folders}
        if folders["input_dir"] is None:
            raise RequestError("Input directory is empty. Say where the pictures are.", "input_dir")
    elif mode == "batch":
        files = controls.files("files")
        if not files:
            raise RequestError("There are no files yet. Drop some on the box.", "files")
    else:
        if not controls.text("image"):
            raise RequestError("There is no picture yet. Drop one on the box, or send one here.", "image")
        files = (Path(controls.text("image")),)
    return ExtrasFiles(
        steps=tuple(_steps(values, operations, added)),
        files=files,
        input_folder=folders["input_dir"],
        output_folder=folders["output_dir"],
        several=mode in ("batch", "folder"),
    )


def _steps(
    values: Mapping[str, object], operations: Sequence[DrawnOperation], added: Sequence[object]
) -> list[ExtrasStep]:
    steps: list[ExtrasStep] = []
    rest = list(added)
    for drawn in operations:
        named = dict(zip(drawn.components, rest, strict=False))
        rest = rest[len(drawn.components) :]
        steps += drawn.operation.steps({**values, **named} if not drawn.components else named)
    return steps


FIELDS = {
    "upscaling_resize": own.SCALE.label,
    "upscaling_resize_w": own.WIDTH.label,
    "upscaling_resize_h": own.HEIGHT.label,
    "upscaler_1": own.UPSCALER_1.label,
    "upscaler_2": own.UPSCALER_2.label,
}
"""The API's names of fields that messages mention, as the tab calls them."""


def in_words(text: str) -> str:
    """A message with the labels of the tab in place of the API's names."""
    for name in sorted(FIELDS, key=len, reverse=True):
        text = text.replace(name, FIELDS[name])
    return text
