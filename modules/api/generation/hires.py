"""From a client's fields of hires fix to the engine's."""

from __future__ import annotations

from PIL import Image

from modules.api.generation.bodies import GenerationBody, StableDiffusionProcessingTxt2Img
from modules.api.pictures import Intake, decode_picture
from modules.application.application import Application
from modules.foundation.errors import RequestError, UnknownName
from modules.generation.request import HiresRequest
from modules.infotext.labels import SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE
from modules.sampling.samplers.registry import resolve_pair
from modules.sampling.schedules import resolve


def with_first_pass_size(body: StableDiffusionProcessingTxt2Img) -> StableDiffusionProcessingTxt2Img:
    """`body` with the old fields for the first pass's size in today's form.

    They make width and height the size of the second pass, unless the client also says how much larger that is to be.
    """
    first = (body.firstphase_width or body.width, body.firstphase_height or body.height)
    if not body.firstphase_width and not body.firstphase_height:
        return body
    changes: dict[str, int] = {"width": first[0], "height": first[1]}
    sized = {"hr_scale", "hr_resize_x", "hr_resize_y"} & body.model_fields_set
    grown = (int(first[0] * body.hr_scale), int(first[1] * body.hr_scale))
    if not sized and grown != (body.width, body.height):
        changes |= {"hr_resize_x": body.width, "hr_resize_y": body.height}
    return body.model_copy(update=changes)


def check_names(app: Application, body: GenerationBody) -> None:
    """Say now what a plan would say later, when the job has waited for its turn: that a name means nothing."""
    names = {"refiner_checkpoint": body.refiner_checkpoint}
    if isinstance(body, StableDiffusionProcessingTxt2Img) and body.enable_hr:
        names["hr_checkpoint_name"] = body.hr_checkpoint_name
        if body.hr_sampler_name not in (None, "", SAME_SAMPLER):
            resolve_pair(body.hr_sampler_name, None)
        if body.hr_scheduler not in (None, "", SAME_SCHEDULE):
            resolve(body.hr_scheduler)
    for field, name in names.items():
        if name in (None, "", "None", "none", SAME_CHECKPOINT):
            continue
        try:
            app.catalogue.find(name)
        except UnknownName as error:
            raise UnknownName("checkpoint", name, (info.name for info in app.catalogue.all()), field) from error


def hires_request(app: Application, body: StableDiffusionProcessingTxt2Img) -> HiresRequest | None:
    """What was asked of a second pass. Raises RequestError for what lies beyond all bounds."""
    if not body.enable_hr:
        return None
    hires = HiresRequest(
        scale=body.hr_scale,
        resize_width=body.hr_resize_x,
        resize_height=body.hr_resize_y,
        upscaler=body.hr_upscaler or None,
        steps=body.hr_second_pass_steps,
        sampler=body.hr_sampler_name,
        scheduler=body.hr_scheduler,
        checkpoint=body.hr_checkpoint_name,
        cfg_scale=body.hr_cfg,
        prompt=body.hr_prompt,
        negative_prompt=body.hr_negative_prompt,
        first_picture=_first_picture(app, body),
    )
    if hires.steps > app.flags.max_steps:
        raise RequestError(
            f"hr_second_pass_steps must be at most {app.flags.max_steps}; it is {hires.steps}.", "hr_second_pass_steps"
        )
    return hires


def _first_picture(app: Application, body: StableDiffusionProcessingTxt2Img) -> Image.Image | None:
    if not body.firstpass_image:
        return None
    return decode_picture(body.firstpass_image, "firstpass_image", Intake.of(app))
