"""Bodies as JSON or as a form with files, whichever a client sends."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from modules.api.large_json import base64_text
from modules.foundation.plain import JsonObject

AnyModel = TypeVar("AnyModel", bound=BaseModel)

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_LONGEST_FIELD = 64 * 1024 * 1024
_MANY = 64


async def read_body(request: Request, model: type[AnyModel]) -> AnyModel:
    """The body as `model`; files of a form become texts in base64. Raises what a wrong body of JSON would raise."""
    if request.headers.get("content-type", "").lower().startswith(_FORMS):
        values = await _form(request)
    else:
        try:
            values = await request.json()
        except (ValueError, RecursionError) as error:
            raise HTTPException(400, f"The body is neither JSON nor a form ({error}).") from error
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error


async def _form(request: Request) -> JsonObject:
    values: JsonObject = {}
    async with request.form(max_files=_MANY, max_fields=_MANY, max_part_size=_LONGEST_FIELD) as form:
        for name, value in form.multi_items():
            key = name.removesuffix("[]")
            text = await asyncio.to_thread(base64_text, await value.read()) if isinstance(value, UploadFile) else value
            if key != name or key in values:
                values[key] = [*_as_list(values.get(key)), text]
            elif text != "":
                values[key] = text
    return values


def _as_list(value: object) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
