"""Every number that a request may hold has an end on both sides, and every text a length."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.api.conftest import Served, flags_for, serving
from tests.tiny_models import make_tiny_sd1


def _unbounded(schema: dict[str, Any], models: dict[str, Any], place: str, seen: frozenset[str]) -> Iterator[str]:
    if (reference := schema.get("$ref")) is not None:
        name = reference.rpartition("/")[2]
        if name not in seen:
            yield from _unbounded(models[name], models, name, seen | {name})
        return
    for key in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(key, ()):
            yield from _unbounded({**each, **_shared(schema)}, models, place, seen)
    if "enum" in schema or "const" in schema:
        return
    if (fault := _fault(schema)) is not None:
        yield f"{place}: {fault}"
    kind = schema.get("type")
    if kind == "array" and "items" in schema:
        yield from _unbounded(schema["items"], models, place, seen)
    for name, inner in schema.get("properties", {}).items():
        yield from _unbounded(inner, models, f"{place}.{name}", seen)


def _fault(schema: dict[str, Any]) -> str | None:
    kind = schema.get("type")
    if kind in ("integer", "number"):
        below = "minimum" in schema or "exclusiveMinimum" in schema
        above = "maximum" in schema or "exclusiveMaximum" in schema
        return None if below and above else "a number without an end"
    is_long = kind == "string" and "maxLength" not in schema and schema.get("format") not in ("date-time", "binary")
    return "a text of any length" if is_long else None


def _shared(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: schema[key] for key in ("minimum", "maximum", "maxLength") if key in schema}


SETTINGS = frozenset({"Options"})
"""Judged by their own declarations, which say which key takes what."""


def test_every_number_and_text_of_every_body_is_bounded(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    models = document["components"]["schemas"]
    found: set[str] = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                found |= set(_unbounded(content["schema"], models, f"{method} {path}", SETTINGS))
    assert found == set(), "\n".join(sorted(found))


HUGE = [1e308, -1e308, 9e18, 10**400, -(10**400), 1e40]


@pytest.mark.parametrize("route", ["txt2img", "img2img"])
@pytest.mark.parametrize(
    "field",
    [
        *("firstphase_width", "subseed_strength", "initial_noise_multiplier", "hr_scale", "hr_resize_x", "cfg_scale"),
        *("eta", "s_churn", "s_noise", "mask_blur", "inpaint_full_res_padding", "seed_resize_from_w", "width", "steps"),
    ],
)
@pytest.mark.parametrize("value", HUGE)
def test_a_number_beyond_all_use_is_refused(served: Served, route: str, field: str, value: float) -> None:
    only = {"img2img": ("initial", "mask", "inpaint"), "txt2img": ("hr_", "firstphase")}
    if field.startswith(only["img2img" if route == "txt2img" else "txt2img"]):
        return
    body = {"prompt": "a", "steps": 1, "enable_hr": True, "init_images": ["x"], field: value}
    assert served.client.post(f"/sdapi/v1/{route}", json=body).status_code == 422


def test_a_negative_churn_is_refused(served: Served) -> None:
    answer = served.client.post("/sdapi/v1/txt2img", json={"steps": 1, "s_churn": -5})
    assert answer.status_code == 422
    assert "s_churn" in answer.text


@pytest.mark.parametrize(
    "size",
    [{"hr_resize_x": 16384, "hr_resize_y": 16384}, {"hr_scale": 30}, {"hr_resize_y": 16000}],
)
def test_the_second_pass_has_the_bounds_of_the_first(served: Served, size: dict[str, int]) -> None:
    answer = served.client.post(
        "/sdapi/v1/txt2img", json={"steps": 1, "width": 512, "height": 512, "enable_hr": True, **size}
    )
    assert answer.status_code == 422
    assert "second pass" in answer.json()["detail"]


@pytest.mark.parametrize("depth", [101, 600, 5000])
@pytest.mark.parametrize("route", ["/sdapi/v1/txt2img", "/sdapi/v1/extra-single-image", "/api/v1/jobs/txt2img"])
@pytest.mark.parametrize("field", ["alwayson_scripts", "override_settings", "prompt", "unknown"])
def test_json_nested_without_end_is_refused(served: Served, route: str, field: str, depth: int) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        text = f'{{"{field}": {opening * depth}1{closing * depth}}}'
        answer = served.client.post(route, content=text, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), answer.text[:200]


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://\u2100.com/", "http://a:99999999/x", "http://[::1]:x/", "//", ""]
)
def test_an_address_that_is_none_is_refused(served: Served, url: str) -> None:
    answer = served.client.post("/api/v1/models/download", json={"url": url})
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize("text", ["a " * 30_000, '"' * 20_000, "(" * 20_000, "a" * 5000])
def test_a_search_of_any_length_is_answered_or_refused(served: Served, text: str) -> None:
    assert served.client.get("/api/v1/history", params={"q": text}).status_code in (200, 414, 422)


@pytest.mark.parametrize("field", ["input_dir", "output_dir", "inpaint_mask_dir", "png_info_dir"])
@pytest.mark.parametrize("name", ["a" * 3000, "/" + "b" * 3000, "\x00", "d" * 100_000])
def test_a_folder_of_an_impossible_name_is_refused(served: Served, tmp_path: Path, field: str, name: str) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    body = {"input_dir": str(tmp_path), "use_png_info": True, field: name}
    answer = served.client.post("/api/v1/jobs/img2img-batch", json=body)
    assert 400 <= answer.status_code < 500, answer.text[:300]


@pytest.mark.parametrize(
    "prompt", ["(a cat:1e40)", "(a cat:" + "9" * 40 + ")", "(" * 3000 + "a", "[" + "a|" * 20_000 + "b]"]
)
def test_a_prompt_is_drawn_or_refused(served: Served, prompt: str) -> None:
    answer = served.client.post("/sdapi/v1/txt2img", json={"prompt": prompt, "steps": 1, "width": 64, "height": 64})
    assert answer.status_code in (200, 422), answer.text[:300]
    assert "weighted" in answer.text or "9" * 40 not in prompt


@pytest.mark.parametrize(
    "overrides",
    [
        {"samples_filename_pattern": "[a" * 100_000},
        {"sd_model_checkpoint": "a" * 100_000},
        {"k" * 1000: 1},
        {f"key {number}": number for number in range(1000)},
    ],
)
def test_overridden_settings_have_the_bounds_of_settings(served: Served, overrides: dict[str, Any]) -> None:
    answer = served.txt2img(override_settings=overrides)
    assert answer.status_code == 422
    assert len(answer.text) < 2000


def test_a_text_too_long_for_parameters_is_shown_and_not_read(served: Served) -> None:
    long = "[a:0.5]" * 100_000 + "\nSteps: 5, Sampler: Euler, Seed: 1"
    file = io.BytesIO()
    text = PngInfo()
    text.add_text("parameters", long)
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=text)
    answer = served.client.post("/sdapi/v1/png-info", json={"image": base64.b64encode(file.getvalue()).decode()})
    assert answer.status_code == 200
    assert answer.json()["info"] == long
    assert answer.json()["parameters"] == {}


def _squares(count: int, side: int, mode: str = "1") -> list[str]:
    file = io.BytesIO()
    Image.new(mode, (side, side)).save(file, "PNG")
    return [base64.b64encode(file.getvalue()).decode()] * count


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that takes pictures of a million pixels, four times as many in one request."""
    data = tmp_path_factory.mktemp("narrow")
    make_tiny_sd1(data / "models" / "Stable-diffusion" / "tiny.safetensors")
    with serving(flags_for(data, max_image_pixels=1_000_000, max_batch_pixels=64 * 64 * 16)) as served:
        yield served


def test_the_pictures_of_one_request_are_bounded_together(narrow: Served) -> None:
    four, five = _squares(4, 1000), _squares(5, 1000)
    small: dict[str, Any] = {"steps": 1, "width": 64, "height": 64, "denoising_strength": 0.1}
    for body in ({"init_images": five, "n_iter": 5}, {"init_images": four, "n_iter": 4, "mask": four[0]}):
        answer = narrow.client.post("/sdapi/v1/img2img", json={**small, **body})
        assert answer.status_code == 422
        assert "together" in answer.json()["detail"]
    answer = narrow.client.post("/sdapi/v1/img2img", json={**small, "init_images": four, "n_iter": 4})
    assert answer.status_code == 200
    files = [{"data": each, "name": "a.png"} for each in five]
    answer = narrow.client.post("/sdapi/v1/extra-batch-images", json={"imageList": files, "upscaling_resize": 1})
    assert answer.status_code == 422
    assert "imageList[4].data" in answer.json()["detail"]


def test_the_results_of_one_request_are_bounded_together(served: Served) -> None:
    files = [{"data": each, "name": "a.png"} for each in _squares(3, 2048)]
    body = {"imageList": files, "upscaling_resize": 8, "upscaler_1": "Lanczos"}
    answer = served.client.post("/sdapi/v1/extra-batch-images", json=body)
    assert answer.status_code == 422
    assert "3 results" in answer.json()["detail"]


def test_many_small_pictures_are_not_all_brought_to_a_large_size(narrow: Served) -> None:
    body = {"init_images": _squares(129, 8), "n_iter": 129, "steps": 1, "width": 64, "height": 64}
    answer = narrow.client.post("/sdapi/v1/img2img", json=body)
    assert answer.status_code == 422
    assert "129 pictures to begin with" in answer.json()["detail"]


@pytest.mark.parametrize("side", [(1, 400_000), (400_000, 1)])
def test_a_picture_of_one_row_is_no_trap(served: Served, side: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.new("L", side).save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    body = {"init_images": [text], "steps": 1, "width": 1024, "height": 1024, "denoising_strength": 0.1}
    answer = served.client.post("/sdapi/v1/img2img", json={**body, "resize_mode": 1})
    assert answer.status_code == 422
    assert "another resize mode" in answer.json()["detail"]
