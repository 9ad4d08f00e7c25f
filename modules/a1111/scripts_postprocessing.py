"""Scripts of the Extras tab: what `modules.scripts_postprocessing` holds."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING

from modules.a1111.types import GradioComponent
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from PIL.Image import Image


class PostprocessedImageSharedInfo:
    """What all pictures of one request share."""

    def __init__(self) -> None:
        self.target_width: int | None = None
        self.target_height: int | None = None


class PostprocessedImage:
    """A picture in work: `image`, what is noted in its text (`info`), and further pictures that came of it."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.info: JsonObject = {}
        self.shared = PostprocessedImageSharedInfo()
        self.extra_images: list[Image] = []
        self.nametags: list[str] = []
        self.disable_processing = False
        self.caption: str | None = None

    def get_suffix(self, used_suffixes: dict[str, int] | None = None) -> str:
        """The end of the file's name, made of the name tags; a number where it would be taken."""
        used = {} if used_suffixes is None else used_suffixes
        suffix = "-".join(self.nametags)
        if suffix:
            suffix = f"-{suffix}"
        if suffix not in used:
            used[suffix] = 1
            return suffix
        for number in range(1, 100):
            numbered = f"-{number}" if not suffix else f"{suffix}-{number}"
            if numbered not in used:
                used[numbered] = 1
                return numbered
        return suffix

    def create_copy(
        self, new_image: Image, *, nametags: list[str] | None = None, disable_processing: bool = False
    ) -> PostprocessedImage:
        """Another picture that came of this one."""
        made = PostprocessedImage(new_image)
        made.shared, made.nametags, made.info = self.shared, list(self.nametags), copy.copy(self.info)
        made.disable_processing = disable_processing
        made.nametags += nametags or []
        return made


class ScriptPostprocessing:
    """One script of the Extras tab."""

    filename: str | None = None
    controls: GradioComponent = None
    args_from: int | None = None
    args_to: int | None = None
    order = 1000
    name: str | None = None
    group: GradioComponent = None

    def ui(self) -> Mapping[str, GradioComponent] | None:
        """Draw the controls; a dict of argument names and components."""

    def process(self, pp: PostprocessedImage, **args: object) -> None:
        """Change the picture."""

    def process_firstpass(self, pp: PostprocessedImage, **args: object) -> None:
        """Called for all scripts before any `process`."""

    def image_changed(self) -> None:
        """The picture of the tab is another."""
