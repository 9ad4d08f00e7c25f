"""Scripts of the Extras tab: each class that an extension has becomes an operation of the tab."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modules.a1111.current import OWNER
from modules.a1111.script import ScriptClassData
from modules.a1111.scripts_postprocessing import PostprocessedImage, PostprocessedImageSharedInfo, ScriptPostprocessing
from modules.application.extras_operations import ExtrasOperation
from modules.foundation.errors import EaselError, ExtensionError, Interrupted
from modules.foundation.plain import JsonMapping
from modules.generation.extras import FurtherStep, Piece

if TYPE_CHECKING:
    from PIL import Image

    from modules.a1111.dialect import A1111Dialect


def register_extras_scripts(dialect: A1111Dialect) -> None:
    """Make the known classes operations of the Extras tab. One that fails is named and left out."""
    registry = dialect.app.registries.extras_operations
    registry.unregister(OWNER)
    for data in dialect.postprocessing_data:
        with dialect.naming(data.path, "could not be made"), dialect.owned_by(data.path):
            adapter = _Adapter(dialect, data)
            try:
                registry.register(OWNER, adapter.operation)
            except ExtensionError as error:
                dialect.failed(data.path, str(error))


class _Adapter:
    """One script: its controls on the page, and its part in a run."""

    def __init__(self, dialect: A1111Dialect, data: ScriptClassData) -> None:
        self._dialect, self._path = dialect, data.path
        self._script: ScriptPostprocessing = data.script_class()
        self._script.filename = data.path
        self._shared = PostprocessedImageSharedInfo()
        self.operation = ExtrasOperation(
            name=str(self._script.name or data.script_class.__name__),
            order=float(self._script.order),
            draw=self._draw,
            steps=self._steps,
            image_changed=self._image_changed,
        )

    def _draw(self, _drawing: object) -> Mapping[str, Any]:
        """Draw the script's controls in a group of their own. One that fails has none, and takes no part."""
        import gradio as gr

        drawn, controls = False, None
        with (
            gr.Column(elem_classes=["script-group"]) as self._script.group,
            self._dialect.naming(self._path, "could not draw its controls"),
            self._dialect.owned_by(self._path),
        ):
            controls: object = self._script.ui()
            drawn = True
        if not isinstance(controls, Mapping):
            controls = dict(enumerate(controls or ()))
        named = {str(name): control for name, control in controls.items()}
        self._script.controls = named if drawn else None
        return named

    def _steps(self, values: JsonMapping) -> Sequence[FurtherStep]:
        if self._script.controls is None:
            return []
        sent_values = {name: values.get(name) for name in self._script.controls}

        def begin(image: Image.Image) -> None:
            self._shared = PostprocessedImageSharedInfo()
            with self._calling("process_firstpass"):
                self._script.process_firstpass(self._handed(Piece(image=image)), **sent_values)

        def work(piece: Piece) -> list[Piece]:
            handed = self._handed(piece)
            with self._calling("process"):
                self._script.process(handed, **sent_values)
            return [_piece(handed, piece), *(_further(each, handed, piece) for each in handed.extra_images)]

        return [FurtherStep(name=self.operation.name, work=work, begin=begin)]

    def _handed(self, piece: Piece) -> PostprocessedImage:
        handed = PostprocessedImage(piece.image)
        handed.info, handed.nametags = dict(piece.done), list(piece.tags)
        handed.caption, handed.shared = piece.caption, self._shared
        return handed

    @contextlib.contextmanager
    def _calling(self, method: str) -> Any:
        """Code of the script. What it raises becomes an error that names it, for this picture alone."""
        try:
            with self._dialect.owned_by(self._path):
                yield
        except (Interrupted, EaselError):
            raise
        except Exception as error:  # the boundary of an extension
            self._dialect.failed(self._path, f"{method} failed: {error}")
            raise ExtensionError(f"{self.operation.name} ({self._path}) failed: {error}") from error

    def _image_changed(self) -> None:
        with self._dialect.naming(self._path, "image_changed failed"):
            self._script.image_changed()


def _piece(handed: PostprocessedImage, before: Piece) -> Piece:
    """A piece after the script; the picture that it was given is another one only if it has put one in."""
    return Piece(
        image=handed.image,
        done=dict(handed.info),
        tags=tuple(handed.nametags),
        caption=handed.caption,
        finished=handed.disable_processing or before.finished,
    )


def _further(each: Any, handed: PostprocessedImage, before: Piece) -> Piece:
    """What a script put among the further pictures: one with its own notes, or a bare picture."""
    if isinstance(each, PostprocessedImage):
        return _piece(each, before)
    made = copy.copy(handed)
    made.image = each
    return _piece(made, before)
