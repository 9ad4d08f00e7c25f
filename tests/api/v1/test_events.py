"""Events: what happens is pushed, and nothing is missed by a client that comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.api.conftest import Served, wait_until

SMALL = {"steps": 3, "width": 64, "height": 64, "save_images": False}
Told = tuple[int, str, dict[str, Any]]


def listen(served: Served, until: Callable[[Told], bool], **query: Any) -> list[Told]:
    """Events of a new connection up to the first for which `until` holds."""
    headers = {"Last-Event-ID": str(query.pop("last"))} if "last" in query else {}
    told: list[Told] = []
    with served.client.stream("GET", "/api/v1/events", params=query, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for event in _events(response.iter_lines()):
            told.append(event)
            if until(event):
                break
    return told


def _events(lines: Iterator[str]) -> Iterator[Told]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            key, _, value = line.partition(": ")
            fields[key] = value
        elif "data" in fields:
            yield int(fields["id"]), fields["event"], json.loads(fields["data"])
            fields = {}


def submit(served: Served, **fields: Any) -> str:
    name: str = served.client.post("/api/v1/jobs/txt2img", json={**SMALL, **fields}).json()["id"]
    return name


def idle(served: Served) -> None:
    wait_until(lambda: served.app.queue.current is None and not served.app.queue.waiting)


def test_a_client_that_comes_back_is_told_what_it_missed_in_order(served: Served) -> None:
    idle(served)
    (start,) = listen(served, lambda _: True)
    assert (start[1], start[2]) == ("snapshot", {"running": [], "waiting": [], "paused": False})
    name = submit(served)
    idle(served)
    told = listen(served, lambda event: event[1] == "done", last=start[0])
    own = [(kind, data) for _, kind, data in told if data.get("job") == name]
    assert [kind for kind, _ in own if kind not in ("step", "preview")] == ["waiting", "running", "image", "done"]
    numbers = [number for number, _, _ in told]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > start[0]
    image = next(data for kind, data in own if kind == "image")
    assert served.client.get(image["url"]).status_code == 200
    middle = told[len(told) // 2][0]
    assert listen(served, lambda event: event[1] == "done", last=middle) == [each for each in told if each[0] > middle]


def test_steps_and_previews_are_pushed_while_a_job_runs(served: Served) -> None:
    idle(served)
    served.app.settings.change({"show_progress_every_n_steps": 1})
    name = submit(served, steps=4000)
    told = listen(served, lambda event: event[1] == "preview", job=name)
    assert told[0][1] == "snapshot"
    told += listen(served, lambda event: event[1] == "step" and event[2]["step"] > 0, job=name)
    step = told[-1][2]
    assert (step["job"], step["steps"], 0 < step["progress"] < 1) == (name, 4000, True)
    preview = next(data for _, kind, data in told if kind == "preview")
    assert served.client.get(preview["url"]).headers["content-type"] == "image/jpeg"
    served.client.post(f"/api/v1/jobs/{name}/cancel")
    idle(served)


def test_one_job_can_be_followed_alone_with_its_place_in_the_queue(served: Served) -> None:
    idle(served)
    (start,) = listen(served, lambda _: True)
    long = submit(served, steps=4000)
    wait_until(lambda: served.app.queue.current)
    first, second = submit(served), submit(served)
    served.client.post(f"/api/v1/jobs/{second}/move", json={"to": "first"})
    told = listen(served, lambda event: event[1] == "position", job=second, last=start[0])
    assert told[-1][2] == {"job": second, "position": 1, "waiting": 2}
    assert all(data["job"] == second for _, _, data in told)
    served.client.post(f"/api/v1/jobs/{long}/cancel")
    done = listen(served, lambda event: event[1] == "done", job=first, last=start[0])
    assert done[-1][2] == {"job": first, "pictures": 1}
    idle(served)


def test_a_client_that_was_away_too_long_gets_the_queue_as_it_is(served: Served) -> None:
    idle(served)
    for last in (1, 2**60):
        told = listen(served, lambda _: True, last=last)
        assert told[0][1] == "snapshot"
    assert listen(served, lambda _: True, last="nonsense")[0][1] == "snapshot"
