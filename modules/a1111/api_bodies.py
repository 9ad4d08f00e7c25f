"""`modules.api.models`: the bodies of the API's requests and answers, under A1111's names."""

from __future__ import annotations

from typing import Any

from modules.api.generation import bodies as generation
from modules.api.sdapi import bodies, responses

RENAMED = {
    "StableDiffusionTxt2ImgProcessingAPI": "StableDiffusionProcessingTxt2Img",
    "StableDiffusionImg2ImgProcessingAPI": "StableDiffusionProcessingImg2Img",
}
"""A1111's names of what has another one here."""


def __getattr__(name: str) -> Any:
    wanted = RENAMED.get(name, name)
    for module in (generation, bodies, responses):
        if hasattr(module, wanted):
            return getattr(module, wanted)
    raise AttributeError(f"modules.api.models has no {name!r}.")
