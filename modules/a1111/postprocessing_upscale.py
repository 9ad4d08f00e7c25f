"""`scripts.postprocessing_upscale`: the script of Extras that enlarges, for extensions that call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.a1111 import scripts_postprocessing
from modules.a1111.current import current

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ScriptPostprocessingUpscale", "scripts_postprocessing"]

BY, TO = 0, 1
"""Modes: by a factor, or to a size."""


class ScriptPostprocessingUpscale(scripts_postprocessing.ScriptPostprocessing):
    """Enlarges a picture with one upscaler, or with two that are mixed."""

    name = "Upscale"
    order = 1000

    def process(
        self,
        pp: scripts_postprocessing.PostprocessedImage,
        upscale_enabled: bool = True,
        upscale_mode: int = BY,
        upscale_by: float = 2.0,
        max_side_length: int = 0,
        upscale_to_width: int | None = None,
        upscale_to_height: int | None = None,
        upscale_crop: bool = False,
        upscaler_1_name: str | None = None,
        upscaler_2_name: str | None = None,
        upscaler_2_visibility: float = 0.0,
        **args: object,
    ) -> None:
        """Enlarge `pp.image`; without an upscaler nothing is done."""
        if not upscale_enabled or upscaler_1_name in (None, "", "None"):
            return
        width, height = pp.image.size
        size: tuple[int, int] | None = None
        if upscale_mode == TO and upscale_to_width and upscale_to_height:
            size = upscale_to_width, upscale_to_height
            upscale_by = max(size[0] / width, size[1] / height)
        elif max_side_length and max(width, height) * upscale_by > max_side_length:
            upscale_by = max_side_length / max(width, height)
        image = _enlarged(pp.image, upscaler_1_name, upscale_by)
        if upscaler_2_name not in (None, "", "None") and upscaler_2_visibility > 0:
            from PIL import Image

            other = _enlarged(pp.image, upscaler_2_name, upscale_by)
            image = Image.blend(image, other.convert(image.mode).resize(image.size), upscaler_2_visibility)
        pp.image = _cropped(image, size) if size is not None and upscale_crop else image
        pp.info["Postprocess upscale by"] = upscale_by
        pp.info["Postprocess upscaler"] = upscaler_1_name


def _enlarged(image: Image, name: str | None, factor: float) -> Image:
    upscalers = current().shared.sd_upscalers
    found = next((each for each in upscalers if each.name == name), None)
    if found is None:
        known = ", ".join(each.name for each in upscalers)
        raise ValueError(f"There is no upscaler {name!r}. There are: {known}.")
    return found.scaler.upscale(image, factor, found.data_path)


def _cropped(image: Image, size: tuple[int, int]) -> Image:
    left, top = (image.width - size[0]) // 2, (image.height - size[1]) // 2
    return image.crop((left, top, left + size[0], top + size[1]))
