"""All settings as one frozen value, put together from the sections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from pydantic import ValidationError

from modules.foundation.errors import SettingsError
from modules.foundation.plain import JsonMapping
from modules.settings.declare import Section
from modules.settings.sections import api, diffusion, jobs, page, postprocessing, prompt_craft, saving, system, training


class Settings(
    saving.SavingPathsSection,
    saving.SavingImagesSection,
    saving.SavingFoldersSection,
    diffusion.StableDiffusionSection,
    prompt_craft.PromptCraftSection,
    diffusion.ExtraNetworksSection,
    diffusion.SamplerParametersSection,
    diffusion.OptimizationsSection,
    diffusion.HypertileSection,
    diffusion.StableDiffusionXlSection,
    diffusion.VaeSection,
    diffusion.Img2ImgSection,
    diffusion.CompatibilitySection,
    postprocessing.FaceRestorationSection,
    postprocessing.PostprocessingSection,
    postprocessing.UpscalingSection,
    postprocessing.InterrogateSection,
    page.GallerySection,
    page.InfotextSection,
    page.LivePreviewsSection,
    page.PromptEditingSection,
    page.SettingsInUiSection,
    page.UiAlternativesSection,
    page.UserInterfaceSection,
    page.CanvasHotkeysSection,
    system.SystemSection,
    system.ProfilerSection,
    api.ApiSection,
    jobs.JobsSection,
    training.TrainingSection,
):
    """Every setting of one moment. Frozen: a change makes a new value, and a running job keeps the one it began with.

    Keys that no section declares (an extension's, a newer program's) are kept as they are and saved again.
    """

    def changed(self, changes: JsonMapping) -> Settings:
        """These settings with `changes` applied. Raises SettingsError naming the key whose value does not fit."""
        if not changes:
            return self
        return type(self).checked({**self.model_dump(), **changes})

    @classmethod
    def checked(cls, values: JsonMapping) -> Settings:
        """Settings from a plain mapping. Raises SettingsError naming the key whose value does not fit."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"Setting {key!r} cannot be {first['input']!r}: {first['msg'].lower()}.") from error


SECTIONS = cast(tuple[type[Section], ...], Settings.__bases__)
"""In the order of the settings page."""


def settings_with(more: Iterable[type[Section]]) -> type[Settings]:
    """The type of settings that have further sections beside the program's own."""
    bases = (Settings, *more)
    return (
        Settings if len(bases) == 1 else type("Settings", bases, {"__module__": __name__, "__doc__": Settings.__doc__})
    )
