"""Malformed requests: each gets an answer that says what is wrong, none breaks anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.conftest import Served, flags_for, serving

ROUTES = ["/sdapi/v1/txt2img", "/sdapi/v1/img2img", "/sdapi/v1/options", "/sdapi/v1/png-info", "/internal/progress"]
ROUTES += ["/sdapi/v1/create/embedding", "/sdapi/v1/create/hypernetwork", "/sdapi/v1/interrogate", "/v1/images/edits"]
DEEP = b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BODIES = {
    "nothing": b"",
    "space": b" ",
    "half an object": b'{"prompt": "a',
    "a list": b"[1, 2]",
    "a number": b"17",
    "no text at all": b"\xff\xfe\x00\x80",
    "a form": b"prompt=a+cat&steps=1",
    "deep": DEEP,
    "a number with many digits": b'{"steps": ' + b"9" * 5000 + b"}",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(64),
}


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without any model that refuses whatever would take long."""
    data = tmp_path_factory.mktemp("odd")
    with serving(flags_for(data, max_side=64, max_steps=2, max_pictures=2)) as served:
        yield served


def is_explained(response: httpx.Response) -> bool:
    """Whether an error says in words what is wrong."""
    answer = response.json()
    if "detail" in answer:
        return bool(answer["detail"])
    return bool(answer["error"]["message"])


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_object_is_refused_with_words(bounded: Served, route: str, name: str) -> None:
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        response = bounded.client.post(route, content=BODIES[name], headers={"Content-Type": kind})
        assert 400 <= response.status_code < 500, kind
        assert is_explained(response)


NUMBERS = ["1e400", "-1e400", "NaN", "Infinity", "-0.0", "1e30", "9" * 40, "-" + "9" * 40, "true", '"x"', "[]", "{}"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_is_none_never_breaks_anything(bounded: Served, number: str) -> None:
    fields = ["steps", "width", "seed", "subseed", "cfg_scale", "denoising_strength", "batch_size", "n_iter", "eta"]
    fields += ["hr_scale", "hr_resize_x", "hr_second_pass_steps", "refiner_switch_at", "s_tmax", "seed_resize_from_w"]
    for field in fields:
        body = {"width": 64, "height": 64, "steps": 1000, "enable_hr": True}
        content = json.dumps(body)[:-1] + f', "{field}": {number}}}'
        response = bounded.client.post("/sdapi/v1/txt2img", content=content)
        assert 400 <= response.status_code < 500, (field, response.text)
        assert is_explained(response)


@pytest.mark.parametrize("number", ["NaN", "1e400", "9" * 400, "-0.0", "[[[[1]]]]", '{"a": NaN}'])
def test_settings_never_hold_what_cannot_be_written(bounded: Served, number: str) -> None:
    for key in ("jpeg_quality", "interrogate_clip_num_beams", "of_nobody", "token_merging_ratio"):
        content = f'{{"{key}": {number}}}'
        assert bounded.client.post("/sdapi/v1/options", content=content).status_code < 500
        options = bounded.client.get("/sdapi/v1/options")
        assert options.status_code == 200
        json.loads(options.text, parse_constant=pytest.fail)
    kept = bounded.app.paths.settings_file
    if kept.exists():
        json.loads(kept.read_text(encoding="utf-8"), parse_constant=pytest.fail)


def test_null_is_as_good_as_nothing_for_every_field(bounded: Served) -> None:
    document = bounded.client.get("/openapi.json").json()
    for name in ("StableDiffusionProcessingTxt2Img", "StableDiffusionProcessingImg2Img"):
        nothing: dict[str, Any] = dict.fromkeys(document["components"]["schemas"][name]["properties"])
        route = "/sdapi/v1/txt2img" if name.endswith("Txt2Img") else "/sdapi/v1/img2img"
        response = bounded.client.post(route, json={**nothing, "steps": 2000})
        # Not the fields, but what they come to: too many steps, and no picture to begin with.
        assert response.status_code in (404, 422)
        assert isinstance(response.json()["detail"], str)


def test_paths_are_forgiven_a_slash_too_many(bounded: Served) -> None:
    for path in ("/sdapi/v1/samplers/", "//sdapi/v1/samplers", "/sdapi//v1/samplers", "/sdapi/v1/samplers?"):
        assert bounded.client.get(str(bounded.client.base_url) + path).json()[0]["name"] == "DPM++ 2M", path
    assert bounded.client.post("/internal/progress/", json={}).status_code == 200


def test_methods_that_a_route_does_not_have_are_named_so(bounded: Served) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"):
        response = bounded.client.request(method, "/sdapi/v1/txt2img")
        assert response.status_code == 405, method
    assert bounded.client.post("/sdapi/v1/samplers").status_code == 405


@pytest.mark.parametrize("script", [[], "Seed", 17, True])
def test_scripts_of_the_wrong_kind_are_refused(bounded: Served, script: Any) -> None:
    for field in ("alwayson_scripts", "override_settings"):
        assert bounded.client.post("/sdapi/v1/txt2img", json={field: script}).status_code == 422


def test_headers_cannot_be_split_by_what_is_sent(bounded: Served) -> None:
    for path in ("/sdapi/v1/a%0d%0aSet-Cookie:b=1", "/file=a%0d%0aSet-Cookie:b=1.png"):
        response = bounded.client.get(path)
        assert response.status_code < 500
        assert "set-cookie" not in response.headers
