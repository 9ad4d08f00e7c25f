"""Fast path: polled questions and small jobs are answered before routing.

Every open page and every client asks for progress once a second and more often, and programs hand in one small job
after another. What a route costs beyond its answer (matching, dependencies, a stack of contexts) is most of the price
then, and the sampler pays it. The routes are documented and implemented where all others are, and get every request
that is not of the plain form, or cannot be answered without an error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from fastapi import HTTPException
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.api.generation.requests import txt2img_request
from modules.api.guards.paths import inner_path
from modules.api.json_answer import send_json
from modules.api.live_previews import Previews
from modules.api.sdapi.bodies import InternalProgressRequest
from modules.api.sdapi.routes.internal import job_progress, wanted_preview
from modules.api.sdapi.routes.progress import CURRENT_IMAGE, running_progress
from modules.api.v1.bodies import SubmitTxt2Img
from modules.api.v1.routes.jobs import submitted
from modules.application.application import Application
from modules.application.jobs.job import AnyJob
from modules.foundation.errors import EaselError

Route = tuple[str, str]
"""Method and path."""

Question = Callable[[bytes, bytes], bytes | None]
"""Query string and body to the JSON of the answer, at once; None where the route has to answer."""

Answer = tuple[AnyJob | None, BaseModel] | None
"""The job that an answer is about, and the answer; None where the route has to answer."""

Order = Callable[[bytes, bytes], Awaitable[bytes | None]]
"""The same for what takes a while and creates something (status 201)."""

LONGEST_BODY = 65536
"""Bytes of a body that is read here; a question about progress has a hundred or so, a job of words some more."""

FRESH = 0.1
"""Seconds for which an answer about the running job is given again while nothing but its `eta` changes."""

MOST_ANSWERS = 64
"""Answers that are kept for being given again."""


class FastPath:
    """Answers `questions` and takes `orders`; passes on what it does not understand. Stands behind all guards."""

    def __init__(self, app: ASGIApp, questions: Mapping[Route, Question], orders: Mapping[Route, Order]) -> None:
        self.app = app
        self.questions = questions
        self.orders = orders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        route = self._route(scope)
        if route is None:
            await self.app(scope, receive, send)
            return
        messages = [await receive()]
        while messages[-1].get("more_body", False):
            messages.append(await receive())
        query, body = scope["query_string"], b"".join([message.get("body", b"") for message in messages])
        if (question := self.questions.get(route)) is not None:
            status, answer = 200, question(query, body)
        else:
            status, answer = 201, await self.orders[route](query, body)
        if answer is None:
            await self.app(scope, _again(messages, receive), send)
            return
        await send_json(send, status, answer)

    def _route(self, scope: Scope) -> Route | None:
        """The route of a request that may be answered here."""
        if scope["type"] != "http":
            return None
        route = scope["method"], inner_path(scope)
        return route if (route in self.questions or route in self.orders) and _is_short_json(scope) else None


def progress_questions(app: Application, previews: Previews) -> dict[Route, Question]:
    """The questions about progress. Those about the job that runs are often the same within a moment."""
    skips = {b"": False, b"skip_current_image=false": False, b"skip_current_image=true": True}
    of_the_running_job, of_one_job = Remembered(app), Remembered(app)

    def running(query: bytes, job: AnyJob | None) -> Answer:
        skip = skips.get(query.lower())
        if skip is None:
            return None
        if job is None or skip:
            return job, running_progress(app, job, None)
        preview = previews.encoded(job, CURRENT_IMAGE)
        return None if preview is None else (job, running_progress(app, job, preview))

    def of_page_job(body: bytes, job: AnyJob | None) -> Answer:
        try:
            request = InternalProgressRequest.model_validate_json(body)
        except ValidationError:
            return None
        preview = None
        if (wanted := wanted_preview(app, request)) is not None and (preview := previews.encoded(*wanted)) is None:
            return None
        answer = job_progress(app, request, preview)
        return (job if answer.active and job and job.id == request.id_task else None), answer

    return {
        ("GET", "/sdapi/v1/progress"): lambda query, body: None if body else of_the_running_job(query, running),
        ("POST", "/internal/progress"): lambda query, body: of_one_job(body, of_page_job),
    }


class Remembered:
    """Answers about the job that runs, for as long as they would come out the same (but for the time it will take)."""

    def __init__(self, app: Application) -> None:
        self._queue = app.queue
        self._about: tuple[AnyJob, int] | None = None
        self._until = 0.0
        self._answers: dict[bytes, bytes] = {}

    def __call__(self, question: bytes, answered: Callable[[bytes, AnyJob | None], Answer]) -> bytes | None:
        """The answer as JSON: that of a moment ago, or what `answered(question, running job)` gives."""
        job = self._queue.current
        about, now = None if job is None else (job, job.control.changes), time.monotonic()
        if about != self._about or now > self._until or len(self._answers) >= MOST_ANSWERS:
            self._about, self._until = about, now + FRESH
            self._answers.clear()
        elif (known := self._answers.get(question)) is not None:
            return known
        if (made := answered(question, job)) is None:
            return None
        text = made[1].model_dump_json().encode()
        if job is not None and made[0] is job:
            self._answers[question] = text
        return text


def job_orders(app: Application) -> dict[Route, Order]:
    """Jobs that are handed in."""

    def submit(request: SubmitTxt2Img) -> bytes | None:
        try:
            return submitted(app, txt2img_request(app, request), request).model_dump_json().encode()
        except (EaselError, HTTPException):
            return None  # nothing is in line yet; the route will say the same in the way of all errors

    async def txt2img(query: bytes, body: bytes) -> bytes | None:
        try:
            request = SubmitTxt2Img.model_validate_json(body)
        except ValidationError:
            return None
        return await asyncio.to_thread(submit, request)

    return {("POST", "/api/v1/jobs/txt2img"): txt2img}


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
