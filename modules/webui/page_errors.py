"""What the page's own routes answer to requests that no page sends: the mistake is their sender's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

if TYPE_CHECKING:
    from fastapi import FastAPI, Request


def add_page_error_handlers(page: FastAPI) -> None:
    """Have Gradio's application answer 400 to a form that is none or whose files have no names, 404 for a function
    that the page has not, and 422 to a body of another kind, which it would send back as it came.

    Of itself it lets them through as errors of the server.
    """
    from gradio.route_utils import FnIndexInferError
    from python_multipart.exceptions import FormParserError

    page.add_exception_handler(FormParserError, _no_form)
    page.add_exception_handler(LookupError, _no_function)
    page.add_exception_handler(FnIndexInferError, _no_function)
    page.add_exception_handler(TypeError, _no_file)
    page.add_exception_handler(RequestValidationError, _wrong_body)


def _no_form(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": f"The form cannot be read: {error}"}, 400)


def _no_file(_request: Request, error: Exception) -> JSONResponse:
    """What Gradio says of a part of an upload without a file's name; any other TypeError is ours."""
    if "GradioUploadFile" not in str(error):
        raise error
    return JSONResponse({"detail": "A part of the upload has no name of a file."}, 400)


def _no_function(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "The page has no such function."}, 404)


def _wrong_body(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    return JSONResponse({"detail": [{name: item[name] for name in ("loc", "msg", "type")} for item in errors]}, 422)
