"""Files and names as other systems and programs leave them, over the whole API."""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests.api.conftest import Served, flags_for, serving
from tests.tiny_models import make_tiny_sd1

HALF = "half \ud83d"
LORA_KEY = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
TITLE = "anim\u00e9/tiny.safetensors"
WINDOWS = "anim\u00e9\\tiny.safetensors [0123456789]"


def put_raw(path: Path, **metadata: Any) -> Path:
    """A LoRA whose header is written as it comes, escapes of half characters and all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = json.dumps(
        {"__metadata__": metadata, LORA_KEY: {"dtype": "F32", "shape": [1, 768], "data_offsets": [0, 3072]}}
    ).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(3072))
    return path


def put_notes(path: Path) -> None:
    notes = {"description": HALF, "activation text": HALF, "notes": HALF, HALF: HALF, "preferred weight": HALF}
    path.with_suffix(".json").write_text(json.dumps(notes), encoding="utf-8")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("foreign")
    models = data / "models"
    tiny = models / "Stable-diffusion" / unicodedata.normalize("NFD", TITLE)
    make_tiny_sd1(tiny)
    make_tiny_sd1(models / "Stable-diffusion" / "other.safetensors")
    put_notes(tiny)
    for folder in ("Lora", "hypernetworks", "VAE"):
        (models / folder).mkdir()
    frequency = json.dumps({"10_a": {HALF: 4}})
    put_notes(
        put_raw(models / "Lora" / "half.safetensors", ss_output_name=HALF, ss_tag_frequency=frequency, **{HALF: HALF})
    )
    put_raw(models / "Lora" / "colon.safetensors", ss_output_name="style: ink")
    (data / "embeddings").mkdir()
    embedding = {
        "string_to_param": {"*": torch.zeros(1, 48)},
        "string_to_token": {"*": 265},
        "name": HALF,
        "sd_checkpoint_name": HALF,
        "step": 3,
    }
    torch.save(embedding, data / "embeddings" / "half.pt")
    hyper = {48: ({}, {}), "name": HALF, "step": 1, "sd_checkpoint_name": HALF}
    torch.save(hyper, models / "hypernetworks" / "half.pt")
    save_file(
        {"decoder.conv_in.weight": torch.zeros(1)}, models / "VAE" / "b.safetensors", {"note": "halves cannot be here"}
    )
    with serving(flags_for(data, nowebui=True)) as served:
        served.app.settings.change({"sd_model_checkpoint": "other.safetensors"})
        yield served


LISTS = [
    "/sdapi/v1/sd-models",
    "/sdapi/v1/sd-vae",
    "/sdapi/v1/loras",
    "/sdapi/v1/hypernetworks",
    "/sdapi/v1/embeddings",
    "/sdapi/v1/upscalers",
    "/sdapi/v1/prompt-styles",
    "/sdapi/v1/options",
    "/v1/models",
    "/api/v1/models",
    "/api/v1/models?kind=lora",
    "/sd_extra_networks/metadata?page=lora&item=half",
    "/sd_extra_networks/get-single-card?page=lora&tabname=txt2img&name=half",
    "/sd_extra_networks/get-single-card?page=lora&tabname=txt2img&name=colon",
    "/sd_extra_networks/get-single-card?page=textual%20inversion&tabname=txt2img&name=half",
    "/sd_extra_networks/get-single-card?page=hypernetworks&tabname=txt2img&name=half",
    f"/sd_extra_networks/get-single-card?page=checkpoints&tabname=txt2img&name={quote(TITLE)}",
]


@pytest.mark.parametrize("address", LISTS)
def test_half_a_character_somewhere_in_a_file_spoils_no_list(foreign: Served, address: str) -> None:
    for _ in range(2):  # what was found out is read from the index the second time
        answer = foreign.client.get(address)
        assert answer.status_code == 200
        answer.text.encode()
        foreign.app.library.collections["lora"].settle()


def test_the_card_of_a_network_shows_a_tag_that_finds_it(foreign: Served) -> None:
    address = "/sd_extra_networks/get-single-card?page=lora&tabname=txt2img&name=colon"
    assert "lora:colon:" in foreign.client.get(address).text


@pytest.mark.parametrize(
    "fields",
    [
        {"override_settings": {"sd_model_checkpoint": WINDOWS}},
        {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.5, "hr_checkpoint_name": WINDOWS},
        {"refiner_checkpoint": WINDOWS, "refiner_switch_at": 0.5},
    ],
    ids=["override", "hires", "refiner"],
)
def test_a_checkpoint_is_found_under_the_name_that_windows_wrote(foreign: Served, fields: dict[str, Any]) -> None:
    answer = foreign.txt2img(steps=3, **fields)
    assert answer.status_code == 200
    assert not json.loads(answer.json()["info"]).get("warnings")


def test_the_settings_take_the_name_that_windows_wrote(foreign: Served) -> None:
    before = foreign.app.settings.current.sd_model_checkpoint
    assert foreign.client.post("/sdapi/v1/options", json={"sd_model_checkpoint": WINDOWS}).status_code == 200
    try:
        title = foreign.client.get("/sdapi/v1/options").json()["sd_model_checkpoint"]
        assert unicodedata.normalize("NFC", title).startswith(TITLE)
    finally:
        foreign.app.settings.change({"sd_model_checkpoint": before})


def test_a_vae_is_found_under_a_path_that_windows_wrote(foreign: Served) -> None:
    assert foreign.client.post("/sdapi/v1/options", json={"sd_vae": "sub\\b.safetensors"}).status_code == 200
    foreign.app.settings.change({"sd_vae": "Automatic"})


def encoded(levels: np.ndarray, file: str) -> str:
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, file)
    return base64.b64encode(buffer.getvalue()).decode()


def test_pictures_of_16_bits_make_what_their_8_bit_twins_make(foreign: Served) -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint16) * 4, (64, 1))
    twins = {
        "8 bits": encoded(ramp.astype(np.uint8), "PNG"),
        "16 bits": encoded(ramp * 257, "PNG"),
        "big-endian": encoded((ramp * 257).astype(">u2"), "TIFF"),
        "32 bits": encoded(ramp.astype(np.int32) * 257, "TIFF"),
        "floats": encoded(ramp.astype(np.float32) / 255, "TIFF"),
    }
    body = {"prompt": "a", "steps": 2, "seed": 1, "width": 64, "height": 64, "denoising_strength": 0.5}
    made: dict[str, str] = {}
    for name, picture in twins.items():
        answer = foreign.client.post(
            "/sdapi/v1/img2img", json={**body, "init_images": [picture], "mask": picture, "mask_blur": 0}
        )
        assert answer.status_code == 200, name
        made[name] = answer.json()["images"][0]
        assert foreign.client.post("/sdapi/v1/png-info", json={"image": picture}).status_code == 200
    assert set(made.values()) == {made["8 bits"]}


def test_an_edit_takes_a_picture_of_16_bits(foreign: Served) -> None:
    levels = np.tile(np.arange(64, dtype=np.uint16) * 4, (64, 1))
    form = {"prompt": "a", "size": "64x64", "steps": 2, "seed": 1, "response_format": "b64_json"}
    answers = [
        foreign.client.post("/v1/images/edits", json={**form, "image": encoded(each, "PNG"), "mask": mask}).json()
        for each, mask in (
            (levels.astype(np.uint8), encoded(levels.astype(np.uint8), "PNG")),
            (levels * 257, encoded(levels * 257, "PNG")),
        )
    ]
    assert answers[0]["data"][0]["b64_json"] == answers[1]["data"][0]["b64_json"]


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/sdapi/v1/img2img", {"init_images": ["bm8gcGljdHVyZQ=="]}),
        ("/sdapi/v1/png-info", {"image": "bm8gcGljdHVyZQ=="}),
        ("/sdapi/v1/extra-single-image", {"image": "bm8gcGljdHVyZQ=="}),
        ("/v1/images/edits", {"prompt": "a", "image": "bm8gcGljdHVyZQ=="}),
    ],
)
def test_what_is_no_picture_is_said_in_words_for_people(foreign: Served, route: str, body: dict[str, Any]) -> None:
    answer = foreign.client.post(route, json=body)
    assert answer.status_code in (400, 404, 422)
    assert " object at " not in answer.text
    assert "no picture that can be read" in answer.text


def test_an_edit_without_a_picture_says_that_it_is_missing(foreign: Served) -> None:
    for missing in ({}, {"image": None}, {"image": []}, {"image": ""}, {"images": [None]}):
        message = foreign.client.post("/v1/images/edits", json={"prompt": "a", **missing}).json()["error"]["message"]
        assert "missing" in message
        assert "came" not in message
    two = foreign.client.post("/v1/images/edits", json={"prompt": "a", "image": ["a", "b"]}).json()["error"]["message"]
    assert "2 came" in two


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_models_while_their_target_is_there(foreign: Served) -> None:
    folder = foreign.data / "models" / "Stable-diffusion"
    link = folder / "link.safetensors"
    link.symlink_to(folder / "other.safetensors")
    (folder / "gone.safetensors").symlink_to(folder / "nowhere.safetensors")
    foreign.client.post("/sdapi/v1/refresh-checkpoints")
    names = [each["title"].partition(" [")[0] for each in foreign.client.get("/sdapi/v1/sd-models").json()]
    assert "link.safetensors" in names
    assert "gone.safetensors" not in names
    answer = foreign.txt2img(override_settings={"sd_model_checkpoint": "link"})
    assert answer.status_code == 200
