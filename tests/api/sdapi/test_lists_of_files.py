"""Lists of model files with their pictures and notes, and A1111's routes of cards."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.api.conftest import Served, flags_for, serving, wait_until
from tests.tiny_models import make_tiny_sd1

NAN = float("nan")


def picture(kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2), "teal").save(buffer, kind)
    return buffer.getvalue()


def put_lora(folder: Path, name: str, number: float = 1.0, **metadata: str) -> Path:
    path = folder / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    key = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
    save_file({key: torch.full((1, 768), number)}, path, metadata or None)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over some LoRA files, one of them with everything beside it."""
    data = tmp_path_factory.mktemp("files")
    folder = data / "models" / "Lora"
    covers = json.dumps([base64.b64encode(picture("JPEG")).decode(), "no picture"])
    tags = json.dumps({"10_a": {"blue sky": 4, "hat": 9}, "2_b": {"hat": 1}})
    path = put_lora(folder, "people/Zoe", ss_output_name="zoe v2", ssmd_cover_images=covers, ss_tag_frequency=tags)
    path.with_suffix(".preview.png").write_bytes(picture())
    path.with_suffix(".txt").write_text("A friend.", encoding="utf-8")
    notes = {"activation text": "zoe person", "preferred weight": 0.7, "notes": "<b>mine</b>", "negative text": "hat"}
    path.with_suffix(".json").write_text(json.dumps(notes), encoding="utf-8")
    put_lora(folder, "broken", NAN)
    put_lora(folder, "a/twice")
    put_lora(folder, "b/twice")
    (folder / "cut.safetensors").write_bytes(path.read_bytes()[:-9])
    (folder / "secret.txt").write_text("not for everybody", encoding="utf-8")
    (folder / "stranger.png").write_bytes(picture())
    with serving(flags_for(data, nowebui=True, no_hashing=True)) as served:
        yield served


def listed(files: Served, **query: Any) -> list[dict[str, Any]]:
    return files.client.get("/api/v1/models", params=query).raise_for_status().json()["items"]


def known(files: Served) -> list[dict[str, Any]]:
    files.app.networks.collections["lora"].settle()
    return listed(files, kind="lora")


def test_broken_files_are_listed_with_the_reason_and_the_others_without(files: Served) -> None:
    problems = {item["path"].rsplit("Lora/", 1)[1].replace("\\", "/"): item["problem"] for item in known(files)}
    assert problems["people/Zoe.safetensors"] is None
    assert problems["a/twice.safetensors"] is None
    assert "not numbers" in problems["broken.safetensors"]
    assert "cut off" in problems["cut.safetensors"]
    assert "same name" in problems["b/twice.safetensors"]
    assert all(path in problem for path, problem in problems.items() if problem and "/" not in path)
    assert {item["name"] for item in listed(files, kind="lora", broken=True)} == {"broken", "cut", "twice"}
    assert listed(files, kind="lora", broken=False, limit=1)[0]["name"] == "twice"


def test_a_file_is_found_by_words_of_its_name_folder_alias_and_tags(files: Served) -> None:
    known(files)
    for words in ("zoe", "PEOPLE", "v2", "blue zoe", "sd1 hat"):
        assert [item["name"] for item in listed(files, kind="lora", search=words)] == ["Zoe"], words
    assert listed(files, kind="lora", search="zoe green") == []


def test_lists_come_sorted_and_a_page_at_a_time(files: Served) -> None:
    answer = files.client.get("/api/v1/models", params={"kind": "lora", "limit": 2, "offset": 1}).json()
    assert [item["name"] for item in answer["items"]] == ["cut", "twice"]
    assert answer["total"] == 5
    names = [item["name"] for item in listed(files, kind="lora", sort="path", order="desc")]
    assert names == ["Zoe", "cut", "broken", "twice", "twice"]
    assert files.client.get("/api/v1/models", params={"kind": "flower"}).status_code == 422


def test_one_file_is_told_with_its_notes_tags_and_hashes(files: Served) -> None:
    item = files.client.get("/api/v1/models/lora/Zoe", params={"hash": True}).json()
    assert (item["alias"], item["family"], item["description"], item["covers"]) == ("zoe v2", "SD1", "A friend.", 2)
    assert item["user_metadata"]["activation text"] == "zoe person"
    assert item["tags"] == {"hat": 10, "blue sky": 4}
    assert list(item["tags"]) == ["hat", "blue sky"]
    assert item["metadata"]["ss_tag_frequency"]["10_a"]["hat"] == 9
    wait_until(lambda: "autov3" in files.client.get("/api/v1/models/lora/Zoe").json()["hashes"])
    hashes = files.client.get("/api/v1/models/lora/Zoe").json()["hashes"]
    assert hashes["autov3"] == hashes["addnet"][:12]
    wait_until(lambda: "sha256" in files.client.get("/api/v1/models/lora/Zoe").json()["hashes"])
    assert [each["name"] for each in listed(files, kind="lora", search=hashes["addnet"][:10])] == ["Zoe"]
    assert files.client.get("/api/v1/models/lora/nobody").status_code == 404


def test_a_picture_beside_a_model_is_served_and_no_other_file(files: Served) -> None:
    folder = files.data / "models" / "Lora"
    (item,) = listed(files, kind="lora", search="zoe")
    answer = files.client.get(item["preview"].removeprefix("."))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content == picture()
    elsewhere = files.data / "outside.png"
    elsewhere.write_bytes(picture())
    refused = [
        "",
        str(folder / "secret.txt"),
        str(folder / "stranger.png"),
        str(folder / "people" / "Zoe.safetensors"),
        str(folder / "people" / "Zoe.json"),
        str(elsewhere),
        str(folder / ".." / ".." / "outside.png"),
        "../../outside.png",
        "people/Zoe.preview.png",
        "/etc/passwd",
        "a\0.png",
    ]
    for name in refused:
        answer = files.client.get(f"/sd_extra_networks/thumb?filename={quote(name)}")
        assert answer.status_code == 404, name
        assert answer.json() == {"error": "HTTPException", "detail": "File not found", "body": "", "errors": ""}


def test_pictures_in_the_header_are_served(files: Served) -> None:
    answer = files.client.get("/sd_extra_networks/cover-images", params={"page": "Lora", "item": "Zoe"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content == picture("JPEG")
    for other in ({"index": 1}, {"index": 2}, {"index": -1}, {"item": "twice"}, {"page": "none"}, {"item": ""}):
        query = {"page": "lora", "item": "Zoe", **other}
        answer = files.client.get("/sd_extra_networks/cover-images", params=query)
        assert answer.status_code == 404, query
    assert files.client.get("/sd_extra_networks/cover-images").json()["detail"] == "File not found"


def test_metadata_is_told_as_text_without_pictures(files: Served) -> None:
    answer = files.client.get("/sd_extra_networks/metadata", params={"page": "lora", "item": "Zoe"}).json()
    metadata = json.loads(answer["metadata"])
    assert metadata["ss_tag_frequency"]["2_b"] == {"hat": 1}
    assert set(metadata) == {"ss_output_name", "ss_tag_frequency"}
    assert files.client.get("/sd_extra_networks/metadata", params={"page": "lora", "item": "no"}).json() == {}
    assert files.client.get("/sd_extra_networks/metadata").json() == {}


def test_a_card_names_what_a_click_adds_and_escapes_what_files_say(files: Served) -> None:
    path = files.data / "models" / "Lora" / "people" / "Zoe.json"
    before = path.read_text(encoding="utf-8")
    query = {"page": "lora", "tabname": "txt2img", "name": "Zoe"}
    card = files.client.get("/sd_extra_networks/get-single-card", params=query).json()["html"]
    assert 'data-prompt="&lt;lora:zoe v2:0.7&gt; zoe person"' in card
    assert 'data-neg-prompt="hat"' in card
    assert "A friend." in card
    path.write_text(json.dumps({"description": "<script>x</script>"}), encoding="utf-8")
    card = files.client.get("/sd_extra_networks/get-single-card", params=query).json()["html"]
    path.write_text(before, encoding="utf-8")
    assert "&lt;script&gt;" in card
    assert "<script>" not in card
    assert files.client.get("/sd_extra_networks/get-single-card").status_code == 404


def test_files_that_come_and_go_are_listed_without_a_refresh(files: Served) -> None:
    path = put_lora(files.data / "models" / "Lora", "late")
    assert [item["name"] for item in listed(files, kind="lora", search="late")] == ["late"]
    assert "late" in [item["name"] for item in files.client.get("/sdapi/v1/loras").json()]
    path.rename(path.with_name("later.safetensors"))
    assert [item["name"] for item in listed(files, kind="lora", search="late")] == ["later"]
    path.with_name("later.safetensors").unlink()
    assert listed(files, kind="lora", search="late") == []
    assert files.client.post("/api/v1/refresh-models").status_code == 200


def test_a_broken_checkpoint_is_listed_and_the_program_lives_on(files: Served) -> None:
    path = files.data / "models" / "Stable-diffusion" / "page.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<!DOCTYPE html><title>404</title>" + " " * 100, encoding="utf-8")
    item = files.client.get("/api/v1/models/checkpoint/page.safetensors").json()
    assert "web page" in item["problem"]
    assert str(path) in item["problem"]
    assert "page" in [each["model_name"] for each in files.client.get("/sdapi/v1/sd-models").json()]
    answer = files.txt2img(override_settings={"sd_model_checkpoint": "page.safetensors"})
    assert answer.status_code == 422
    assert str(path) in answer.json()["detail"]
    assert files.client.get("/internal/ping").status_code == 200


def test_what_loading_found_out_is_listed_until_it_loads(files: Served, tmp_path: Path) -> None:
    tiny = make_tiny_sd1(tmp_path / "tiny.safetensors")
    with safe_open(tiny, framework="pt") as opened:
        metadata = opened.metadata()
    tensors = load_file(tiny)
    bias = tensors.pop("model.diffusion_model.out.2.bias")
    path = files.data / "models" / "Stable-diffusion" / "lacking.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata)
    request = {"override_settings": {"sd_model_checkpoint": "lacking"}, "steps": 1}
    address = "/api/v1/models/checkpoint/lacking.safetensors"
    assert files.txt2img(**request).status_code == 422
    assert "out" in files.client.get(address).json()["problem"]
    save_file({**tensors, "model.diffusion_model.out.2.bias": bias}, path, metadata)
    made = files.txt2img(**request).json()
    assert files.client.get(address).json()["problem"] is None
    # --no-hashing: nothing was computed, so nothing is named by it.
    assert "Model hash" not in json.loads(made["info"])["infotexts"][0]
    assert "Model: lacking" in json.loads(made["info"])["infotexts"][0]
    assert "sha256" not in files.client.get(address).json()["hashes"]
