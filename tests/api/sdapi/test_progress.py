"""Watching, interrupting and skipping."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from tests.api.conftest import Served, wait_until

RECORDED = json.loads((Path(__file__).parent / "data" / "progress.json").read_text(encoding="utf-8"))
Background = Callable[[Callable[[], object]], object]


def idle(served: Served) -> None:
    wait_until(lambda: served.app.queue.current is None and not served.app.queue.waiting)


def start(served: Served, background: Background, **fields: Any) -> list[dict[str, Any]]:
    """A long job on another thread; its answer is put into the list."""
    answers: list[dict[str, Any]] = []
    body = {"steps": 2000, "force_task_id": "long", **fields}
    background(lambda: answers.append(served.txt2img(**body).json()))
    wait_until(lambda: answers or (served.app.queue.current and served.app.queue.current.progress.step > 2))
    assert not answers, "it ended before it could be watched"
    return answers


def test_at_rest_the_answer_is_the_recorded_one(served: Served) -> None:
    idle(served)
    assert served.client.get("/sdapi/v1/progress").json() == RECORDED


def test_progress_grows_and_shows_the_unfinished_picture(served: Served, background: Background) -> None:
    idle(served)
    start(served, background)
    first = served.client.get("/sdapi/v1/progress").json()
    assert set(first) == set(RECORDED)
    assert set(first["state"]) == set(RECORDED["state"])
    assert 0 < first["progress"] < 1
    assert first["eta_relative"] > 0
    assert (first["state"]["sampling_steps"], first["state"]["job_count"]) == (2000, 1)
    wait_until(lambda: served.client.get("/sdapi/v1/progress").json()["progress"] > first["progress"])
    wait_until(lambda: served.client.get("/sdapi/v1/progress").json()["current_image"])
    picture = served.client.get("/sdapi/v1/progress").json()["current_image"]
    assert Image.open(io.BytesIO(base64.b64decode(picture))).format == "PNG"
    assert served.client.get("/sdapi/v1/progress?skip_current_image=true").json()["current_image"] is None
    served.client.post("/sdapi/v1/interrupt")


def test_interrupting_ends_the_running_job_and_no_other(served: Served, background: Background) -> None:
    idle(served)
    answers = start(served, background)
    later: list[dict[str, Any]] = []
    background(lambda: later.append(served.txt2img(force_task_id="later").json()))
    wait_until(lambda: served.app.queue.waiting)
    response = served.client.post("/sdapi/v1/interrupt")
    assert (response.status_code, response.json()) == (200, {})
    wait_until(lambda: answers and later)
    assert "images" in answers[0]
    assert len(later[0]["images"]) == 1


def test_interrupting_when_nothing_runs_is_no_error(served: Served) -> None:
    idle(served)
    assert served.client.post("/sdapi/v1/interrupt").json() == {}
    assert served.client.post("/sdapi/v1/skip").json() is None


def test_skipping_goes_on_with_the_next_batch(served: Served, background: Background) -> None:
    idle(served)
    start(served, background, n_iter=2)
    assert served.client.post("/sdapi/v1/skip").status_code == 200

    def second_batch() -> bool:
        state = served.client.get("/sdapi/v1/progress").json()["state"]
        return bool(state["job_no"] == 1 and state["sampling_step"] > 0)

    wait_until(second_batch)
    served.client.post("/sdapi/v1/interrupt")


def ask(served: Served, task: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = served.client.post("/internal/progress", json={"id_task": task, **more}).json()
    return answer


def test_one_job_is_followed_by_its_id(served: Served, background: Background) -> None:
    idle(served)
    start(served, background)
    background(lambda: served.txt2img(force_task_id="second"))
    wait_until(lambda: served.app.queue.waiting)
    assert served.client.get("/internal/pending-tasks").json() == {"size": 1, "tasks": ["second"]}
    second = ask(served, "second")
    assert (second["active"], second["queued"], second["completed"]) == (False, True, False)
    assert second["textinfo"] == "In queue: 1/1"
    wait_until(lambda: ask(served, "long")["live_preview"])
    running = ask(served, "long")
    assert (running["active"], running["queued"], running["completed"]) == (True, False, False)
    assert running["live_preview"].startswith("data:image/png;base64,")
    assert running["id_live_preview"] > 0
    assert ask(served, "long", live_preview=False)["live_preview"] is None
    served.client.post("/sdapi/v1/interrupt")
    wait_until(lambda: ask(served, "long")["completed"])
    wait_until(lambda: ask(served, "second")["completed"])
    assert not ask(served, "second")["active"]


def test_a_preview_that_the_client_has_is_not_sent_again(served: Served, background: Background) -> None:
    idle(served)
    start(served, background, override_settings={"show_progress_every_n_steps": 30})
    wait_until(lambda: ask(served, "long")["live_preview"])
    control = served.app.queue.current
    assert control is not None
    number = ask(served, "long")["id_live_preview"]
    again = ask(served, "long", id_live_preview=number)
    assert again["live_preview"] is None or again["id_live_preview"] > number
    served.client.post("/sdapi/v1/interrupt")


def test_an_unknown_job_is_neither_here_nor_there(served: Served) -> None:
    for task in ("nobody", None, ""):
        answer = served.client.post("/internal/progress", json={"id_task": task}).json()
        assert [answer[key] for key in ("active", "queued", "completed")] == [False] * 3
        assert answer["id_live_preview"] == -1


def test_ping_answers(served: Served) -> None:
    assert served.client.get("/internal/ping").json() == {}
