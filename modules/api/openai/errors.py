"""Errors in OpenAI's form, which its client libraries turn into exceptions of their own."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

PREFIX = "/v1/"

_PARAMETERS = {
    "n_iter": "n",
    "batch_size": "n",
    "width": "size",
    "height": "size",
    "init_images": "image",
    "init_images[0]": "image",
    "sd_model_checkpoint": "model",
    "sampler": "sampler_name",
}
"""Our fields by the names under which this API has them."""


def openai_error(
    status: int, message: str, *, param: str | None = None, code: str | None = None, headers: Any = None
) -> JSONResponse:
    """The answer for an error; what we call unprocessable is a bad request there."""
    status = 400 if status == 422 else status
    param = _PARAMETERS.get(param, param) if param else None
    if code is None and status == 404 and param == "model":
        code = "model_not_found"
    kind = "server_error" if status >= 500 else "authentication_error" if status == 401 else "invalid_request_error"
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return JSONResponse(body, status_code=status, headers=headers)
