"""What Prometheus is told."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import Served


def figures(served: Served) -> dict[tuple[str, ...], float]:
    response = served.client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_jobs_pictures_steps_and_seconds_are_counted(served: Served) -> None:
    before = figures(served)
    assert served.txt2img(steps=3, n_iter=2).status_code == 200
    assert served.txt2img(steps=1, override_settings={"sd_model_checkpoint": "no such"}).status_code == 404
    after = figures(served)

    def grown(name: str, *labels: str) -> float:
        key = (name, *sorted(labels))
        return after[key] - before.get(key, 0)

    assert grown("easel_jobs_total", "txt2img", "done") == 1
    assert grown("easel_pictures_total") == 2
    assert grown("easel_steps_total") == 6
    assert grown("easel_phase_seconds_count", "sample") == 1
    assert grown("easel_phase_seconds_bucket", "sample", "+Inf") == 1
    assert grown("easel_phase_seconds_sum", "sample") > 0
    assert after["easel_steps_per_second",] > 0
    assert after["easel_queue_jobs", "running"] == after["easel_queue_jobs", "waiting"] == 0
    assert after["easel_resident_bytes",] > 1e7
    assert 0 < after["easel_memory_bytes", "available", "host"] < after["easel_memory_bytes", "host", "total"]


def test_a_prompt_that_was_encoded_before_is_a_hit(served: Served) -> None:
    served.txt2img(prompt="counted once", steps=1)
    before = figures(served)
    served.txt2img(prompt="counted once", steps=1)
    after = figures(served)
    yes, no = (("easel_cache_requests_total", "conditioning", found) for found in ("yes", "no"))
    assert after[yes] > before[yes]
    assert after[no] == before[no]


def test_failed_jobs_are_counted_as_failed(served: Served) -> None:
    path = served.data / "models" / "Stable-diffusion" / "broken-for-metrics.safetensors"
    path.write_bytes(b"not a model")
    try:
        assert served.txt2img(override_settings={"sd_model_checkpoint": path.name}).status_code == 422
    finally:
        path.unlink()
    assert figures(served)["easel_jobs_total", "failed", "txt2img"] >= 1
