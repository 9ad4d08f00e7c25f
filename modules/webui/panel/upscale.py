""" "Upscale this one": the picture shown becomes the first pass of a second one, whose result takes its place."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import gradio as gr

from modules.application.jobs.awaiting import result_of
from modules.application.jobs.job import Job
from modules.application.save_button import result_of_job
from modules.foundation.errors import EaselError, RequestError
from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonObject
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage, GenerationResult
from modules.infotext.parse import parse
from modules.webui.panel import info_text
from modules.webui.panel.request import txt2img_request
from modules.webui.panel.results import Shown
from modules.webui.panel.running import failed, finished
from modules.webui.pictures import picture_addresses

if TYPE_CHECKING:
    from modules.application.application import Application


async def upscale(
    app: Application, task: str, shown: tuple[str, int], values: Mapping[str, object], request: gr.Request
) -> Shown:
    """Make the second pass of the picture that is `shown` (the gallery's info text, and which of its pictures).

    The controls say how. Answers as `generate` does.
    """
    info, selected = shown
    try:
        picture = shown_picture(app, info, selected)
        if picture.kind == "grid":
            raise RequestError("This is a grid. Choose one of its pictures in the gallery.")
        second_pass = request_of(picture, txt2img_request(values, upscale=True))
        job = await asyncio.to_thread(app.submit, second_pass, task or None)
        result = await result_of(job)
    except EaselError as error:
        return failed(error)
    answer = finished(job, result, request)
    if not result.images:
        return answer
    addresses, merged = _in_its_place(app, info, selected, job, request)
    return dataclasses.replace(
        answer,
        pictures=addresses,
        selected=selected,
        info=merged,
        html_info=info_text.info_of_picture(merged, selected),
    )


def request_of(picture: FinishedImage, template: GenerationRequest) -> GenerationRequest:
    """What was asked of the controls, for one finished picture: its seeds and its size, one batch of one."""
    assert template.hires is not None
    fields = parse(picture.infotext).fields
    return dataclasses.replace(
        template,
        seed=picture.seed,
        subseed=picture.subseed,
        subseed_strength=float(fields.get("Variation seed strength", 0)),
        width=picture.image.width,
        height=picture.image.height,
        batch_size=1,
        batch_count=1,
        hires=dataclasses.replace(template.hires, first_picture=picture.image),
    )


def shown_picture(app: Application, info: str, selected: int) -> FinishedImage:
    """The picture that the gallery shows large. Raises RequestError when there is none, or none any more."""
    known = info_text.pictures_of(info)
    if not 0 <= selected < len(known):
        raise RequestError("There is no picture yet. Make one first, or choose one in the gallery.")
    image = _image(app, *known[selected])
    if image is None:
        raise RequestError("This picture is no longer in memory. Make it again, or drop its file where you want it.")
    return image


def _image(app: Application, task: str, index: int) -> FinishedImage | None:
    try:
        images = result_of_job(app, task).images
    except EaselError:  # neither in memory nor in files, or the history cannot be read now
        return None
    return images[index] if 0 <= index < len(images) else None


def _in_its_place(
    app: Application,
    info: str,
    selected: int,
    job: Job[GenerationResult],
    request: gr.Request,
) -> tuple[list[str], str]:
    """The gallery's pictures with the new one in the place of the old, and the text that belongs to them."""
    pictures = [*info_text.pictures_of(info)]
    pictures[selected] = (job.id, 0)
    addresses: list[str] = []
    images: list[FinishedImage] = []
    kept: list[tuple[str, int]] = []
    for task, index in pictures:
        source = job if task == job.id else app.queue.find(task)
        found = source.result if source is not None else None
        if source is None or not isinstance(found, GenerationResult):
            continue
        addresses.append(picture_addresses(source, found, request)[index])
        images.append(found.images[index])
        kept.append((task, index))
    record: JsonObject = parse_json(info)
    record["infotexts"] = [image.infotext for image in images]
    samples = [image for image in images if image.kind != "grid"]
    record["all_seeds"] = [image.seed for image in samples]
    record["all_subseeds"] = [image.subseed for image in samples]
    record[info_text.PICTURES] = kept
    return addresses, json.dumps(record, default=str)


def shown_result(app: Application, info: str) -> GenerationResult:
    """The result that the gallery shows, its upscaled pictures in their places. Raises RequestError without one."""
    result = result_of_job(app, info_text.job_of(info))
    images = [_image(app, *known) for known in info_text.pictures_of(info)]
    return dataclasses.replace(result, images=tuple(image for image in images if image is not None))
