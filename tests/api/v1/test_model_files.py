"""Easel's own routes for model files: merging and downloading, from request to file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.api.conftest import Served, flags_for, serving, wait_until
from tests.application.hub import Hub, serving_hub
from tests.tiny_models import make_tiny_checkpoint


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("model-files")
    folder = data / "models" / "Stable-diffusion"
    make_tiny_checkpoint(folder / "one.safetensors", "sd1")
    make_tiny_checkpoint(folder / "inpaint.safetensors", "sd1-inpaint")
    make_tiny_checkpoint(folder / "xl.safetensors", "sdxl")
    with serving(flags_for(data)) as served:
        yield served


def test_a_merge_makes_a_checkpoint_that_draws(served: Served) -> None:
    body = {
        "primary_model_name": "inpaint",
        "secondary_model_name": "one",
        "multiplier": 0.5,
        "custom_name": "mixed",
        "metadata_json": '{"note": "mine"}',
        "wait": True,
    }
    answer = served.client.post("/api/v1/checkpoints/merge", json=body)
    assert answer.status_code == 200
    said = answer.json()
    assert said["state"] == "done"
    assert Path(said["path"]).name == "mixed.inpainting.safetensors"
    assert said["size"] == Path(said["path"]).stat().st_size
    folder = served.data / "models" / "Stable-diffusion"
    a, b = load_file(folder / "inpaint.safetensors"), load_file(folder / "one.safetensors")
    key = "model.diffusion_model.out.2.weight"
    expected = a[key] * np.float32(0.5) + b[key] * np.float32(0.5)
    assert np.array_equal(load_file(said["path"])[key], expected)
    names = [model["model_name"] for model in served.client.get("/sdapi/v1/sd-models").json()]
    assert "mixed.inpainting" in names
    drawn = served.txt2img(override_settings={"sd_model_checkpoint": "mixed.inpainting"})
    assert drawn.status_code == 200
    assert "Model: mixed.inpainting" in json.loads(drawn.json()["info"])["infotexts"][0]


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"secondary_model_name": "xl"}, 422, "Choose models of one family"),
        ({"secondary_model_name": "nobody"}, 404, "nobody"),
        ({"secondary_model_name": ""}, 422, "needs a model B"),
        ({"interp_method": "Add difference"}, 422, "needs a model C"),
        ({"interp_method": "Sum twice"}, 422, "interp_method"),
        ({"discard_weights": "("}, 422, "regular expression"),
        ({"metadata_json": "[1]"}, 422, "metadata_json"),
        ({"bake_in_vae": "no.vae"}, 404, "no.vae"),
        ({"primary_model_name": " "}, 422, "model A"),
    ],
)
def test_a_merge_that_cannot_work_says_why(served: Served, changes: dict[str, str], status: int, words: str) -> None:
    body = {"primary_model_name": "one", "secondary_model_name": "one", "custom_name": "no", "wait": True, **changes}
    answer = served.client.post("/api/v1/checkpoints/merge", json=body)
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert not (served.data / "models" / "Stable-diffusion" / "no.safetensors").exists()


@pytest.fixture
def hub(served: Served) -> Iterator[Hub]:
    served.app.settings.change({"api_forbid_local_requests": False})
    with serving_hub((served.data / "models" / "Stable-diffusion" / "one.safetensors").read_bytes()) as hub:
        yield hub
    served.app.settings.change({"api_forbid_local_requests": True})


def test_a_checkpoint_is_fetched_and_then_in_the_list(served: Served, hub: Hub) -> None:
    body = {"url": f"{hub.base}/resolve/main/fetched.safetensors", "sha256": hub.sha256}
    job = served.client.post("/api/v1/models/download", json=body).json()
    assert (job["kind"], job["title"]) == ("download", "fetched.safetensors from 127.0.0.1")
    waiting = served.app.queue.find(job["id"])
    assert waiting is not None
    waiting.wait(60)
    names = [model["model_name"] for model in served.client.get("/sdapi/v1/sd-models").json()]
    assert "fetched" in names
    again = served.client.post("/api/v1/models/download", json={**body, "wait": True})
    assert again.status_code == 422
    assert "there already" in again.json()["detail"]


def test_a_download_that_fails_says_why(served: Served, hub: Hub) -> None:
    body = {"url": f"{hub.base}/x.safetensors", "sha256": "0" * 64, "wait": True}
    answer = served.client.post("/api/v1/models/download", json=body)
    assert answer.status_code == 422
    assert "thrown away" in answer.json()["detail"]
    for url in ("ftp://example.org/x.safetensors", "http://user:word@example.org/x.safetensors", "x.safetensors", ""):
        assert served.client.post("/api/v1/models/download", json={**body, "url": url}).status_code == 422


@pytest.mark.parametrize(
    "flags", [{"offline": True}, {"no_download_sd_model": True}, {"listen": True}], ids=lambda flags: next(iter(flags))
)
def test_the_way_it_was_started_can_forbid_downloads(tmp_path: Path, flags: dict[str, bool]) -> None:
    with serving(flags_for(tmp_path, **flags)) as served:
        body = {"url": "http://example.org/x.safetensors"}
        answer = served.client.post("/api/v1/models/download", json=body)
        assert answer.status_code == 403
        assert "--" in answer.json()["detail"]
        assert served.app.queue.waiting == ()


def test_hashes_are_calculated_and_the_checkpoint_leaves_the_memory_and_comes_back(served: Served) -> None:
    def hashes() -> list[dict[str, str]]:
        told = served.client.get("/api/v1/models", params={"kind": "checkpoint", "broken": False}).json()
        return [item["hashes"] for item in told["items"]]

    answer = served.client.post("/api/v1/models/hash", json={"kinds": ["checkpoint"]})
    assert answer.status_code == 200
    wait_until(lambda: all("sha256" in each for each in hashes()))
    assert served.client.post("/api/v1/models/hash", json={"kinds": ["sofa"]}).status_code == 422
    assert served.client.post("/api/v1/checkpoint/unload").status_code == 204
    assert served.client.post("/api/v1/checkpoint/reload").status_code == 204
    assert served.app.engine.model is not None
