"""Calls of the page's functions that cannot be carried out: who sent them is told why, and that it lies with them.

Gradio answers 500 to any call that fails, and writes a traceback into the log.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import math
import re
from collections.abc import Generator
from contextvars import ContextVar
from pathlib import Path
from typing import cast

import gradio as gr
from gradio.components import Component
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.foundation.errors import MAX_SHOWN, NO_NAME, NO_ROOM, EaselError, Forbidden, StorageError
from modules.foundation.json_text import whole_text
from modules.webui.pictures import may_be_read

log = logging.getLogger(__name__)

CALLS = tuple(f"/gradio_api/{part}/" for part in ("run", "api", "call", "queue"))
"""Where functions are called: answered at once, or queued and told by events."""

PREFIX = "/gradio_api/"

USED = frozenset(
    (  # noqa: SIM905 - a list would be one line each
        "api app_id call cancel component_server custom_component file heartbeat info login_check openapi.json queue "
        "reset run startup-events stream theme.css token upload upload_progress user"
    ).split()
)
"""Gradio's routes for pages and their clients, by the first part of the path.

It has others: to fetch from elsewhere, to cut films, to write its program's source, to keep pages as they stand. Easel
needs none of them.
"""

UNUSED = ("/monitoring", "/login", "/logout", "/pwa_icon/")
"""Routes of Gradio's beside those: Easel has a login of its own, and its icon has no sizes."""

BY_ADDRESS = "Easel fetches no files by address for the page. Drop the file itself."

LONGEST, LONGEST_OF_EXTENSIONS = 1_000_000, 64 * 2**20
"""Letters of a text that is sent to a function of the page, and of an extension's."""

PROGRAM = Path(__file__).resolve().parents[2]

_NOT_AS_SENT = (ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError, RecursionError)
"""What components raise for values that their part in the browser does not send."""

_status: ContextVar[list[int] | None] = ContextVar("page_call_status", default=None)


class PageCalls:
    """ASGI middleware of Gradio's own application: gives calls that were refused the status of a refusal.

    What no page needs is not there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        path = str(scope.get("path", "")).removeprefix(scope.get("root_path", ""))
        if (status := _closed(path)) is not None:
            await JSONResponse({"detail": BY_ADDRESS if status == 403 else "Not Found"}, status)(scope, receive, send)
            return
        if scope["type"] != "http" or not path.startswith(CALLS):
            await self.app(scope, receive, send)
            return
        refused: list[int] = []
        token = _status.set(refused)

        async def send_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == 500 and refused:
                    message["status"] = refused[0]
                elif message["status"] == 503:
                    message["status"] = 429  # too many calls wait
            await send(message)

        try:
            await self.app(scope, receive, send_status)
        finally:
            _status.reset(token)


def _closed(path: str) -> int | None:
    """The status with which a path is refused; None where Gradio may answer it."""
    if not path.startswith(PREFIX):
        return 404 if path.startswith(UNUSED) else None
    first = re.split("[/=]", path.removeprefix(PREFIX), maxsplit=1)[0]
    if first not in USED:
        return 404
    # Gradio would read a file from anywhere, for anyone who asks.
    return 403 if first == "file" and "://" in path else None


@contextlib.contextmanager
def refusing_values() -> Generator[None]:
    """Around the reading of what was sent: what cannot be read is refused."""
    try:
        with refusing_requests():
            yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        raise _refused(f"A file that was sent cannot be read: {error.strerror or error}.") from error
    except _NOT_AS_SENT as error:
        raise _refused(f"What was sent cannot be taken: {str(error)[:MAX_SHOWN]}") from error


@contextlib.contextmanager
def refusing_requests() -> Generator[None]:
    """Around a function of the page: an error that is for people is shown without a traceback."""
    try:
        yield
    except gr.Error:
        _note(422)
        raise
    except EaselError as error:
        if isinstance(error, StorageError):
            raise gr.Error(whole_text(str(error)), print_exception=False) from error
        raise _refused(str(error), 403 if isinstance(error, Forbidden) else 422) from error
    except OSError as error:
        if error.errno not in NO_NAME:
            raise
        raise _refused(f"A name cannot be that of a file or folder: {error.strerror}.") from error


def _refused(sentence: str, status: int = 422) -> gr.Error:
    log.info("Refused a call of the page: %.300r", sentence)
    _note(status)
    return gr.Error(whole_text(sentence), print_exception=False)


def _note(status: int) -> None:
    if (refused := _status.get()) is not None:
        refused.append(status)


def longest_text(function: object) -> int:
    """How many letters a text may have that is sent to a function: extensions are sent pictures in texts."""
    while callable(function):
        function = inspect.unwrap(function)
        if not isinstance(function, functools.partial):
            break
        function = cast("functools.partial[object]", function).func
    code = getattr(function, "__code__", None)
    file = Path(code.co_filename) if code is not None else None
    is_own = file is not None and file.is_relative_to(PROGRAM) and not file.is_relative_to(PROGRAM / "extensions")
    return LONGEST if is_own else LONGEST_OF_EXTENSIONS


def as_sent(component: Component, value: object, longest: int) -> object:
    """A value that was sent for a component: texts whole, an empty box of words as "", a typed choice as text.

    Raises Forbidden for files that a browser may not name, ValueError for what the component does not send and texts
    of more than `longest` letters.
    """
    value = _whole(value, longest)
    if isinstance(component, gr.Textbox) and value is None:
        return ""  # a box that nothing was ever written in
    if isinstance(component, gr.Dropdown | gr.Radio | gr.CheckboxGroup):
        return _chosen(component, value)
    return value


def _chosen(component: gr.Dropdown | gr.Radio | gr.CheckboxGroup, value: object) -> object:
    several = isinstance(component, gr.CheckboxGroup) or bool(getattr(component, "multiselect", False))
    if several and not isinstance(value, list | None):
        raise ValueError(f"several choices cannot be {str(value)[:MAX_SHOWN]}")
    chosen = cast("list[object]", value) if isinstance(value, list) else [value]
    if (isinstance(value, list) and not several) or any(isinstance(each, list | dict) for each in chosen):
        raise ValueError(f"a choice cannot be {str(value)[:MAX_SHOWN]}")
    typed = bool(getattr(component, "allow_custom_value", False))
    if (typed or component.choices) and all(isinstance(choice, str) for _, choice in component.choices):
        chosen = [each if each is None else str(each) for each in chosen]
    return chosen if isinstance(value, list) else chosen[0]


def _whole(value: object, longest: int) -> object:
    if isinstance(value, str):
        if len(value) > longest:
            raise ValueError(f"a text has {len(value):,} letters, more than {longest:,}")
        return whole_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number")
    if isinstance(value, list):
        return [_whole(each, longest) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    content = {whole_text(str(key)): _whole(each, longest) for key, each in cast("dict[object, object]", value).items()}
    if "meta" in content and isinstance(path := content.get("path"), str):
        _check_file(path)
    return content


def _check_file(path: str) -> None:
    """Gradio takes a mounted page for one that is not served, and would read any file, or fetch it by its address."""
    if path.lower().startswith(("http:", "https:")):
        raise Forbidden(BY_ADDRESS)
    if not may_be_read(Path(path)):
        name = Path(path).name[:MAX_SHOWN]
        raise Forbidden(f"{name} is neither an uploaded file nor a picture that was made here. Drop the file itself.")


def event_as_sent(data: object) -> dict[str, object]:
    """What was sent about an event itself, such as which picture was selected."""
    sent = cast("dict[str, object]", data) if isinstance(data, dict) else {}
    return {"index": None, "value": None, **sent}
