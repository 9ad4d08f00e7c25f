"""From a result to the answer of txt2img and img2img."""

from __future__ import annotations

import json
from collections.abc import Sequence

from modules.api.generation.bodies import StableDiffusionProcessingImg2Img, StableDiffusionProcessingTxt2Img
from modules.api.large_json import LargeJson, PackedFile
from modules.api.pictures import encode_picture
from modules.foundation.plain import JsonObject
from modules.generation.result import FinishedImage, GenerationResult
from modules.settings.model import Settings


def generation_answer(
    body: StableDiffusionProcessingTxt2Img | StableDiffusionProcessingImg2Img,
    result: GenerationResult,
    settings: Settings,
    warnings: Sequence[str] = (),
) -> LargeJson:
    """The JSON of `TextToImageResponse`, with `warnings` beside the result's own.

    Encodes the pictures, so it belongs on a thread of its own.
    """
    answer: JsonObject = {
        "images": _encoded(result.images, settings) if body.send_images else [],
        "parameters": _parameters(body),
        "info": info_text(result, warnings),
    }
    return LargeJson.of(answer)


def _encoded(images: Sequence[FinishedImage], settings: Settings) -> list[PackedFile]:
    """Each picture; one that is there many times (cells that a plot lacks) is encoded once."""
    found: dict[tuple[int, str], PackedFile] = {}
    for image in images:
        key = (id(image.image), image.infotext)
        if key not in found:
            found[key] = PackedFile(encode_picture(image, settings))
    return [found[id(image.image), image.infotext] for image in images]


def info_text(result: GenerationResult, warnings: Sequence[str] = ()) -> str:
    """The `info` object as JSON text, with `timings`, seconds by phase, and `warnings` where there are any."""
    info = dict(result.info)
    info["timings"] = {phase: round(seconds, 4) for phase, seconds in result.seconds.items()}
    if everything := [*result.warnings, *warnings]:
        info["warnings"] = everything
    return json.dumps(info, default=str)


def _parameters(body: StableDiffusionProcessingTxt2Img | StableDiffusionProcessingImg2Img) -> JsonObject:
    if isinstance(body, StableDiffusionProcessingImg2Img) and not body.include_init_images:
        # Dumping them only to drop them would copy the largest part of the request.
        left_out = ("init_images", "mask", "latent_mask")
        return {**body.model_dump(exclude=set(left_out)), **dict.fromkeys(left_out)}
    return body.model_dump()
