from __future__ import annotations

import base64
import io
import shutil

import httpx

from tests.api.conftest import Served
from tests.interrogate import tiny


def picture() -> str:
    buffer = io.BytesIO()
    tiny.picture().save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def asked(served: Served, model: str = "clip", image: str | None = None) -> httpx.Response:
    body = {"image": picture() if image is None else image, "model": model}
    return served.client.post("/sdapi/v1/interrogate", json=body)


def test_files_that_are_missing_are_named_with_their_folder(served: Served) -> None:
    for model, file, folder in (
        ("clip", "blip-image-captioning-base", "BLIP"),
        ("deepdanbooru", "model-resnet_custom_v3.pt", "torch_deepdanbooru"),
        ("deepbooru", "model-resnet_custom_v3.pt", "torch_deepdanbooru"),
        ("wd14-vit-v3", "selected_tags.csv", "WD14"),
    ):
        answer = asked(served, model)
        assert answer.status_code == 422
        detail = answer.json()["detail"]
        assert file in detail
        assert str(served.data / "models" / folder) in detail
        assert "https://" in detail


def test_what_never_could_be_described_is_told_so(served: Served) -> None:
    folder = served.data / "models" / "torch_deepdanbooru"
    tiny.write_booru(folder)
    try:
        assert asked(served, "nobody").status_code == 404
        assert asked(served, "deepdanbooru", "AAAA").status_code == 422
        assert served.client.post("/sdapi/v1/interrogate", json={}).status_code == 404
        (folder / "model-resnet_custom_v3.pt").write_bytes(b"no model")
        broken = asked(served, "deepdanbooru")
        assert broken.status_code == 422
        assert "model-resnet_custom_v3.pt" in broken.json()["detail"]
    finally:
        shutil.rmtree(folder)


def test_each_model_describes_a_picture_in_its_turn(served: Served) -> None:
    models = served.data / "models"
    tiny.write_blip_folder(models / "BLIP", tiny.blip())
    tiny.write_clip_folder(models / "CLIP" / "small", tiny.clip())
    tiny.write_booru(models / "torch_deepdanbooru")
    before = dict(served.client.get("/sdapi/v1/options").json())
    try:
        served.client.post("/sdapi/v1/options", json={"interrogate_deepbooru_score_threshold": 0})
        caption = asked(served, "blip").json()["caption"]
        whole = asked(served).json()
        assert set(whole) == {"caption"}
        assert whole["caption"].startswith(f"{caption}, ")
        tags = r"1girl, long hair, saber \(fate\), solo"
        assert asked(served, "deepdanbooru").json()["caption"] == tags
        assert asked(served, "deepdanbooru", f"data:image/png;base64,{picture()}").json()["caption"] == tags
        assert served.app.engine.interrogators.loaded == ()
    finally:
        served.client.post("/sdapi/v1/options", json=before)
        for name in ("BLIP", "CLIP", "torch_deepdanbooru"):
            shutil.rmtree(models / name)
