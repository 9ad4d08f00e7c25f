"""The page's document: made once for each address, one at a time, and kept."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from modules.webui.page_document import MOST_KEPT, PageDocument


class Gradio:
    """Gradio's application, which takes a moment for each document."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.made, self.at_once, self.most_at_once = status, list[Scope](), 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.made.append(scope)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        host = dict(scope["headers"]).get(b"host", b"")
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"x-host", host)]})
        await send({"type": "http.response.body", "body": b"page of ", "more_body": True})
        await send({"type": "http.response.body", "body": host})


async def asked(page: PageDocument, path: str = "/", host: str = "a", **more: Any) -> tuple[int, bytes]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", host.encode()), (b"accept-encoding", b"br")]
    scope = {"type": "http", "method": "GET", "scheme": "http", "path": path, "headers": headers, "query_string": b""}
    await page({**scope, **more}, receive, send)
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:])


def test_many_who_open_the_page_at_once_have_it_made_once_for_each_address() -> None:
    gradio = Gradio()
    page = PageDocument(gradio)

    async def all_at_once() -> list[tuple[int, bytes]]:
        return await asyncio.gather(
            *(asked(page, host="ab"[each % 2], query_string=b"x=%d" % each) for each in range(40))
        )

    answers = asyncio.run(all_at_once())
    assert answers == [(200, b"page of a"), (200, b"page of b")] * 20
    assert len(gradio.made) == 2
    assert gradio.most_at_once == 1
    assert all(scope["query_string"] == b"" for scope in gradio.made)


def test_addresses_that_nobody_uses_any_more_are_let_go() -> None:
    gradio = Gradio()
    page = PageDocument(gradio)

    async def one_after_another() -> None:
        for each in range(MOST_KEPT + 1):
            await asked(page, host=str(each))
        await asked(page, host=str(MOST_KEPT))
        await asked(page, host="0")

    asyncio.run(one_after_another())
    assert len(gradio.made) == MOST_KEPT + 2


def test_a_failure_is_not_kept() -> None:
    gradio = Gradio(status=500)
    page = PageDocument(gradio)
    assert asyncio.run(asked(page))[0] == 500
    gradio.status = 200
    assert asyncio.run(asked(page))[0] == 200


def test_only_the_head_is_answered_to_who_asks_for_that() -> None:
    gradio = Gradio()
    assert asyncio.run(asked(PageDocument(gradio), method="HEAD")) == (200, b"")
    assert gradio.made[0]["method"] == "GET"


def test_everything_else_is_handed_on() -> None:
    gradio = Gradio()
    page = PageDocument(gradio)
    for _ in range(2):
        assert asyncio.run(asked(page, "/gradio_api/upload", query_string=b"id=1")) == (200, b"page of a")
    assert asyncio.run(asked(page, "/", method="POST")) == (200, b"page of a")
    assert [scope["query_string"] for scope in gradio.made] == [b"id=1", b"id=1", b""]


def test_of_many_who_wait_one_is_served_in_each_turn_of_the_loop() -> None:
    turn, served = 0, list[int]()
    page = PageDocument(Gradio())

    async def turning() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async def one() -> None:
        await asked(page)
        served.append(turn)

    async def all_at_once() -> None:
        others = asyncio.create_task(turning())
        await asyncio.gather(*(one() for _ in range(40)))
        others.cancel()

    asyncio.run(all_at_once())
    assert len(set(served)) == len(served) == 40
