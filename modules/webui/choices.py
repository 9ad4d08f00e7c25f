"""What the dropdowns offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modules.foundation.errors import UnknownName
from modules.infotext.labels import REQUEST_FIELDS, SETTINGS
from modules.sampling.samplers import registry
from modules.upscalers.known import KNOWN
from modules.webui.localization import NO_TRANSLATION, translation_files

if TYPE_CHECKING:
    from modules.application.application import Application

PARTS = (
    *("prompt", "image", "inpaint", "sampler", "accordions", "checkboxes", "dimensions", "cfg", "denoising", "seed"),
    *("batch", "override_settings", "extra_options", "scripts"),
)
"""The sections of the generation panels, by A1111's names."""


EXTRAS = (
    *("Upscale", "GFPGAN", "CodeFormer"),
    *("Split oversized images", "Auto focal point crop", "Auto-sized crop", "Create flipped copies", "Caption"),
)
"""The operations that the Extras tab has by itself, in A1111's order."""


def named_choices(app: Application, tabs: Sequence[str] = ()) -> dict[str, list[str]]:
    """The lists that settings name as their choices and that are only known at run time; `tabs` are the page's."""
    return {
        "tabs": list(tabs),
        "localizations": [NO_TRANSLATION, *translation_files(app)],
        "settings": list(app.settings.declared),
        "parts": list(PARTS),
        "samplers": sampler_names(),
        "checkpoints": [info.title for info in app.catalogue.all()],
        "vaes": ["Automatic", "None", *(info.name for info in app.vaes.all())],
        "infotext_fields": [*REQUEST_FIELDS, *(label for label in SETTINGS if label not in REQUEST_FIELDS)],
        "loras": ["None", *(info.name for info in app.networks.all("lora"))],
        "upscalers": [info.name for info in app.upscalers.usable()],
        "postprocessing_operations": [*EXTRAS, *(each.name for each in app.registries.extras_operations)],
        "interrogate_categories": app.captioners.categories.names(),
        "face_restorers": [info.name for info in app.restorers.all()],
        "realesrgan_models": _known_models("realesrgan_enabled_models"),
        "dat_models": _known_models("dat_enabled_models"),
        "hypernetworks": ["None", *(info.name for info in app.networks.all("hypernet"))],
    }


def _known_models(setting: str) -> list[str]:
    return [known.name for known in KNOWN if known.setting == setting]


def sampler_names(hidden: Sequence[str] = ()) -> list[str]:
    """The samplers by name, without the hidden ones; all of them if nothing would be left."""
    names = registry.names()
    return [name for name in names if name not in hidden] or names


def split_sampler(name: str) -> tuple[str | None, str | None]:
    """Sampler and schedule of a name that may end in the schedule, as older pictures have it: "DPM++ 2M Karras"."""
    if (whole := registry.find(name)) is not None:
        return whole.name, None
    try:
        sampler, schedule = registry.split_name(name)
    except UnknownName:
        return None, None
    return sampler.name, schedule.label
