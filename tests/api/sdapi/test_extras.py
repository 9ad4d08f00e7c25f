"""Working on pictures that are there already."""

from __future__ import annotations

import base64
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.api.conftest import Served, wait_until
from tests.parity import make_tiny

IMAGEOPS = Path(__file__).parents[2] / "parity/tables/imageops"
RECORDED = Path(__file__).parent / "data"
PARAMETERS = "a cat\nSteps: 5, Sampler: Euler, Seed: 1"


@pytest.fixture(scope="module")
def served_upscaler(session_server: Served) -> Served:
    folder = session_server.data / "models" / "ESRGAN"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        make_tiny.esrgan(str(folder / "tiny-esrgan-x4.pth"))
    (folder / "broken.pth").write_bytes(b"<html>")
    session_server.app.upscalers.refresh()
    return session_server


def source(*, text: str | None = PARAMETERS, name: str = "src_40x24.png") -> str:
    with Image.open(IMAGEOPS / name) as image:
        chunks = PngInfo()
        if text:
            chunks.add_text("parameters", text)
        buffer = io.BytesIO()
        image.save(buffer, "PNG", pnginfo=chunks)
    return base64.b64encode(buffer.getvalue()).decode()


def opened(answer: str) -> Image.Image:
    image = Image.open(io.BytesIO(base64.b64decode(answer)))
    image.load()
    return image


def single(served: Served, **fields: Any) -> Any:
    return served.client.post("/sdapi/v1/extra-single-image", json={"image": source(), **fields})


@pytest.mark.parametrize("upscaler", ["tiny-esrgan-x4", "Lanczos", "Nearest"])
@pytest.mark.parametrize("scale", [2, 4])
def test_a_picture_is_enlarged_as_recorded(served_upscaler: Served, upscaler: str, scale: int) -> None:
    answer = single(served_upscaler, upscaler_1=upscaler, upscaling_resize=scale).json()
    picture = opened(answer["image"])
    with Image.open(IMAGEOPS / f"upscale_{upscaler}_{scale}.png") as wanted:
        levels = np.abs(np.asarray(picture, dtype=int) - np.asarray(wanted.convert("RGB"), dtype=int))
    assert levels.max() <= 1
    assert answer["html_info"] == f"<p>Postprocess upscale by: {scale}.0, Postprocess upscaler: {upscaler}</p>"


def test_the_text_of_a_picture_stays_and_says_what_was_done(served_upscaler: Served) -> None:
    picture = opened(single(served_upscaler, upscaler_1="Lanczos", upscaling_resize=2).json()["image"])
    assert picture.info["parameters"] == PARAMETERS
    assert picture.info["postprocessing"] == "Postprocess upscale by: 2.0, Postprocess upscaler: Lanczos"


def test_a_size_is_covered_and_cropped(served_upscaler: Served) -> None:
    answer = single(
        served_upscaler, resize_mode=1, upscaling_resize_w=100, upscaling_resize_h=100, upscaler_1="Nearest"
    )
    picture = opened(answer.json()["image"])
    assert picture.size == (100, 100)
    assert np.asarray(picture).min(axis=(1, 2)).any()  # no black border
    assert picture.info["postprocessing"] == (
        "Postprocess upscale to: 100x100, Postprocess crop to: 100x100, Postprocess upscaler: Nearest"
    )


def test_a_size_without_crop_keeps_the_proportions(served_upscaler: Served) -> None:
    fields = {"upscaling_resize_w": 80, "upscaling_resize_h": 80, "upscaling_crop": False}
    answer = single(served_upscaler, resize_mode=1, upscaler_1="Lanczos", **fields).json()
    assert opened(answer["image"]).size == (128, 80)


def test_two_upscalers_are_mixed(served_upscaler: Served) -> None:
    def picture(**fields: Any) -> np.ndarray[Any, Any]:
        return np.asarray(opened(single(served_upscaler, **fields).json()["image"]), dtype=int)

    mixed = {"upscaler_1": "Lanczos", "upscaler_2": "tiny-esrgan-x4", "extras_upscaler_2_visibility": 0.25}
    one, other, both = picture(upscaler_1="Lanczos"), picture(upscaler_1="tiny-esrgan-x4"), picture(**mixed)
    assert np.abs(one * 0.75 + other * 0.25 - both).max() <= 1.5


def test_without_an_upscaler_the_picture_comes_back_as_it_is(served_upscaler: Served) -> None:
    answer = single(served_upscaler).json()
    assert opened(answer["image"]).size == (40, 24)
    assert answer["html_info"] == "<p></p>"


@pytest.mark.parametrize("upscaler", ["tiny-esrgan-x4", "Lanczos", "Nearest"])
def test_a_picture_can_be_made_smaller_down_to_a_point(served_upscaler: Served, upscaler: str) -> None:
    smaller = single(served_upscaler, upscaler_1=upscaler, upscaling_resize=0.7).json()
    assert opened(smaller["image"]).size == (24, 16)
    point = single(served_upscaler, upscaler_1=upscaler, upscaling_resize=1e-300).json()
    assert opened(point["image"]).size == (8, 8)
    fields = {"resize_mode": 1, "upscaling_resize_w": 1, "upscaling_resize_h": 1}
    assert opened(single(served_upscaler, upscaler_1=upscaler, **fields).json()["image"]).size == (1, 1)


def test_no_picture_at_all_is_said(served_upscaler: Served) -> None:
    answer = served_upscaler.client.post("/sdapi/v1/extra-batch-images", json={"imageList": []})
    assert answer.status_code == 422
    assert "no picture" in json.dumps(answer.json())


@pytest.mark.parametrize("mode", ["L", "P", "LA", "1", "I;16", "I;16B", "I", "F", "CMYK"])
def test_pictures_of_every_kind_are_worked_on(served_upscaler: Served, mode: str) -> None:
    with Image.open(IMAGEOPS / "src_40x24.png") as image:
        grey = image.convert("L")
        deep = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4", "F": "<f4"}.get(mode)
        levels = np.asarray(grey, dtype=np.uint16) * 257
        picture = Image.fromarray(levels.astype(deep)) if deep else image.convert(mode)
        buffer = io.BytesIO()
        picture.save(buffer, "TIFF" if mode in ("CMYK", "I;16B", "I", "F") else "PNG")
    body = {"image": base64.b64encode(buffer.getvalue()).decode(), "upscaler_1": "Lanczos"}
    answer = served_upscaler.client.post("/sdapi/v1/extra-single-image", json=body)
    result = opened(answer.json()["image"])
    assert (result.mode, result.size) == ("RGBA" if mode == "LA" else "RGB", (80, 48))
    difference = np.asarray(result.convert("L"), dtype=int).mean() - np.asarray(grey, dtype=int).mean()
    assert abs(difference) < 12


def test_several_pictures_come_back_in_their_order(served_upscaler: Served) -> None:
    names = ("src_40x24.png", "src_24x40.png")
    body = {
        "imageList": [{"data": source(name=name), "name": name} for name in names],
        "upscaler_1": "Nearest",
        "resize_mode": 0,
        "upscaling_resize": 2,
    }
    answer = served_upscaler.client.post("/sdapi/v1/extra-batch-images", json=body).json()
    assert [opened(each).size for each in answer["images"]] == [(80, 48), (48, 80)]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"upscaler_1": "tiny-esrgan"}, 404, "tiny-esrgan-x4"),
        ({"upscaler_1": "Lanczos", "upscaler_2": "Nearst"}, 404, "Nearest"),
        ({"upscaler_1": "broken"}, 422, "web page"),
        ({"upscaler_1": "R-ESRGAN 4x+"}, 422, "RealESRGAN_x4plus.pth"),
        ({"image": "AAAA"}, 422, "image is no picture"),
        ({"image": ""}, 422, "image must be a picture"),
        ({"upscaling_resize": 0}, 422, "greater than 0"),
        ({"resize_mode": 1, "upscaling_resize_w": 0}, 422, "greater than or equal to 1"),
        ({"resize_mode": 2}, 422, "resize_mode"),
        ({"gfpgan_visibility": 1.5}, 422, "gfpgan_visibility"),
        ({"gfpgan_visibility": 0.5}, 422, "put GFPGANv1.4.pth"),
        ({"codeformer_visibility": 0.5}, 422, "put codeformer.pth"),
        ({"upscaler_1": "Lanczos", "upscaling_resize": 1e6}, 422, "Ask for less"),
        ({"upscaler_1": "Lanczos", "upscaling_resize": 1e300}, 422, "less than or equal"),
        ({"upscaler_1": "Lanczos", "resize_mode": 1, "upscaling_resize_w": 10**9}, 422, "Ask for less"),
    ],
)
def test_what_cannot_be_done_is_answered_with_the_reason(
    served_upscaler: Served, fields: dict[str, Any], status: int, words: str
) -> None:
    answer = single(served_upscaler, **fields)
    assert answer.status_code == status
    assert words in json.dumps(answer.json())


def test_a_corrupt_picture_in_a_batch_is_named(served_upscaler: Served) -> None:
    body = {"imageList": [{"data": source(), "name": "a"}, {"data": "AAAA", "name": "b"}], "upscaler_1": "Lanczos"}
    answer = served_upscaler.client.post("/sdapi/v1/extra-batch-images", json=body)
    assert answer.status_code == 422
    assert "imageList[1]" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["upscalers", "latent-upscale-modes", "realesrgan-models", "face-restorers"])
def test_lists_have_the_recorded_shape(served_upscaler: Served, name: str) -> None:
    recorded = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    ours = {item["name"]: item for item in served_upscaler.client.get(f"/sdapi/v1/{name}").json()}
    for item in recorded:
        mine = ours[item["name"]]
        assert {key: mine[key] for key in item if key != "model_path"} == {
            key: value for key, value in item.items() if key != "model_path"
        }


def test_what_cannot_be_used_is_listed_with_the_reason(served_upscaler: Served) -> None:
    listed = {item["name"]: item for item in served_upscaler.client.get("/sdapi/v1/upscalers").json()}
    assert "problem" not in listed["tiny-esrgan-x4"]
    assert "web page" in listed["broken"]["problem"]
    assert "put RealESRGAN_x4plus.pth" in listed["R-ESRGAN 4x+"]["problem"]


def test_interrupting_answers_what_is_finished(served_upscaler: Served, background: Any) -> None:
    answers: list[Any] = []
    body = {
        "imageList": [{"data": source(), "name": "a"}] + [{"data": source(), "name": "b"}] * 40,
        "upscaler_1": "tiny-esrgan-x4",
        "upscaling_resize": 16,
    }
    background(lambda: answers.append(served_upscaler.client.post("/sdapi/v1/extra-batch-images", json=body)))
    wait_until(lambda: (job := served_upscaler.app.queue.current) is not None and job.progress.fraction > 0)
    served_upscaler.client.post("/sdapi/v1/interrupt")
    wait_until(lambda: answers)
    assert answers[0].status_code == 200
    assert len(answers[0].json()["images"]) < 41
