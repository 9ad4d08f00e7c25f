"""Jobs by id: /api/v1/jobs, /api/v1/queue and /api/v1/standing."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from tests.api.conftest import Served, wait_until

SMALL = {"steps": 2, "width": 64, "height": 64, "seed": 7}


@pytest.fixture
def calm(served: Served) -> Iterator[Served]:
    """The server with nothing in its queue, before and after."""
    wait_until(lambda: served.app.queue.current is None and not served.app.queue.waiting)
    yield served
    served.app.jobs.pause(paused=False)
    for job in (*served.app.queue.waiting, *served.app.queue.running):
        served.app.jobs.cancel(job)
    wait_until(lambda: served.app.queue.current is None and not served.app.queue.waiting)


def submit(served: Served, **fields: Any) -> dict[str, Any]:
    response = served.client.post("/api/v1/jobs/txt2img", json={**SMALL, **fields})
    assert response.status_code == 201, response.text
    answer: dict[str, Any] = response.json()
    return answer


def job(served: Served, job_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = served.client.get(f"/api/v1/jobs/{job_id}").json()
    return answer


def ended(served: Served, job_id: str) -> dict[str, Any]:
    wait_until(lambda: job(served, job_id)["state"] in ("done", "failed", "interrupted"))
    return job(served, job_id)


def act(served: Served, job_id: str, action: str, body: object = None) -> Any:
    response = served.client.post(f"/api/v1/jobs/{job_id}/{action}", json=body)
    assert response.status_code in (200, 201), response.text
    return response.json()


def long_job(served: Served, **fields: Any) -> str:
    """The id of a job that is being sampled, and would be for long."""
    name: str = submit(served, **{"steps": 5000, **fields})["id"]
    wait_until(lambda: (job(served, name)["progress"] or {"step": 0})["step"] > 2)
    return name


def test_a_job_is_submitted_at_once_and_its_picture_comes_by_id(calm: Served) -> None:
    first = submit(calm, prompt="a red cat", seed=-1)
    assert first["state"] in ("waiting", "running")
    done = ended(calm, first["id"])
    assert (done["state"], done["kind"], done["title"], done["attempts"]) == ("done", "txt2img", "a red cat", 1)
    assert done["checkpoint"] == "tiny.safetensors"
    assert done["created"] <= done["started"] <= done["finished"]
    (image,) = done["images"]
    assert (image["saved"], image["prompt"], image["job"]) == (True, "a red cat", first["id"])
    response = calm.client.get(image["url"])
    picture = Image.open(io.BytesIO(response.content))
    assert (response.headers["content-type"], picture.size) == ("image/png", (64, 64))
    assert picture.info["parameters"] == image["infotext"]


def test_a_picture_that_is_not_to_be_saved_comes_out_of_memory(calm: Served) -> None:
    before = set((calm.data / "outputs").rglob("*.png"))
    done = ended(calm, submit(calm, save_images=False)["id"])
    (image,) = done["images"]
    assert not image["saved"]
    assert Image.open(io.BytesIO(calm.client.get(image["url"]).content)).size == (64, 64)
    assert set((calm.data / "outputs").rglob("*.png")) == before


def test_pictures_can_be_submitted_too(calm: Served) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "PNG")
    body = {**SMALL, "init_images": [base64.b64encode(buffer.getvalue()).decode()], "denoising_strength": 0.5}
    response = calm.client.post("/api/v1/jobs/img2img", json=body)
    assert response.status_code == 201
    done = ended(calm, response.json()["id"])
    assert (done["state"], done["kind"], len(done["images"])) == ("done", "img2img", 1)


def test_a_request_that_cannot_be_is_refused_before_it_is_a_job(calm: Served) -> None:
    for fields in ({"steps": 0}, {"sampler_name": "nobody"}, {"priority": 10**9}, {"width": "wide"}):
        assert calm.client.post("/api/v1/jobs/txt2img", json=fields).status_code in (404, 422)
    assert calm.client.post("/api/v1/jobs/img2img", json={}).status_code == 404


def test_a_job_keeps_the_settings_of_the_moment_in_which_it_was_submitted(calm: Served) -> None:
    long = long_job(calm)
    first = submit(calm)["id"]
    calm.app.settings.change({"CLIP_stop_at_last_layers": 2, "sd_model_checkpoint": "other.safetensors"})
    second = submit(calm)["id"]
    third = submit(calm, override_settings={"CLIP_stop_at_last_layers": 1})["id"]
    act(calm, long, "cancel")
    texts = [ended(calm, name)["images"][0]["infotext"] for name in (first, second, third)]
    assert ["Clip skip: 2" in text for text in texts] == [False, True, False]
    assert ["Model: other" in text for text in texts] == [False, True, True]


def test_waiting_jobs_are_ordered_by_priority_and_moved(calm: Served) -> None:
    long = long_job(calm)
    a, b, c = (submit(calm, prompt=name)["id"] for name in "abc")
    urgent = submit(calm, prompt="urgent", priority=5)["id"]

    def order() -> list[str]:
        return [each["id"] for each in calm.client.get("/api/v1/queue").json()["waiting"]]

    assert order() == [urgent, a, b, c]
    assert job(calm, c)["position"] == 4
    act(calm, c, "move", {"before": a})
    assert order() == [urgent, c, a, b]
    act(calm, b, "move", {"to": "first"})
    assert order() == [b, urgent, c, a]
    act(calm, b, "move", {"to": "last"})
    assert order() == [urgent, c, a, b]
    act(calm, a, "move", {"priority": 9})
    assert order() == [a, urgent, c, b]
    assert calm.client.get("/internal/pending-tasks").json()["tasks"] == order()
    assert calm.client.post(f"/api/v1/jobs/{long}/move", json={"to": "first"}).status_code == 409
    assert calm.client.post(f"/api/v1/jobs/{a}/move", json={}).status_code == 422
    assert calm.client.post(f"/api/v1/jobs/{a}/move", json={"before": "nobody"}).status_code == 404


def test_a_waiting_job_is_cancelled_and_a_running_one_interrupted(calm: Served) -> None:
    long, waiting = long_job(calm), submit(calm)["id"]
    cancelled = act(calm, waiting, "cancel")
    assert (cancelled["state"], cancelled["note"]) == ("interrupted", "Cancelled before it ran.")
    act(calm, long, "cancel")
    stopped = ended(calm, long)
    assert (stopped["state"], stopped["note"]) == ("interrupted", "Interrupted while it ran.")
    assert not stopped["interrupted_by_restart"]
    assert act(calm, long, "cancel")["state"] == "interrupted"


def test_a_job_stops_after_the_image_or_skips_one(calm: Served) -> None:
    name = long_job(calm, steps=40, n_iter=3)
    act(calm, name, "cancel", {"stop": "after_image"})
    done = ended(calm, name)
    assert (done["state"], [image["kind"] for image in done["images"]]) == ("interrupted", ["sample"])
    name = long_job(calm, n_iter=2)
    act(calm, name, "skip")
    wait_until(lambda: (job(calm, name)["progress"] or {"batch": 0})["batch"] == 1)
    act(calm, name, "cancel")
    assert calm.client.post(f"/api/v1/jobs/{name}/skip").status_code in (200, 409)


def test_a_paused_job_is_passed_by_and_a_paused_queue_starts_nothing(calm: Served) -> None:
    calm.client.post("/api/v1/queue/pause")
    first, second = submit(calm)["id"], submit(calm)["id"]
    assert act(calm, first, "pause")["state"] == "paused"
    queue = calm.client.get("/api/v1/queue").json()
    assert (queue["paused"], queue["running"], len(queue["waiting"])) == (True, [], 2)
    assert not calm.client.post("/api/v1/queue/resume").json()["paused"]
    assert ended(calm, second)["state"] == "done"
    assert job(calm, first)["state"] == "paused"
    act(calm, first, "resume")
    assert ended(calm, first)["state"] == "done"
    assert calm.client.post(f"/api/v1/jobs/{first}/pause").status_code == 409


def test_a_job_is_retried_and_repeated(calm: Served) -> None:
    long = long_job(calm, steps=40)
    act(calm, long, "cancel")
    assert ended(calm, long)["state"] == "interrupted"
    assert act(calm, long, "retry")["attempts"] == 2
    assert ended(calm, long)["state"] == "done"
    assert calm.client.post(f"/api/v1/jobs/{long}/retry").status_code == 409
    (copy,) = act(calm, long, "repeat")["jobs"]
    original, repeated = ended(calm, long)["images"], ended(calm, copy["id"])["images"]
    assert (original[-1]["seed"], repeated[0]["seed"]) == (7, 7)
    chance = submit(calm, seed=-1)["id"]
    seeds = {ended(calm, chance)["images"][0]["seed"]}
    for body in ({"count": 2}, {"same_seeds": True}):
        for each in act(calm, chance, "repeat", body)["jobs"]:
            seeds.add(ended(calm, each["id"])["images"][0]["seed"])
    assert len(seeds) == 3


def test_jobs_are_listed_in_pages_and_forgotten(calm: Served) -> None:
    names = [submit(calm)["id"] for _ in range(5)]
    ended(calm, names[-1])
    page = calm.client.get("/api/v1/jobs", params={"limit": 2, "state": "done"}).json()
    assert [each["id"] for each in page["jobs"]] == [names[4], names[3]]
    page = calm.client.get("/api/v1/jobs", params={"limit": 2, "before": page["next"]}).json()
    assert [each["id"] for each in page["jobs"]] == [names[2], names[1]]
    assert calm.client.get("/api/v1/jobs?state=nonsense").status_code == 422
    image = job(calm, names[0])["images"][0]
    assert calm.client.delete(f"/api/v1/jobs/{names[0]}").status_code == 204
    assert calm.client.get(f"/api/v1/jobs/{names[0]}").status_code == 404
    assert calm.client.get(image["url"]).status_code == 200


def test_an_unknown_job_is_a_404(calm: Served) -> None:
    for action in ("cancel", "skip", "pause", "resume", "retry", "repeat"):
        assert calm.client.post(f"/api/v1/jobs/nobody/{action}").status_code == 404
    assert calm.client.get("/api/v1/jobs/nobody").status_code == 404
    assert calm.client.delete("/api/v1/jobs/nobody").status_code == 404
    assert calm.client.get("/api/v1/jobs/nobody/preview").status_code == 404


def test_the_unfinished_picture_is_seen_by_id(calm: Served) -> None:
    name = long_job(calm)
    wait_until(lambda: calm.client.get(f"/api/v1/jobs/{name}/preview").status_code == 200)
    response = calm.client.get(f"/api/v1/jobs/{name}/preview")
    assert Image.open(io.BytesIO(response.content)).format == "JPEG"
    assert response.headers["etag"].strip('"').isdigit()


def stand(served: Served, **fields: Any) -> dict[str, Any]:
    response = served.client.post("/api/v1/standing/txt2img", json={**SMALL, **fields})
    assert response.status_code == 201, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_standing_job_makes_pictures_with_advancing_seeds_until_there_are_enough(calm: Served) -> None:
    standing = stand(calm, pictures=3, seeds="advance", seed=100)["id"]
    wait_until(lambda: calm.client.get(f"/api/v1/standing/{standing}").json()["state"] == "done")
    info = calm.client.get(f"/api/v1/standing/{standing}").json()
    assert (info["made"], info["note"]) == (3, "All 3 pictures are made.")
    jobs = calm.client.get("/api/v1/jobs", params={"standing": standing}).json()["jobs"]
    assert [job(calm, each["id"])["images"][0]["seed"] for each in jobs] == [102, 101, 100]


def test_a_standing_job_lets_others_pass_and_stops_when_told(calm: Served) -> None:
    standing = stand(calm)["id"]
    assert ended(calm, submit(calm, prompt="in between")["id"])["state"] == "done"
    assert calm.client.get(f"/api/v1/standing/{standing}").json()["state"] == "running"
    assert calm.client.post(f"/api/v1/standing/{standing}/pause").json()["state"] == "paused"
    assert calm.client.post(f"/api/v1/standing/{standing}/pause").status_code == 409
    assert calm.client.post(f"/api/v1/standing/{standing}/resume").json()["state"] == "running"
    assert calm.client.post(f"/api/v1/standing/{standing}/stop").json()["state"] == "stopped"
    wait_until(lambda: calm.app.queue.current is None and not calm.app.queue.waiting)
    listed = calm.client.get("/api/v1/standing").json()["standing"]
    assert (listed[0]["id"], listed[0]["state"]) == (standing, "stopped")
    assert calm.client.post("/api/v1/standing/nobody/stop").status_code == 404


def test_a_standing_job_ends_when_the_disk_is_nearly_full_or_its_time_is_over(calm: Served) -> None:
    full = stand(calm, least_free_gb=10**8)
    assert (full["state"], full["made"]) == ("done", 0)
    assert "GB are free" in full["note"]
    brief = stand(calm, seconds=0.001)["id"]
    wait_until(lambda: calm.client.get(f"/api/v1/standing/{brief}").json()["state"] == "done")
    assert calm.client.get(f"/api/v1/standing/{brief}").json()["note"] == "The 0.001 seconds are over."
    assert calm.client.post("/api/v1/standing/txt2img", json={"pictures": 0}).status_code == 422
