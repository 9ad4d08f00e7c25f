"""What may be done with a finished picture: enlarging it, restoring faces."""

from __future__ import annotations

from typing import ClassVar

from modules.settings.declare import Section, setting


class Upscaling(Section):
    """Upscalers. A tile size of 0 gives the model the whole picture at once, which takes much memory."""

    title: ClassVar[str] = "Upscaling"
    category: ClassVar[str] = "postprocessing"

    ESRGAN_tile: int = setting(192, "Tile size for ESRGAN upscalers.", ge=0, le=512, step=16)
    ESRGAN_tile_overlap: int = setting(8, "Tile overlap for ESRGAN upscalers.", ge=0, le=48, step=1)
    realesrgan_enabled_models: list[str] = setting(
        ["R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B"],
        "Real-ESRGAN models that are listed while their files are not there",
        choices="realesrgan_models",
    )
    dat_enabled_models: list[str] = setting(
        ["DAT x2", "DAT x3", "DAT x4"],
        "DAT models that are listed while their files are not there",
        choices="dat_models",
    )
    DAT_tile: int = setting(192, "Tile size for DAT upscalers.", ge=0, le=512, step=16)
    DAT_tile_overlap: int = setting(8, "Tile overlap for DAT upscalers.", ge=0, le=48, step=1)
    SCUNET_tile: int = setting(256, "Tile size for SCUNET upscalers.", ge=0, le=512, step=16)
    SCUNET_tile_overlap: int = setting(8, "Tile overlap for SCUNET upscalers.", ge=0, le=64, step=1)
    SWIN_tile: int = setting(192, "Tile size for all SwinIR.", ge=16, le=512, step=16)
    SWIN_tile_overlap: int = setting(8, "Tile overlap for SwinIR upscalers.", ge=0, le=48, step=1)
