"""Pictures on their way to a file, and grids."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.a1111 import saving
from modules.a1111.attachments.run_p import p_of
from modules.a1111.callbacks import ImageGridLoopParams, ImageSaveParams
from modules.foundation.plain import JsonObject
from modules.generation.result import FinishedImage
from modules.hooks.events import GridLayout, PictureToSave, RunEvent
from modules.imaging.save import planned_path

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect


class FileAttachments:
    """What is saved, and how grids are laid out."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect
        self._made_by: dict[int, Any] = {}

    def before_save(self, picture: PictureToSave, event: RunEvent) -> PictureToSave:
        """on_before_image_saved, or a `save_image` that an extension has put in the place of the program's."""
        p = p_of(event)
        if p is not None and self._dialect.callbacks.of("image_saved"):
            self._made_by[id(picture.image)] = p
        through = saving.by_replaced_function(picture, p)
        if through.saved is not None or not through.wanted or not self._dialect.callbacks.of("before_image_saved"):
            return through
        names: JsonObject = {
            "basename": picture.basename,
            "suffix": picture.suffix,
            "short_name": picture.short_name,
            "forced_name": picture.forced_name,
        }
        before = str(planned_path(picture.names, picture.options, **names))
        params = ImageSaveParams(picture.image, p, before, {"parameters": picture.infotext, **picture.chunks})
        self._dialect.callbacks.call("before_image_saved", params)
        changed = replace(
            picture,
            image=params.image,
            infotext=str(params.pnginfo.get("parameters") or ""),
            chunks={key: str(value) for key, value in params.pnginfo.items() if key != "parameters"},
        )
        if params.filename == before:
            return changed
        options, names = saving.at_path(Path(params.filename), picture.options)
        return replace(changed, options=options, **names)

    def saved(self, image: FinishedImage) -> None:
        """on_image_saved."""
        p = self._made_by.pop(id(image.image), None)
        if image.path is not None and self._dialect.callbacks.of("image_saved"):
            params = ImageSaveParams(image.image, p, str(image.path), {"parameters": image.infotext})
            self._dialect.callbacks.call("image_saved", params)

    def grid(self, grid: GridLayout, event: RunEvent) -> GridLayout:
        """on_image_grid."""
        if not self._dialect.callbacks.of("image_grid"):
            return grid
        params = ImageGridLoopParams(list(grid.images), grid.columns, grid.rows)
        self._dialect.callbacks.call("image_grid", params)
        return replace(grid, images=tuple(params.imgs), columns=params.cols, rows=params.rows)
