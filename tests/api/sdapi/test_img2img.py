"""img2img and inpainting over HTTP: masks, soft inpainting, what is refused, batches over folders."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.api.conftest import Served

SOFT = {"Soft Inpainting": {"args": [True, 1, 0.5, 4, 0, 0.5, 2]}}


def encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def decoded(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


SOURCE = Image.radial_gradient("L").resize((64, 64)).convert("RGB")
MASK = Image.new("L", (64, 64))
MASK.paste(255, (16, 16, 48, 48))
BODY: dict[str, Any] = {
    "prompt": "a cat",
    "steps": 2,
    "width": 64,
    "height": 64,
    "seed": 1,
    "denoising_strength": 0.6,
    "init_images": [encoded(SOURCE)],
}


def inpaint(served: Served, **fields: Any) -> dict[str, Any]:
    response = served.client.post("/sdapi/v1/img2img", json={**BODY, "mask": encoded(MASK), **fields})
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_mask_may_be_grey_coloured_or_an_alpha_channel(served: Served, mode: str) -> None:
    mask = MASK.convert(mode)
    if mode == "RGBA":
        mask = Image.new("RGBA", MASK.size, "black")
        mask.putalpha(MASK)
    answer = inpaint(served, mask=encoded(mask), inpaint_full_res=False, mask_blur=0)
    result = np.asarray(decoded(answer["images"][0]))
    kept = np.asarray(MASK) == 0
    assert np.array_equal(result[kept], np.asarray(SOURCE)[kept])
    assert not np.array_equal(result, np.asarray(SOURCE))
    assert answer["parameters"]["mask"] is None
    assert answer["parameters"]["init_images"] is None
    whole = inpaint(served, mask=encoded(mask), include_init_images=True)["parameters"]
    assert whole["mask"] == encoded(mask)
    assert whole["init_images"] == BODY["init_images"]


def test_masks_come_behind_their_pictures(served: Served) -> None:
    answer = inpaint(served, override_settings={"return_mask": True, "return_mask_composite": True})
    assert [decoded(text).mode for text in answer["images"]] == ["RGB", "RGB", "RGBA"]
    assert len(json.loads(answer["info"])["infotexts"]) == 3


def test_defaults_are_those_that_clients_know(served: Served) -> None:
    text = json.loads(inpaint(served)["info"])["infotexts"][0]
    assert (
        "Denoising strength: 0.6, Mask blur: 4, Inpaint area: Only masked, Masked area padding: 0, Masked content: fill"
    ) in text


def test_soft_inpainting_is_an_always_on_script_and_comes_back_from_its_infotext(served: Served) -> None:
    first = inpaint(served, alwayson_scripts=SOFT, inpaint_full_res=False)
    text = json.loads(first["info"])["infotexts"][0]
    assert "Soft inpainting enabled: True, Soft inpainting schedule bias: 1," in text
    again = served.client.post(
        "/sdapi/v1/img2img",
        json={"infotext": text, "init_images": BODY["init_images"], "mask": encoded(MASK)},
    ).json()
    assert json.loads(again["info"])["infotexts"][0] == text
    assert again["images"] == first["images"]
    off = inpaint(served, alwayson_scripts={"soft inpainting": {"args": [False]}}, inpaint_full_res=False)
    assert "Soft inpainting" not in json.loads(off["info"])["infotexts"][0]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mask": "no picture"}, "mask"),
        ({"mask": encoded(MASK)[:80]}, "mask"),
        ({"latent_mask": "no picture"}, "latent_mask"),
        ({"inpainting_fill": 7}, "inpainting_fill must be one of 0 (fill), 1 (original)"),
        ({"resize_mode": 9}, "resize_mode must be one of 0 (stretch)"),
        ({"mask_blur": -3}, "mask_blur_x"),
        ({"inpaint_full_res_padding": -1}, "inpaint_full_res_padding"),
        ({"denoising_strength": 1.5}, "denoising_strength"),
        ({"alwayson_scripts": {"soft inpainting": {"args": [True, 99]}}}, "Schedule bias must lie between 0 and 8"),
        ({"alwayson_scripts": {"soft inpainting": {"args": [True, "x"]}}}, "Schedule bias"),
        ({"steps": 0}, "steps"),
        ({"init_images": [encoded(SOURCE)] * 3}, "3 init images are more than the 1 pictures asked for"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_painted_is_refused_with_a_sentence(served: Served, fields: dict[str, Any], words: str) -> None:
    response = served.client.post("/sdapi/v1/img2img", json={**BODY, "mask": encoded(MASK), **fields})
    assert response.status_code == 422
    assert words in response.json()["detail"]


def test_sizes_and_masks_that_do_not_fit_are_adapted_and_said_so(served: Served) -> None:
    answer = inpaint(served, width=70, height=75, mask=encoded(MASK.resize((32, 48))), inpaint_full_res=False)
    assert decoded(answer["images"][0]).size == (64, 72)
    warnings = " ".join(json.loads(answer["info"])["warnings"])
    assert "changed to 64x72" in warnings
    assert "The mask has 32x48 pixels and the picture 64x64" in warnings


def test_a_folder_is_done_as_a_job_and_its_failures_reported(served: Served, tmp_path: Path) -> None:
    for name in ("one", "two"):
        SOURCE.save(tmp_path / f"{name}.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "one.png").read_bytes()[:100])
    (tmp_path / "masks").mkdir()
    MASK.save(tmp_path / "masks" / "all.png")
    body = {key: value for key, value in BODY.items() if key != "init_images"}
    folders = {
        "input_dir": str(tmp_path),
        "output_dir": str(tmp_path / "out"),
        "inpaint_mask_dir": str(tmp_path / "masks"),
    }
    job = served.client.post("/api/v1/jobs/img2img-batch", json={**body, **folders})
    assert job.status_code == 201, job.text
    job_id = job.json()["id"]
    served.app.queue.find(job_id).wait(120)  # type: ignore[union-attr]
    report = served.client.get(f"/api/v1/jobs/{job_id}/files").json()
    assert (report["total"], report["done"], report["interrupted"]) == (3, 2, False)
    (failed,) = report["failed"]
    assert failed["source"].endswith("torn.png")
    assert "cannot" in failed["error"] or "can be read" in failed["error"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"one.png", "two.png"}
    assert served.client.get(f"/api/v1/jobs/{job_id}").json()["state"] == "done"


def test_folders_that_are_not_there_are_refused_at_once(served: Served, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    for fields in ({"input_dir": gone}, {"input_dir": str(tmp_path), "inpaint_mask_dir": gone}, {"input_dir": " "}):
        response = served.client.post("/api/v1/jobs/img2img-batch", json={"prompt": "a cat", **fields})
        assert response.status_code == 422
        assert next(key for key in fields if fields[key] in (gone, " ")) in response.text or "gone" in response.text
    assert served.client.get("/api/v1/jobs/unknown/files").status_code == 404
