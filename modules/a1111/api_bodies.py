"""`modules.api.models`: the bodies of the API's requests and answers, under A1111's names."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from modules.api.generation import bodies as generation
from modules.api.sdapi import bodies, responses

RENAMED = {
    "StableDiffusionTxt2ImgProcessingAPI": "StableDiffusionProcessingTxt2Img",
    "StableDiffusionImg2ImgProcessingAPI": "StableDiffusionProcessingImg2Img",
}
"""A1111's names of what has another one here."""


@functools.cache
def _derivable(found: Any, name: str) -> Any:
    """A body as extensions derive their own from it, with a `Config` of pydantic 1."""
    from modules.a1111.pydantic1 import old_pydantic

    base: Any = old_pydantic().BaseModel
    if not (inspect.isclass(found) and issubclass(found, base.__mro__[1])):
        return found
    return type(base)(name, (found,), {"__module__": found.__module__, "__doc__": found.__doc__})


def __getattr__(name: str) -> Any:
    wanted = RENAMED.get(name, name)
    for module in (generation, bodies, responses):
        if hasattr(module, wanted):
            return _derivable(getattr(module, wanted), name)
    raise AttributeError(f"modules.api.models has no {name!r}.")
