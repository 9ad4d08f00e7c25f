"""What clients of OpenAI's Images API send and get."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from modules.api.body import Body, FiniteNumber, LongText, ShortText, Whole

PictureFormat = Literal["png", "jpeg", "webp"]
AnswerFormat = Literal["url", "b64_json"]


class ImageRequest(Body):
    """What a generation and an edit have in common. What OpenAI does not have (seed, steps, ...) may be left out."""

    prompt: LongText = Field(min_length=1, max_length=32000, description="What to draw, in A1111's syntax.")
    model: ShortText | None = Field(
        None, description="A checkpoint by name; OpenAI's own names mean the chosen checkpoint."
    )
    n: Whole = Field(1, ge=1, le=100, description="How many pictures.")
    size: ShortText = Field("auto", description='WIDTHxHEIGHT in pixels; "auto": what suits the checkpoint.')
    quality: ShortText = Field("auto", description="low, medium (standard) or high (hd): how many steps are taken.")
    style: ShortText | None = Field(None, description="The name of one of the styles; other names change nothing.")
    background: ShortText | None = Field(None, description='"transparent" is not done.')
    response_format: AnswerFormat | None = Field(None, description="Pictures in the answer, or addresses of them.")
    output_format: PictureFormat = Field("png", description="Kind of file.")
    output_compression: Whole = Field(100, ge=0, le=100, description="Quality of jpeg and webp files.")
    moderation: ShortText | None = Field(None, description="Accepted; nothing is moderated.")
    user: ShortText | None = Field(None, description="Accepted; nothing is done with it.")
    stream: bool = Field(False, description="true is not done.")
    negative_prompt: LongText = Field("", description="What to stay away from.")
    seed: Whole = Field(-1, description="Seed of the first picture; -1 chooses one.")
    steps: Whole | None = Field(None, description="Sampling steps, in the place of `quality`.")
    cfg_scale: FiniteNumber = Field(7.0, description="How strongly the prompt guides.")
    sampler_name: ShortText = Field("DPM++ 2M", description="Sampler, by name or alias.")
    scheduler: ShortText | None = Field(None, description="Schedule of noise levels.")


class GenerationRequestBody(ImageRequest):
    """The body of POST /v1/images/generations."""


class EditRequestBody(ImageRequest):
    """Pictures from a picture and words. The pictures are files of a form, or texts in base64."""

    image: Any = Field(None, description="The picture, or a list of one.")
    images: list[Any] | None = Field(None, description="The same as a list of objects with `image_url`.")
    mask: Any = Field(None, description="What is transparent in it, or else white, is made again.")
    input_fidelity: ShortText | None = Field(None, description='"high" stays closer to the picture.')
    denoising_strength: FiniteNumber | None = Field(None, description="0 keeps the picture, 1 ignores it.")


class ImageData(BaseModel):
    """One picture of an answer, as base64 or as a URL."""

    b64_json: str | None = Field(default=None, description="The file in base64.")
    url: str | None = Field(default=None, description="Where this server keeps it for an hour.")
    revised_prompt: str | None = Field(default=None, description="The prompt as it was used.")


class ImagesResponse(BaseModel):
    """The answer of both image routes: the finished pictures."""

    created: int = Field(description="Seconds since 1970.")
    data: list[ImageData]
    background: str | None = None
    output_format: str | None = None
    quality: str | None = None
    size: str | None = None


class ModelItem(BaseModel):
    """A checkpoint as a model of OpenAI's API."""

    id: str
    object: str = "model"
    created: int = Field(description="Seconds since 1970 at which the file was written.")
    owned_by: str = "easel"


class ModelList(BaseModel):
    """The answer of GET /v1/models: all checkpoints."""

    object: str = "list"
    data: list[ModelItem]


class ErrorBody(BaseModel):
    """Why a request was not done."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorAnswer(BaseModel):
    """An error in OpenAI's form."""

    error: ErrorBody
