"""Progress is answered ahead of all routing and jobs are taken there, with the same answers as the routes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from modules.api import live_previews
from modules.api.fast_path import LONGEST_BODY, FastPath
from modules.foundation.errors import SaveError
from tests.api.conftest import Served, flags_for, serving, wait_until

RUNNING = "/sdapi/v1/progress"
OF_ONE = "/internal/progress"
SUBMIT = "/api/v1/jobs/txt2img"
SMALL = {"prompt": "a cat", "steps": 1, "width": 64, "height": 64}
Background = Callable[[Callable[[], object]], object]


@pytest.fixture
def routed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that were passed on to the routes."""
    paths: list[str] = []
    route = FastPath._route

    def noting(self: FastPath, scope: Any) -> Any:
        if (found := route(self, scope)) is None:
            paths.append(scope.get("path", ""))
        return found

    monkeypatch.setattr(FastPath, "_route", noting)
    return paths


def of_one(served: Served, **how: Any) -> httpx.Response:
    return served.client.post(OF_ONE, **how)


def alike(one: httpx.Response, other: httpx.Response) -> bool:
    """The same but for how far the job has come meanwhile."""
    moving = ("progress", "eta", "eta_relative", "textinfo", "live_preview", "id_live_preview")
    bodies: list[dict[str, Any]] = [
        {key: type(value) if key in moving else value for key, value in each.json().items()} for each in (one, other)
    ]
    for body in bodies:
        if "state" in body:
            body["state"] = {**body["state"], "sampling_step": int}
    types = [each.headers["content-type"] for each in (one, other)]
    return (one.status_code, types[0], bodies[0]) == (other.status_code, types[1], bodies[1])


def test_the_plain_forms_do_not_reach_the_routes(served: Served, running_job: str, routed: list[str]) -> None:
    assert served.client.get(RUNNING).json()["state"]["sampling_steps"] == 5000
    assert served.client.get(f"{RUNNING}?skip_current_image=True").json()["current_image"] is None
    assert of_one(served, json={"id_task": running_job}).json()["active"]
    assert routed == []


def test_other_forms_are_answered_alike_by_the_routes(served: Served, running_job: str, routed: list[str]) -> None:
    plain = served.client.get(f"{RUNNING}?skip_current_image=true")
    for query in ("skip_current_image=1", "skip_current_image=true&other=1", "other=1&skip_current_image=yes"):
        assert alike(served.client.get(f"{RUNNING}?{query}"), plain), query
    asked = {"id_task": running_job, "live_preview": False}
    plain = of_one(served, json=asked)
    text = httpx.Request("POST", "http://x", json=asked).content
    assert alike(of_one(served, content=text), plain), "no content type"
    assert alike(of_one(served, content=text, headers={"Content-Type": "application/vnd.easel+json"}), plain)
    assert alike(of_one(served, content=iter([text]), headers={"Content-Type": "application/json"}), plain), "chunked"
    assert alike(of_one(served, json={**asked, "unknown": "x" * LONGEST_BODY}), plain)
    assert len(routed) == 4


def test_wrong_forms_are_refused_as_by_any_route(served: Served) -> None:
    kind = {"Content-Type": "application/json"}
    for body in (b"", b"{", b"[]", b'{"id_live_preview": "many"}', b'{"live_preview": "perhaps"}'):
        response = of_one(served, content=body, headers=kind)
        assert response.status_code == 422, body
        assert response.json()["detail"], body
    assert of_one(served, content=b"\xff", headers=kind).status_code == 400
    assert served.client.get(f"{RUNNING}?skip_current_image=perhaps").status_code == 422
    assert served.client.post(RUNNING).status_code == 405
    assert served.client.get(OF_ONE).status_code == 405


def test_null_and_numbers_are_understood(served: Served) -> None:
    for body in ({"id_task": None}, {"id_task": 5}, {"id_task": "nobody", "id_live_preview": None, "live_preview": 1}):
        answer = of_one(served, json=body)
        assert answer.status_code == 200
        assert (answer.json()["active"], answer.json()["textinfo"]) == (False, "Waiting...")


def test_guards_stand_before_it(tmp_path: Path) -> None:
    with serving(flags_for(tmp_path, api_auth="user:word", nowebui=True, subpath="easel")) as locked:
        for path in (RUNNING, "/sdapi//v1/progress/"):
            assert locked.client.get(path).status_code == 401
            assert locked.client.get(path, auth=("user", "word")).status_code == 200
        assert of_one(locked, json={}).status_code == 401
        foreign = {"Origin": "http://evil.example"}
        assert of_one(locked, json={}, auth=("user", "word"), headers=foreign).status_code == 403
        assert of_one(locked, json={}, auth=("user", "word")).status_code == 200


def test_an_interrupt_is_in_the_very_next_answer(served: Served, running_job: str) -> None:
    for _ in range(5):
        assert not served.client.get(RUNNING).json()["state"]["interrupted"]
    job = served.app.queue.current
    assert job is not None
    job.interrupt()
    state = served.client.get(RUNNING).json()["state"]
    assert state["interrupted"] or state["job_count"] == 0


def test_a_preview_that_cannot_be_encoded_is_said_so_every_time(
    served: Served, running_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(image: object, extension: str) -> object:
        raise SaveError("This preview cannot be encoded.")

    wait_until(lambda: served.client.get(RUNNING).json()["current_image"])
    monkeypatch.setattr(live_previews, "_encoded", broken)
    job = served.app.queue.current
    assert job is not None
    image = job.control.preview[1]
    assert image is not None
    job.control.show(image)
    answers = [served.client.get(RUNNING) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {422}
    assert {answer.json()["detail"] for answer in answers} == {"This preview cannot be encoded."}


def test_answers_about_another_job_are_never_given_again(served: Served, running_job: str) -> None:
    body = {"id_task": "afterwards"}
    assert not of_one(served, json=body).json()["queued"]
    served.client.post(SUBMIT, json={**SMALL, "force_task_id": "afterwards"})
    assert of_one(served, json=body).json()["queued"]
    served.client.post("/api/v1/jobs/afterwards/cancel")
    assert of_one(served, json=body).json()["completed"]


def test_jobs_are_taken_ahead_of_the_routes(served: Served, running_job: str, routed: list[str]) -> None:
    first, second = (served.client.post(SUBMIT, json={**SMALL, "priority": -1}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert routed == []
    one, other = first.json(), second.json()
    assert (one["position"], other["position"]) == (1, 2)
    for told in (other, one):
        kept = served.client.get(f"/api/v1/jobs/{told['id']}").json()
        assert told == {key: kept[key] for key in told}
        assert served.client.post(f"/api/v1/jobs/{told['id']}/cancel").json()["state"] == "interrupted"
        record = served.app.jobs.store.find(told["id"])
        assert record is not None
        assert record.number == told["number"] > 0


def test_what_the_route_would_say_otherwise_is_said_by_the_route(
    served: Served, running_job: str, routed: list[str]
) -> None:
    waiting = len(served.app.queue.waiting)
    for fields, status in (({"steps": "many"}, 422), ({"sampler_name": "none such"}, 404), ({"steps": 10**6}, 422)):
        response = served.client.post(SUBMIT, json={**SMALL, **fields})
        assert response.status_code == status, (fields, response.text)
        assert response.json()["detail"]
    assert len(served.app.queue.waiting) == waiting
    text = httpx.Request("POST", "http://x", json={**SMALL, "priority": -1}).content
    other = served.client.post(SUBMIT, content=iter([text]))
    assert other.status_code == 201
    assert len(routed) == 1, "the ones before were plain in form"
    served.client.post(f"/api/v1/jobs/{other.json()['id']}/cancel")


def test_a_job_that_cannot_be_kept_is_refused_on_both_ways(
    served: Served, running_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(jobs: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(served.app.jobs.store, "add", full)
    for body in (SMALL, {**SMALL, "force_task_id": "not-kept", "prompt": "x" * 70_000}):  # the longer one is no order
        answer = served.client.post(SUBMIT, json={**body, "priority": -1})
        assert answer.status_code == 507
        assert "disk is full" in answer.json()["detail"]
    assert served.app.queue.find("not-kept") is None
    assert served.app.queue.waiting == ()


def test_an_id_is_given_once_however_it_is_asked_for(served: Served, running_job: str) -> None:
    for body in (SMALL, {**SMALL, "prompt": "x" * 70_000}):
        answer = served.client.post(SUBMIT, json={**body, "force_task_id": running_job})
        assert answer.status_code == 409
        assert running_job in answer.json()["detail"]
    assert served.app.queue.current is not None
    assert served.app.queue.current.id == running_job
