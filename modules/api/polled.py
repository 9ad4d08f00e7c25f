"""Progress, answered before all routing: every open page and every client asks for it once a second and more often.

What a route costs beyond its answer (matching, dependencies, a stack of contexts) is most of the price of so small an
answer, and the sampler pays it. The routes are documented and implemented where all others are, and get every request
for progress that is not of the plain form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.api.gathering import Gathering
from modules.api.models import InternalProgressRequest
from modules.api.plain_answer import send_json
from modules.api.previews import Previews
from modules.api.routes.internal import job_progress
from modules.api.routes.progress import running_progress
from modules.application.application import Application

Question = Callable[[bytes, bytes], Awaitable[BaseModel | None]]
"""Query string and body to the answer; None where the request is not of the plain form."""

LONGEST_BODY = 4096
"""Bytes of a body that is read here; a question about progress has a hundred or so."""


def polled_questions(app: Application, previews: Previews) -> Mapping[tuple[str, str], Question]:
    """What can be asked, by method and path."""
    skips = {b"": False, b"skip_current_image=false": False, b"skip_current_image=true": True}

    async def of_the_running_job(query: bytes, body: bytes) -> BaseModel | None:
        skip = skips.get(query.lower())
        return None if skip is None or body else await running_progress(app, previews, skip_current_image=skip)

    async def of_one_job(query: bytes, body: bytes) -> BaseModel | None:
        try:
            asked = InternalProgressRequest.model_validate_json(body)
        except ValidationError:
            return None
        return await job_progress(app, previews, asked)

    return {("GET", "/sdapi/v1/progress"): of_the_running_job, ("POST", "/internal/progress"): of_one_job}


class Polled:
    """Answers `questions`, and passes on whatever it does not understand. Stands behind all guards."""

    def __init__(self, app: ASGIApp, questions: Mapping[tuple[str, str], Question], gathering: Gathering) -> None:
        self.app = app
        self.questions = questions
        self.gathering = gathering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if (question := self._question(scope)) is None:
            await self.app(scope, receive, send)
            return
        self.gathering.asked()
        messages = [await receive()]
        while messages[-1].get("more_body", False):
            messages.append(await receive())
        answer = await question(scope["query_string"], b"".join(message.get("body", b"") for message in messages))
        if answer is None:
            await self.app(scope, _again(messages, receive), send)
            return
        await send_json(send, 200, answer.model_dump_json().encode())

    def _question(self, scope: Scope) -> Question | None:
        if scope["type"] != "http":
            return None
        question = self.questions.get((scope["method"], scope["path"].removeprefix(scope.get("root_path", ""))))
        return question if question is not None and _is_short_json(scope) else None


def _is_short_json(scope: Scope) -> bool:
    """Whether there is no body, or a JSON one that says that it is short."""
    length, kind = b"", b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = value
        elif name == b"content-type":
            kind = value
        elif name == b"transfer-encoding":
            return False
    if not length.strip(b"0"):
        return True
    return length.isdigit() and int(length) <= LONGEST_BODY and kind.partition(b";")[0] == b"application/json"


def _again(messages: list[Message], receive: Receive) -> Receive:
    """A `receive` that gives what was received already first."""
    waiting = iter(messages)

    async def again() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return again
