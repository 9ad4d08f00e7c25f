"""From OpenAI's requests to ours: sizes, qualities, models, masks."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

from modules.api.generation.bodies import (
    GenerationBody,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from modules.api.openai.bodies import EditRequestBody, ImageRequest
from modules.api.pictures import Intake, decode_picture
from modules.application.application import Application
from modules.checkpoints.architectures.family import Family
from modules.checkpoints.info import CheckpointInfo
from modules.foundation.errors import CheckpointError, RequestError, UnknownName
from modules.foundation.plain import JsonObject
from modules.imaging.depth import eight_bits
from modules.imaging.pixelwise import alpha_of, inverted, is_opaque

STEPS = {"low": 12, "medium": 20, "standard": 20, "high": 40, "hd": 40}
"""Sampling steps by quality; other names mean medium."""

THEIR_NAMES = re.compile(r"(dall-e|gpt-|chatgpt-|easel$|default$)", re.IGNORECASE)
"""Names of models that clients have built in; they mean the chosen checkpoint unless a file is called so."""

STRENGTH, STRENGTH_FAITHFUL, STRENGTH_MASKED = 0.75, 0.5, 0.9

_SIZE = re.compile(r"(\d{1,6})\s*[xX]\s*(\d{1,6})")


def generation_body(app: Application, body: ImageRequest) -> StableDiffusionProcessingTxt2Img:
    """The txt2img request for a generation. Raises RequestError naming our field or theirs."""
    checkpoint = checkpoint_of(app, body.model)
    side = family_of(app, checkpoint).native_side
    size = size_of(body.size) or (side, side)
    return StableDiffusionProcessingTxt2Img(**_common(app, body, checkpoint, size))


@dataclass(frozen=True, kw_only=True)
class Edit:
    """An edit as an img2img request, beside it the picture and the mask as they were unpacked.

    Packed into the body once more, a picture of a hundred megapixels would hold up all other clients for seconds.
    """

    body: StableDiffusionProcessingImg2Img
    picture: Image.Image
    mask: Image.Image | None


def edit_of(app: Application, body: EditRequestBody) -> Edit:
    """The img2img request for an edit. Raises RequestError naming our field or theirs."""
    checkpoint = checkpoint_of(app, body.model)
    intake = Intake.of(app)
    picture = eight_bits(ImageOps.exif_transpose(decode_picture(_only_picture(body), "image", intake)))
    size = size_of(body.size) or size_like(picture.size, family_of(app, checkpoint))
    mask = _mask(body, picture, intake)
    strength = STRENGTH_MASKED if mask else STRENGTH_FAITHFUL if body.input_fidelity == "high" else STRENGTH
    more: JsonObject = {"denoising_strength": strength}
    if body.denoising_strength is not None:
        more["denoising_strength"] = body.denoising_strength
    if mask is not None:
        # What was rubbed out has no colours to begin with: the surroundings flow in.
        more |= {"inpainting_fill": 0, "inpaint_full_res": False, "mask_blur": 4}
    img2img = StableDiffusionProcessingImg2Img(**_common(app, body, checkpoint, size), **more)
    return Edit(body=img2img, picture=_without_alpha(picture), mask=mask)


def checkpoint_of(app: Application, model: str | None) -> CheckpointInfo | None:
    """The checkpoint that a request names; None for the chosen one. Raises UnknownName."""
    if not model:
        return None
    try:
        return app.catalogue.find(model)
    except UnknownName:
        if THEIR_NAMES.match(model):
            return None
        raise


def size_of(text: str) -> tuple[int, int] | None:
    """Width and height; None for "auto". Raises RequestError for anything else."""
    if text.strip().lower() in ("", "auto"):
        return None
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise RequestError(f'size must be "auto" or WIDTHxHEIGHT, for example 512x768; it is {text!r}.', "size")
    return int(match[1]), int(match[2])


def size_like(size: tuple[int, int], family: Family) -> tuple[int, int]:
    """The proportions of `size` on about the area that the family was trained on, in sides that it can make."""
    factor, step = family.native_side / math.sqrt(size[0] * size[1]), family.size_step
    width, height = (max(round(length * factor / step) * step, step) for length in size)
    return width, height


def family_of(app: Application, checkpoint: CheckpointInfo | None) -> Family:
    """The family of a checkpoint, or of the chosen one."""
    info = checkpoint or app.selected_checkpoint
    if info is None:
        raise CheckpointError("There is no checkpoint. Put a .safetensors file into the folder of checkpoints.")
    return app.catalogue.family_of(info)


def _common(
    app: Application, body: ImageRequest, checkpoint: CheckpointInfo | None, size: tuple[int, int]
) -> JsonObject:
    if body.stream:
        raise RequestError("stream is not supported; ask without it, and watch /internal/progress.", "stream")
    if body.background == "transparent":
        raise RequestError("background cannot be transparent; pictures are opaque.", "background")
    overrides: JsonObject = {
        "samples_format": "jpg" if body.output_format == "jpeg" else body.output_format,
        "jpeg_quality": max(body.output_compression, 1),
    }
    if checkpoint is not None:
        overrides["sd_model_checkpoint"] = checkpoint.title
    known = {style.name for style in app.styles.all()}
    fields: JsonObject = {
        "prompt": body.prompt,
        "negative_prompt": body.negative_prompt,
        "styles": [body.style] if body.style in known else [],
        "seed": body.seed,
        "steps": body.steps or STEPS.get(body.quality.lower(), STEPS["medium"]),
        "cfg_scale": body.cfg_scale,
        "sampler_name": body.sampler_name,
        "scheduler": body.scheduler,
        "n_iter": body.n,
        "width": size[0],
        "height": size[1],
        "override_settings": overrides,
    }
    assert set(fields) <= set(GenerationBody.model_fields)
    return fields


def _only_picture(body: EditRequestBody) -> Any:
    sent = body.images if body.images is not None else body.image
    pictures = [picture for picture in (sent if isinstance(sent, list) else [sent]) if picture]
    if not pictures:
        raise RequestError("image is missing: send the picture that is to be changed.", "image")
    if len(pictures) > 1:
        raise RequestError(f"image must be exactly one picture; {len(pictures)} came.", "image")
    return _address(pictures[0])


def _address(picture: object) -> Any:
    """A picture may also come as {"image_url": ...}, whose value may be an object again."""
    for _ in range(2):
        if isinstance(picture, dict):
            picture = picture.get("image_url") or picture.get("url")
    return picture


def _mask(body: EditRequestBody, picture: Image.Image, intake: Intake) -> Image.Image | None:
    """White where the picture is to be made again: from the mask, or else where the picture itself is transparent."""
    if body.mask:
        mask = eight_bits(decode_picture(_address(body.mask), "mask", intake))
        return _transparent(mask) or mask.convert("L")
    return _transparent(picture)


def _transparent(picture: Image.Image) -> Image.Image | None:
    """White where `picture` is transparent; None where all of it is opaque."""
    if picture.mode not in ("RGBA", "LA", "PA") and "transparency" not in picture.info:
        return None
    return None if is_opaque(picture) else inverted(alpha_of(picture))


def _without_alpha(picture: Image.Image) -> Image.Image:
    plain = picture.convert("L" if picture.mode == "L" else "RGB")
    plain.info = {key: value for key, value in picture.info.items() if key == "icc_profile"}
    return plain
