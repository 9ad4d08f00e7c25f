"""From the parameters of a picture to the controls of its second pass and its refiner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modules.foundation.errors import EaselError
from modules.infotext.labels import SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE
from modules.sampling import schedules
from modules.sampling.latent_upscale import DEFAULT, LATENT_UPSCALERS
from modules.webui.choices import split_sampler

if TYPE_CHECKING:
    from modules.application.application import Application

HIRES = ("Hires upscale", "Hires upscaler", "Hires steps", "Hires resize")
"""Parameters by which a picture is known to have had a second pass."""


def second_values(parameters: Mapping[str, object], app: Application) -> dict[str, object]:
    """New values for the switches, the names and what a parameter's absence says."""
    hires = any(label in parameters for label in HIRES) or bool(parameters.get("Hires resize-1"))
    values: dict[str, object] = {"enable_hr": hires, "enable_refiner": "Refiner" in parameters}
    if "Refiner" in parameters:
        values["refiner_checkpoint"] = checkpoint_title(str(parameters["Refiner"]), app, "")
    if not hires:
        return values
    sampler, _ = split_sampler(str(parameters.get("Hires sampler", "")))
    schedule = schedules.find(str(parameters.get("Hires schedule type", "")))
    return {
        **values,
        "hires_steps": _whole(parameters.get("Hires steps")),
        **({} if "Hires CFG Scale" in parameters else {"hr_cfg": 0}),
        "hr_upscaler": _upscaler(str(parameters.get("Hires upscaler", DEFAULT)), app),
        "hr_sampler": sampler or SAME_SAMPLER,
        "hr_scheduler": schedule.label if schedule else SAME_SCHEDULE,
        "hr_checkpoint": checkpoint_title(str(parameters.get("Hires checkpoint", "")), app, SAME_CHECKPOINT),
    }


def checkpoint_title(name: str, app: Application, otherwise: str) -> str:
    """The entry of a dropdown for a checkpoint that a text names; `otherwise` for one that is not here."""
    if not name or name == otherwise:
        return otherwise
    try:
        return app.catalogue.find(name).title
    except EaselError:
        return otherwise


def _upscaler(name: str, app: Application) -> str:
    if name in LATENT_UPSCALERS:
        return name
    try:
        return app.upscalers.find(name).name
    except EaselError:
        return DEFAULT


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except (TypeError, ValueError):
        return 0
