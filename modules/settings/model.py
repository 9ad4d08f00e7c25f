"""All settings as one frozen value, put together from the sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from modules.foundation.errors import SettingsError
from modules.settings.declare import Section
from modules.settings.sections import api, diffusion, jobs, page, postprocessing, saving, system

SECTIONS: tuple[type[Section], ...] = (
    saving.SavingPaths,
    saving.SavingImages,
    saving.SavingFolders,
    diffusion.StableDiffusion,
    diffusion.ExtraNetworks,
    diffusion.SamplerParameters,
    diffusion.Optimizations,
    diffusion.StableDiffusionXl,
    diffusion.Vae,
    diffusion.Img2Img,
    diffusion.Compatibility,
    postprocessing.FaceRestoration,
    postprocessing.Upscaling,
    page.Gallery,
    page.Infotext,
    page.LivePreviews,
    page.UiAlternatives,
    page.UserInterface,
    system.System,
    api.Api,
    jobs.Jobs,
)
"""In the order of the settings page."""


class Settings(
    saving.SavingPaths,
    saving.SavingImages,
    saving.SavingFolders,
    diffusion.StableDiffusion,
    diffusion.ExtraNetworks,
    diffusion.SamplerParameters,
    diffusion.Optimizations,
    diffusion.StableDiffusionXl,
    diffusion.Vae,
    diffusion.Img2Img,
    diffusion.Compatibility,
    postprocessing.FaceRestoration,
    postprocessing.Upscaling,
    page.Gallery,
    page.Infotext,
    page.LivePreviews,
    page.UiAlternatives,
    page.UserInterface,
    system.System,
    api.Api,
    jobs.Jobs,
):
    """Every setting of one moment. Frozen: a change makes a new value, and a running job keeps the one it began with.

    Keys that no section declares (an extension's, a newer program's) are kept as they are and saved again.
    """

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with `changes` applied. Raises SettingsError naming the key whose value does not fit."""
        if not changes:
            return self
        return Settings.checked({**self.model_dump(), **changes})

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from a plain mapping. Raises SettingsError naming the key whose value does not fit."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"Setting {key!r} cannot be {first['input']!r}: {first['msg'].lower()}.") from error
