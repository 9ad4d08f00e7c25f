"""Errors as answers: A1111's body, with a sentence in `detail` that a person can act on."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from modules.api.failure import Failure
from modules.api.openai.errors import PREFIX, openai_error
from modules.foundation import errors

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[errors.EaselError], int], ...] = (
    (errors.UnknownName, 404),
    (errors.Forbidden, 403),
    (errors.IdTaken, 409),
    (errors.RequestError, 422),
    (errors.PromptError, 422),
    (errors.SettingsError, 422),
    (errors.NetworkError, 422),
    # What a request names, or what is chosen, cannot be used, fetched, held or written. Another request may be done;
    # the same one again, to which 5xx would invite, is not.
    (errors.CheckpointError, 422),
    (errors.DownloadError, 422),
    (errors.OutOfMemory, 422),
    (errors.SaveError, 422),
    (errors.StorageBusy, 503),
    (errors.StorageError, 507),
)
"""Whose fault an error is, first match first; any other is ours: 500."""


def add_error_handlers(api: FastAPI) -> None:
    """Have every error of our routes answered as `Failure`, those of the request's form as FastAPI does."""
    api.add_exception_handler(errors.EaselError, _easel_error)
    api.add_exception_handler(StarletteHTTPException, _http_error)
    api.add_exception_handler(RequestValidationError, _wrong_form)
    api.add_exception_handler(OSError, _disk_error)
    api.add_exception_handler(ValueError, _value_error)
    api.add_exception_handler(RecursionError, _too_deep)
    api.add_exception_handler(Exception, _anything_else)


def not_here_yet(what: str, instead: str = "Leave it out of the request.") -> HTTPException:
    """501 for a part of A1111's requests that Easel does not do; better than a picture that silently ignores it."""
    return HTTPException(501, f"{what} is not supported by this version of Easel. {instead}")


def status_of(error: errors.EaselError) -> int:
    """The HTTP status that tells whose fault `error` is; a full disk goes before all others."""
    if errors.is_full(error):
        return 507
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


async def _easel_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.EaselError)
    if _speaks_openai(request):
        return openai_error(status_of(error), str(error), param=getattr(error, "field", None))
    return _answer(status_of(error), type(error).__name__, str(error), str(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    if _speaks_openai(request):
        return openai_error(error.status_code, str(error.detail), headers=error.headers)
    return _answer(error.status_code, "HTTPException", str(error.detail), headers=error.headers)


async def _wrong_form(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if _speaks_openai(request):
        first = error.errors()[0]
        place = [str(part) for part in first["loc"] if part != "body"]
        message = f"{'.'.join(place) or 'The body'}: {first['msg'].lower()}."
        return openai_error(400, message, param=place[0] if place else None)
    # What was sent is not sent back: it may be a picture, or a number that JSON does not have.
    detail = [{"loc": list(item["loc"]), "msg": item["msg"], "type": item["type"]} for item in error.errors()]
    return JSONResponse({"detail": detail}, status_code=422)


async def _disk_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    if error.errno in errors.NO_NAME:
        where = f" ({str(error.filename)[:200]})" if error.filename else ""
        return await _easel_error(
            request, errors.RequestError(f"A name cannot be that of a file or folder: {error.strerror}{where}.")
        )
    if error.errno not in errors.NO_ROOM:
        return await _anything_else(request, error)
    where = f" ({error.filename})" if error.filename else ""
    return await _easel_error(request, errors.StorageError(f"The disk is full{where}. Make room and ask again."))


async def _value_error(request: Request, error: Exception) -> Response:
    if "embedded null" not in str(error):
        return await _anything_else(request, error)
    return await _easel_error(request, errors.RequestError("A name of a file or folder cannot have a zero in it."))


async def _too_deep(request: Request, error: Exception) -> Response:
    log.warning("%s %s is nested too deep", request.method, request.url.path, exc_info=error)
    return await _easel_error(
        request, errors.RequestError("What is asked is nested too deep, or a path has too many parts.")
    )


async def _anything_else(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "Easel failed here; its log has the details."
    response = (
        openai_error(500, detail) if _speaks_openai(request) else _answer(500, type(error).__name__, detail, str(error))
    )
    # The server hangs up after an error that reaches it; a client that is not told would lose its next request.
    response.headers["connection"] = "close"
    return response


def _speaks_openai(request: Request) -> bool:
    return request.url.path.removeprefix(request.scope.get("root_path", "")).startswith(PREFIX)


def _answer(status: int, error: str, detail: str, more: str = "", headers: Any = None) -> Response:
    body = Failure(error=error, detail=detail, errors=more)
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)
