"""The scripts that requests can name: what is listed of them, and what their arguments ask for.

A1111 lists parts of its page (seed, sampler, refiner) as always-on scripts. Over its API their arguments change
nothing, since the request has fields of the same meaning; clients send them all the same, and they are accepted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException

from modules.application.application import Application
from modules.foundation.errors import RequestError
from modules.generation.inpaint import SoftInpainting
from modules.sampling.samplers.registry import SAMPLERS
from modules.sampling.schedules import SCHEDULES


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a script, as script-info describes it. `choices` may depend on what there is at the moment."""

    label: str
    value: Any
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: Callable[[Application], list[str]] | None = None

    def described(self, app: Application) -> dict[str, Any]:
        """The argument as script-info lists it."""
        return {
            "label": self.label,
            "value": self.value,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "step": self.step,
            "choices": self.choices(app) if self.choices else None,
        }


@dataclass(frozen=True, kw_only=True)
class AlwaysOnScript:
    """A script that `alwayson_scripts` can name.

    `fields` turns the complete list of its arguments into fields of the GenerationRequest; a script without it has
    no effect over the API. Raises what the request's own fields raise.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    img2img_only: bool = False
    fields: Callable[[Sequence[Any]], Mapping[str, Any]] | None = None

    def with_defaults(self, given: Sequence[Any]) -> list[Any]:
        """All arguments: those given, then the defaults of the rest. Surplus ones are dropped."""
        defaults = [argument.value for argument in self.arguments]
        return [*given[: len(defaults)], *defaults[len(given) :]]


SOFT_INPAINTING = (
    Argument(label="Soft inpainting", value=False),
    Argument(label="Schedule bias", value=1, minimum=0, maximum=8, step=0.1),
    Argument(label="Preservation strength", value=0.5, minimum=0, maximum=8, step=0.05),
    Argument(label="Transition contrast boost", value=4, minimum=1, maximum=32, step=0.5),
    Argument(label="Mask influence", value=0, minimum=0, maximum=1, step=0.05),
    Argument(label="Difference threshold", value=0.5, minimum=0, maximum=8, step=0.25),
    Argument(label="Difference contrast", value=2, minimum=0, maximum=8, step=0.25),
)


def _soft_inpainting(arguments: Sequence[Any]) -> Mapping[str, Any]:
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


ALWAYS_ON: tuple[AlwaysOnScript, ...] = (
    AlwaysOnScript(name="extra options"),
    AlwaysOnScript(
        name="refiner",
        arguments=(
            Argument(label="Refiner", value=False),
            Argument(
                label="Checkpoint", value="", choices=lambda app: ["", *(info.title for info in app.catalogue.all())]
            ),
            Argument(label="Switch at", value=0.8, minimum=0.01, maximum=1.0, step=0.01),
        ),
    ),
    AlwaysOnScript(
        name="sampler",
        arguments=(
            Argument(label="Sampling steps", value=20, minimum=1, maximum=150, step=1),
            Argument(
                label="Sampling method", value="DPM++ 2M", choices=lambda _: [sampler.name for sampler in SAMPLERS]
            ),
            Argument(
                label="Schedule type", value="Automatic", choices=lambda _: [schedule.label for schedule in SCHEDULES]
            ),
        ),
    ),
    AlwaysOnScript(
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
    AlwaysOnScript(name="soft inpainting", arguments=SOFT_INPAINTING, img2img_only=True, fields=_soft_inpainting),
)
"""In the order in which they are listed."""


def available(*, img2img: bool) -> list[AlwaysOnScript]:
    """The always-on scripts of one kind of request."""
    return [script for script in ALWAYS_ON if img2img or not script.img2img_only]


def fields_of_scripts(always_on: Mapping[str, Any], script_name: str | None, *, img2img: bool) -> dict[str, Any]:
    """What the scripts of a request ask of the GenerationRequest. Raises HTTPException 422 for one that is not here."""
    if script_name and script_name.casefold() != "none":
        raise HTTPException(422, f"Script {script_name!r} not found. This Easel has no scripts to choose from.")
    known = {script.name.casefold(): script for script in available(img2img=img2img)}
    fields: dict[str, Any] = {}
    for name, content in always_on.items():
        script = known.get(name.casefold())
        if script is None:
            here = ", ".join(script.name for script in known.values())
            raise HTTPException(
                422, f"Always-on script {name!r} not found. Leave it out of alwayson_scripts; here are: {here}."
            )
        arguments = content.get("args") if isinstance(content, dict) else None
        if arguments is not None and not isinstance(arguments, list):
            raise HTTPException(422, f"alwayson_scripts: args of {name!r} must be a list.")
        if script.fields is not None and arguments is not None:
            fields |= script.fields(script.with_defaults(arguments))
    return fields


def script_info(app: Application) -> list[dict[str, Any]]:
    """Every script with its arguments, those of txt2img first."""
    return [
        {
            "name": script.name,
            "is_alwayson": True,
            "is_img2img": img2img,
            "args": [argument.described(app) for argument in script.arguments],
        }
        for img2img in (False, True)
        for script in available(img2img=img2img)
    ]


def remarks_on_scripts(always_on: Mapping[str, Any]) -> list[str]:
    """Sentences about arguments of which their sender may expect something that they do not do."""
    named = {name.casefold(): content for name, content in always_on.items()}
    refiner = named.get("refiner")
    arguments = refiner.get("args") if isinstance(refiner, dict) else None
    if arguments and arguments[0]:
        return ["The script refiner changes nothing over the API; use refiner_checkpoint and refiner_switch_at."]
    return []
