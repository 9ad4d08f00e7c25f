"""Samplers as other programs call them in the parameters of their pictures."""

from __future__ import annotations

import re

from modules.foundation.errors import UnknownName
from modules.sampling import schedules
from modules.sampling.samplers.registry import SAMPLERS, Sampler, resolve_pair
from modules.sampling.schedules import Schedule

_SHORT_SCHEDULES = {"ka": "karras", "k": "karras", "exp": "exponential"}


def our_name(name: str) -> str:
    """The sampler's name, and its schedule's behind it where one is in `name`; `name` itself where that is known here.

    >>> our_name("euler_ancestral"), our_name("dpmpp_2m_sde_gpu_karras"), our_name("Euler a"), our_name("strange")
    ('Euler a', 'DPM++ 2M SDE Karras', 'Euler a', 'strange')
    """
    try:
        resolve_pair(name, None)
    except UnknownName:
        words = _words(name)
        for cut in range(len(words), 0, -1):
            sampler, schedule = _sampler(words[:cut]), _schedule(words[cut:])
            if sampler is not None and (schedule is not None or cut == len(words)):
                return sampler.name if schedule is None else f"{sampler.name} {schedule.label}"
    return name


def _words(name: str) -> list[str]:
    return re.split(r"[\s_-]+", name.strip().casefold().replace("++", "pp"))


def _sampler(words: list[str]) -> Sampler | None:
    key = _key(words)
    return next((each for each in SAMPLERS if key in (_key(_words(name)) for name in (each.name, *each.aliases))), None)


def _key(words: list[str]) -> str:
    """What the spellings of one name have in common: "DPM++ 2S a", "k_dpmpp_2s_a", "dpmpp_2s_ancestral"."""
    words = words[1:] if words[:1] == ["k"] else words
    return "".join("a" if word == "ancestral" else word for word in words if word != "gpu")


def _schedule(words: list[str]) -> Schedule | None:
    short = " ".join(words)
    return schedules.find(_SHORT_SCHEDULES.get(short, short)) or schedules.find("_".join(words))
