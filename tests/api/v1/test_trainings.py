"""LoRA training over Easel's own routes: a dry run first, then the job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.api.conftest import Served
from tests.training.conftest import put_pictures


def body(folder: Path, name: str, **more: Any) -> dict[str, Any]:
    dataset = {"folder": str(folder), "width": 64, "height": 64}
    output = {"log_folder": str(folder / "log")}
    steps = {"steps": 3, "learning_rate": "1e-3"}
    return {"kind": "lora", "name": name, "dataset": dataset, "steps": steps, "output": output, "wait": True, **more}


def test_a_dry_run_tells_time_and_memory_and_writes_nothing(served: Served, tmp_path: Path) -> None:
    put_pictures(tmp_path, 3)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    before = set(served.data.rglob("*.safetensors"))
    answer = served.client.post("/api/v1/training", json=body(tmp_path, "dry", dry_run=True)).json()
    told = answer["estimate"]
    assert answer["state"] == "done"
    assert told["pictures"] == 3
    assert "broken.png" in told["skipped"][0]
    assert told["steps"] == 3
    assert told["seconds"] > 0
    assert told["learning_bytes"] == told["parameters"] * 16
    assert told["activation_bytes"] > 0
    assert told["total_bytes"] == told["weight_bytes"] + told["learning_bytes"] + told["activation_bytes"]
    assert set(served.data.rglob("*.safetensors")) == before


def test_a_trained_lora_is_listed_and_changes_pictures(served: Served, tmp_path: Path) -> None:
    put_pictures(tmp_path, 2)
    answer = served.client.post(
        "/api/v1/training",
        json=body(tmp_path, "learned", lora={"rank": 4}, steps={"steps": 5, "learning_rate": "0.05"}),
    ).json()
    assert answer["state"] == "done"
    assert answer["path"] == str(served.data / "models" / "Lora" / "learned.safetensors")
    assert answer["step"] == 5
    assert answer["loss"] > 0
    assert served.client.get(f"/api/v1/training/{answer['id']}").json()["path"] == answer["path"]
    assert served.client.get(f"/api/v1/jobs/{answer['id']}").json()["kind"] == "training"
    plain = served.txt2img().json()["images"][0]
    with_it = served.txt2img(prompt="a cat <lora:learned:1>").json()
    assert with_it["images"][0] != plain
    assert "Lora hashes" in with_it["info"]
    again = served.client.post("/api/v1/training", json=body(tmp_path, "learned"))
    assert again.status_code == 422
    assert "already" in again.json()["detail"]


def test_what_is_no_training_is_refused(served: Served, tmp_path: Path) -> None:
    put_pictures(tmp_path, 1)
    for wrong in (
        {"steps": {"learning_rate": "1e-3:x"}},
        {"steps": {"steps": 0}},
        {"kind": "opera"},
        {"lora": {"rank": 0}},
        {"lora": {"rank": 4, "unet": False}},
        {"dataset": {"folder": "/no/such/folder"}},
        {"name": "///"},
        {"unknown": 1},
        {"checkpoint": "nobody's"},
    ):
        answer = served.client.post("/api/v1/training", json={**body(tmp_path, "wrong"), **wrong})
        assert answer.status_code in (404, 422), wrong
    assert served.client.get("/api/v1/training/nothing").status_code == 404
