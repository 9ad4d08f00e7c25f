"""What happens, pushed to clients as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from modules.application.application import Application
from modules.application.events import Event, Events
from modules.foundation.plain import JsonObject

KEEP_ALIVE_SECONDS = 15.0

EVENTS = """Changes are pushed by `GET /api/v1/events`, a stream of server-sent events that does not end;
`?job=ID` tells of one job only. Each event has an `id`; a browser's EventSource sends the last one it got as
`Last-Event-ID` when it comes back (others may give `?since=ID`), and is told everything since.

| event | data |
|---|---|
| snapshot | the queue: `running` and `waiting` ids, `paused`; first of all, and again when a client was away too long |
| waiting, paused, running, done, failed, interrupted | `job` is now in this state; `note` or `error` says why |
| position | the order of the queue: `running`, `waiting`, `paused`; for one job its `position` and how many wait |
| step | how far `job` is: `text` (words), `phase`, `step`, `steps`, `batch`, `batches`, `progress` (0..1), `eta` (s) |
| preview | `job` has a new view of its unfinished picture: `number`, `url` |
| image | a finished picture of `job`: `id`, `url`, `kind`, `seed` |
| standing | the recurring job `standing` is now in this `state` |
| history | pictures of the history were changed: `numbers` with their new `rating`, `favourite`, `mark`; or `changed` |
"""


def routes(app: Application) -> APIRouter:
    """GET /api/v1/events."""
    router = APIRouter(prefix="/api/v1", tags=["events"])

    # Not in the OpenAPI document: what is made from it waits for the end of each answer. The queue's text tells of it.
    @router.get("/events", include_in_schema=False)
    async def events(
        job: str | None = None,
        last_event_id: Annotated[str | None, Header()] = None,
        since: str | None = None,
    ) -> StreamingResponse:
        stream = _stream(app, job, _number(last_event_id or since))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    return router


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None


async def _stream(app: Application, job: str | None, last: int | None) -> AsyncGenerator[str]:
    events, loop, wake = app.jobs.recorder.events, asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        with contextlib.suppress(RuntimeError):  # the server has ended
            loop.call_soon_threadsafe(wake.set)

    leave = events.listen(tell)
    try:
        newest = await asyncio.to_thread(_newest, events)
        if last is None:
            last = newest
            yield _snapshot(app, job, last)
        while True:
            wake.clear()
            found, missed = events.after(last)
            if missed:
                last = events.newest
                yield _snapshot(app, job, last)
                continue
            for event in found:
                last = event.id
                if (data := _data(event, job)) is not None:
                    yield _text(event.kind, event.id, data)
            if events.ended:
                return
            try:
                await asyncio.wait_for(wake.wait(), KEEP_ALIVE_SECONDS)
            except TimeoutError:
                yield ": still here\n\n"
    finally:
        leave()


def _newest(events: Events) -> int:
    return events.newest


def _data(event: Event, job: str | None) -> JsonObject | None:
    """What a client is told of `event`; None when it does not concern the job that it asks about."""
    data = dict(event.data)
    if event.job is not None:
        if job not in (None, event.job):
            return None
        if event.kind == "image":
            data["url"] = f"api/v1/images/{data['id']}"
        elif event.kind == "preview":
            data["url"] = f"api/v1/jobs/{event.job}/preview?number={data['number']}"
        return {"job": event.job, **data}
    if job is None:
        return data
    waiting: list[str] = data.get("waiting", [])
    return {"job": job, "position": waiting.index(job) + 1, "waiting": len(waiting)} if job in waiting else None


def _snapshot(app: Application, job: str | None, last: int) -> str:
    queue = app.queue
    data: JsonObject = {
        "running": [each.id for each in queue.running],
        "waiting": [each.id for each in queue.waiting],
        "paused": queue.paused,
    }
    if job is not None:
        live = queue.find(job)
        data |= {"job": job, "state": live.state.value if live is not None else None}
    return _text("snapshot", last, data)


def _text(kind: str, number: int, data: JsonObject) -> str:
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
