"""What the dropdowns offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modules.sampling.samplers.registry import SAMPLERS
from modules.sampling.schedules import SCHEDULES

if TYPE_CHECKING:
    from modules.application.application import Application


def named_choices(app: Application) -> dict[str, list[str]]:
    """The lists that settings name as their choices and that are only known at run time."""
    return {
        "samplers": sampler_names(),
        "checkpoints": [info.title for info in app.catalogue.all()],
        "vaes": ["Automatic", "None", *(info.name for info in app.vaes.all())],
        "loras": ["None", *(info.name for info in app.networks.all("lora"))],
        "hypernetworks": ["None", *(info.name for info in app.networks.all("hypernet"))],
    }


def sampler_names(hidden: Sequence[str] = ()) -> list[str]:
    """The samplers by name, without the hidden ones; all of them if nothing would be left."""
    names = [sampler.name for sampler in SAMPLERS]
    return [name for name in names if name not in hidden] or names


def schedule_labels() -> list[str]:
    """The schedules by label."""
    return [schedule.label for schedule in SCHEDULES]


def find_sampler(name: str) -> str | None:
    """The name of the sampler meant by a name or alias in any case, or None."""
    wanted = name.strip().casefold()
    for sampler in SAMPLERS:
        if wanted in (sampler.name.casefold(), *(alias.casefold() for alias in sampler.aliases)):
            return sampler.name
    return None


def find_schedule(name: str) -> str | None:
    """The label of the schedule meant by a name, label or alias in any case, or None."""
    wanted = name.strip().casefold()
    for schedule in SCHEDULES:
        if wanted in (schedule.name, schedule.label.casefold(), *(alias.casefold() for alias in schedule.aliases)):
            return schedule.label
    return None


def split_sampler(name: str) -> tuple[str | None, str | None]:
    """Sampler and schedule of a name that may end in the schedule, as older pictures have it: "DPM++ 2M Karras"."""
    if (whole := find_sampler(name)) is not None:
        return whole, None
    for label in schedule_labels():
        if name.casefold().endswith(" " + label.casefold()):
            sampler = find_sampler(name[: -len(label) - 1])
            if sampler is not None:
                return sampler, label
    return None, None
