"""Requests that make no sense are the client's fault, whatever part of the program stumbles over them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Served

DEEP = "[" * 6000 + "]" * 6000
DEEPER = '{"a":' * 1200 + "1" + "}" * 1200
ADDRESSES = (
    "http://[::1",
    "http://℀.com/",
    "http://[::1]:99999/",
    "http://a:b/",
    "http://\x00/",
    "http:///x",
    "http://" + "a" * 3000,
)
LONG = "x" * 3000


@pytest.mark.parametrize(
    "path", ["/sdapi/v1/txt2img", "/api/v1/jobs/txt2img", "/sdapi/v1/options", "/v1/images/generations"]
)
@pytest.mark.parametrize(
    "text",
    [
        DEEP,
        DEEPER,
        '{"override_settings": ' + DEEPER + "}",
        '{"alwayson_scripts": ' + DEEPER + "}",
        "[" * 100_000,
        "\x00",
        "1e999",
        "NaN",
        '"\\ud800"',
    ],
)
def test_json_however_deep_is_answered(served: Served, path: str, text: str) -> None:
    response = served.client.post(path, content=text.encode(), headers={"content-type": "application/json"})
    assert 400 <= response.status_code < 500, response.text[:300]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_none_is_refused(served: Served, address: str) -> None:
    served.app.settings.change({"api_enable_requests": True})
    for path, body in (
        ("/api/v1/models/download", {"url": address, "kind": "lora"}),
        ("/sdapi/v1/png-info", {"image": address}),
        ("/sdapi/v1/img2img", {"init_images": [address], "steps": 1}),
    ):
        response = served.client.post(path, json=body)
        assert 400 <= response.status_code < 500, (path, response.text[:300])


@pytest.mark.parametrize(
    "name",
    [LONG, "a/" * 3000, "\x00", "a\x00b", "~nobody/x", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")],
)
def test_a_folder_that_cannot_be_is_refused(served: Served, name: str) -> None:
    for field in ("input_dir", "output_dir", "inpaint_mask_dir", "png_info_dir"):
        body: dict[str, Any] = {"input_dir": str(served.data), field: name, "steps": 1, "use_png_info": True}
        response = served.client.post("/api/v1/jobs/img2img-batch", json=body)
        assert 200 <= response.status_code < 500, (field, response.text[:300])
        if response.status_code == 201:
            served.client.post(f"/api/v1/jobs/{response.json()['id']}/cancel")


@pytest.mark.parametrize(
    "value", ["x" * 60_000, "x " * 30_000, '"a" ' * 5_000, "%" * 20_000, "(" * 5000, "\x00", '"', "*", "NEAR(a b)"]
)
@pytest.mark.parametrize("field", ["search", "text", "q", "model", "network", "job", "kind", "seed", "before", "since"])
def test_a_filter_of_the_history_however_long_is_answered(served: Served, field: str, value: str) -> None:
    response = served.client.get("/api/v1/history", params={field: value})
    assert response.status_code < 500, response.text[:300]


@pytest.mark.parametrize(
    "path",
    [
        f"/file={LONG}",
        f"/file=/{'a/' * 3000}",
        f"/sd_extra_networks/thumb?filename={LONG}",
        f"/api/v1/jobs/{LONG}",
        f"/api/v1/images/{LONG}",
        "/file=%00",
        f"/sdapi/v1/{LONG}",
        f"/internal/profile-startup?{LONG}",
    ],
)
def test_a_path_however_long_is_answered(served: Served, path: str) -> None:
    assert served.client.get(path).status_code < 500


@pytest.mark.parametrize("name", ["page", "cut", "empty"])
@pytest.mark.parametrize("field", ["sd_model_checkpoint", "sd_vae", "hr_checkpoint_name", "refiner_checkpoint"])
def test_a_file_that_no_model_is_in_is_named_and_refused(served: Served, field: str, name: str) -> None:
    folder = served.data / "models" / ("VAE" if field == "sd_vae" else "Stable-diffusion")
    path = folder / f"{name}-{field}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes({"page": b"<!DOCTYPE html>" + b" " * 100, "cut": bytes(8) + b"{", "empty": b""}[name])
    try:
        served.app.library.refresh()
        fields: dict[str, Any] = {"enable_hr": True, "hr_scale": 1.0} if field.startswith("hr") else {}
        overriding = {"override_settings": {field: path.name}} if field.startswith("sd") else {field: path.name}
        response = served.txt2img(steps=2, refiner_switch_at=0.5, **fields, **overriding)
        assert response.status_code == 422, response.text[:300]
        assert path.stem in response.text
    finally:
        path.unlink()
        served.app.library.refresh()


@pytest.mark.parametrize("text", [str(2**63), f"1-{10**20}", ",".join(["1-900000"] * 5000), "1" * 41, "-1", "٣"])
def test_numbers_of_pictures_however_large_or_many_are_answered(served: Served, text: str) -> None:
    for path in ("table", "archive", "tally", "tally/table"):
        response = served.client.get(f"/api/v1/history/{path}", params={"numbers": text})
        assert response.status_code in (200, 422), (path, response.text[:300])


@pytest.mark.parametrize("folder", ["\x00", "a\x00b", "/tmp/\x00", LONG, "a/" * 2000])
def test_pictures_are_not_moved_to_where_no_folder_can_be(served: Served, folder: str) -> None:
    response = served.client.post("/api/v1/history/move", json={"numbers": [1], "folder": folder})
    assert 400 <= response.status_code < 500, response.text[:300]
