"""What the page's own routes answer to requests that no page sends: the mistake is their sender's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import JSONResponse

if TYPE_CHECKING:
    from fastapi import FastAPI, Request


def add_page_error_handlers(page: FastAPI) -> None:
    """Have Gradio's application answer 400 to a form that is none, and 404 for a function that the page has not.

    Of itself it lets both through as errors of the server.
    """
    from python_multipart.exceptions import FormParserError

    page.add_exception_handler(FormParserError, _no_form)
    page.add_exception_handler(LookupError, _no_function)


def _no_form(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": f"The form cannot be read: {error}"}, 400)


def _no_function(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "The page has no such function."}, 404)
