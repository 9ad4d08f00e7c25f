"""OpenAI's Images API: generations, edits, models."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fastapi import APIRouter, HTTPException, Request, Response

from modules.api.generation.bodies import StableDiffusionProcessingTxt2Img
from modules.api.generation.requests import img2img_request_of, txt2img_request
from modules.api.large_json import LargeJson, PackedFile
from modules.api.openai.bodies import (
    EditRequestBody,
    ErrorAnswer,
    GenerationRequestBody,
    ImageData,
    ImageRequest,
    ImagesResponse,
    ModelItem,
    ModelList,
)
from modules.api.openai.forms import read_body
from modules.api.openai.picture_store import KeptPictures
from modules.api.openai.requests import edit_of, generation_body
from modules.api.pictures import encode_picture
from modules.application.application import Application
from modules.application.jobs.awaiting import result_of
from modules.checkpoints.info import CheckpointInfo
from modules.foundation.plain import JsonObject
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult

MEDIA = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}

AnyRequest = TypeVar("AnyRequest", bound=ImageRequest)
Prepare = Callable[[Application, AnyRequest], GenerationRequest]


def routes(app: Application) -> APIRouter:
    """POST images/generations and images/edits, GET models, below /v1."""
    wrong: dict[int | str, JsonObject] = {"default": {"model": ErrorAnswer, "description": "Why it was not done."}}
    router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=wrong)
    kept = KeptPictures()

    async def made(request: Request, kind: type[AnyRequest], prepare: Prepare[AnyRequest]) -> Response:
        body = await read_body(request, kind)
        wanted = await asyncio.to_thread(prepare, app, body)
        result = await result_of(await asyncio.to_thread(app.submit, wanted))
        keep = _Keep(pictures=kept, base_url=str(request.base_url))
        answer = await asyncio.to_thread(_answer, app, body, wanted, result, keep)
        return answer.response()

    @router.post(
        "/images/generations",
        response_model=ImagesResponse,
        openapi_extra=_body(GenerationRequestBody),
        summary="Pictures from words",
    )
    async def generations(request: Request) -> Response:
        """Queue the request and answer when its pictures are done. JSON or a form."""
        return await made(request, GenerationRequestBody, _generation)

    @router.post(
        "/images/edits",
        response_model=ImagesResponse,
        openapi_extra=_body(EditRequestBody),
        summary="Pictures from a picture and words",
    )
    async def edits(request: Request) -> Response:
        """Queue the request and answer when its pictures are done. JSON or a form with files."""
        return await made(request, EditRequestBody, _edit)

    @router.get("/images/files/{name}", response_class=Response, summary="A picture by its address")
    def picture(name: str) -> Response:
        """A picture that an answer told the address of. It is kept for an hour, as long as there is room."""
        found = kept.find(name)
        if found is None:
            raise HTTPException(404, "This picture is not kept any more; ask for b64_json to get pictures at once.")
        headers = {"Cache-Control": "private, max-age=3600, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(found.data, media_type=MEDIA[found.extension], headers=headers)

    @router.get("/models", summary="Checkpoints")
    def models() -> ModelList:
        """The checkpoints, by the names that `model` takes."""
        return ModelList(data=[_model(info) for info in app.catalogue.all()])

    @router.get("/models/{name:path}", summary="A checkpoint")
    def model(name: str) -> ModelItem:
        """The checkpoint of this name."""
        return _model(app.catalogue.find(name))

    return router


def _generation(app: Application, body: GenerationRequestBody) -> GenerationRequest:
    txt2img: StableDiffusionProcessingTxt2Img = generation_body(app, body)
    return txt2img_request(app, txt2img)


def _edit(app: Application, body: EditRequestBody) -> GenerationRequest:
    edit = edit_of(app, body)
    return img2img_request_of(app, edit.body, edit.picture, edit.mask)


@dataclass(frozen=True, kw_only=True)
class _Keep:
    """Where pictures are kept, and the address of this server as the client knows it."""

    pictures: KeptPictures
    base_url: str

    def __call__(self, data: bytes, extension: str) -> str:
        return f"{self.base_url}v1/images/files/{self.pictures.keep(data, extension)}"


def _answer(
    app: Application, body: ImageRequest, wanted: GenerationRequest, result: GenerationResult, keep: _Keep
) -> LargeJson:
    settings = app.settings.current.changed(wanted.override_settings)
    by_url = body.response_format == "url" or (body.response_format is None and not _is_gpt(body.model))
    data: list[ImageData] = []
    files: list[PackedFile | None] = []
    for finished in result.samples:
        file = encode_picture(finished, settings)
        url = keep(file, body.output_format) if by_url else None
        data.append(ImageData(url=url, revised_prompt=finished.prompt))
        files.append(None if by_url else PackedFile(file))
    width, height = result.samples[0].image.size if result.samples else (wanted.width, wanted.height)
    answer = ImagesResponse(
        created=int(time.time()),
        data=data,
        background="opaque",
        output_format=body.output_format,
        quality=body.quality,
        size=f"{width}x{height}",
    ).model_dump()
    for item, file in zip(answer["data"], files, strict=True):
        item["b64_json"] = file
    return LargeJson.of(answer)


def _is_gpt(model: str | None) -> bool:
    """OpenAI's newer models answer with the pictures themselves, and their clients do not say so."""
    return bool(model) and str(model).lower().startswith(("gpt-", "chatgpt-"))


def _model(info: CheckpointInfo) -> ModelItem:
    try:
        created = int(info.path.stat().st_mtime)
    except OSError:  # gone since the list was made
        created = 0
    return ModelItem(id=info.model_name, created=created)


def _body(model: type[ImageRequest]) -> JsonObject:
    """The description of a body that is read by hand, since it may be JSON or a form."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    kinds = ("application/json", "multipart/form-data")
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}}
