"""The scripts that are part of the program.

A1111 lists parts of its page (seed, sampler, refiner) as always-on scripts. Over its API their arguments change
nothing, since the request has fields of the same meaning; clients send them all the same, and they are accepted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.application.scripts import Argument, Script
from modules.foundation.errors import RequestError
from modules.foundation.plain import JsonMapping
from modules.generation.inpaint import SoftInpainting
from modules.sampling.samplers.registry import SAMPLERS
from modules.sampling.schedules import SCHEDULES

SOFT_INPAINTING = (
    Argument(label="Soft inpainting", value=False),
    Argument(label="Schedule bias", value=1, minimum=0, maximum=8, step=0.1),
    Argument(label="Preservation strength", value=0.5, minimum=0, maximum=8, step=0.05),
    Argument(label="Transition contrast boost", value=4, minimum=1, maximum=32, step=0.5),
    Argument(label="Mask influence", value=0, minimum=0, maximum=1, step=0.05),
    Argument(label="Difference threshold", value=0.5, minimum=0, maximum=8, step=0.25),
    Argument(label="Difference contrast", value=2, minimum=0, maximum=8, step=0.25),
)


def _soft_inpainting(arguments: Sequence[Any]) -> JsonMapping:
    enabled, *numbers = arguments
    if not enabled:
        return {}
    for argument, number in zip(SOFT_INPAINTING[1:], numbers, strict=True):
        low, high = argument.minimum, argument.maximum
        assert low is not None
        assert high is not None
        if not isinstance(number, int | float) or not low <= number <= high:
            raise RequestError(
                f"Soft inpainting: {argument.label} must lie between {low:g} and {high:g}; it is {number!r}.",
                "alwayson_scripts",
            )
    bias, preservation, contrast, influence, threshold, steepness = numbers
    soft = SoftInpainting(
        schedule_bias=bias,
        preservation_strength=preservation,
        transition_contrast_boost=contrast,
        mask_influence=influence,
        difference_threshold=threshold,
        difference_contrast=steepness,
    )
    return {"soft_inpainting": soft}


BUILT_IN_SCRIPTS: tuple[Script, ...] = (
    Script(name="extra options"),
    Script(
        name="refiner",
        arguments=(
            Argument(label="Refiner", value=False),
            Argument(
                label="Checkpoint", value="", choices=lambda app: ["", *(info.title for info in app.catalogue.all())]
            ),
            Argument(label="Switch at", value=0.8, minimum=0.01, maximum=1.0, step=0.01),
        ),
    ),
    Script(
        name="sampler",
        arguments=(
            Argument(label="Sampling steps", value=20, minimum=1, maximum=150, step=1),
            Argument(label="Sampling method", value="DPM++ 2M", choices=lambda _: SAMPLERS.names()),
            Argument(label="Schedule type", value="Automatic", choices=lambda _: SCHEDULES.names()),
        ),
    ),
    Script(
        name="seed",
        arguments=(
            Argument(label="Seed", value=-1, step=1),
            Argument(label="Extra", value=False),
            Argument(label="Variation seed", value=-1, step=1),
            Argument(label="Variation strength", value=0.0, minimum=0, maximum=1, step=0.01),
            Argument(label="Resize seed from width", value=0, minimum=0, maximum=2048, step=8),
            Argument(label="Resize seed from height", value=0, minimum=0, maximum=2048, step=8),
        ),
    ),
    Script(name="soft inpainting", arguments=SOFT_INPAINTING, txt2img=False, fields=_soft_inpainting),
)
"""In the order in which they are listed."""
