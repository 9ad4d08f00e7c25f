"""OpenAI's Images API, as its clients use it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from modules.api.generation.requests import img2img_request_of
from modules.api.openai.bodies import EditRequestBody
from modules.api.openai.picture_store import KeptPictures
from modules.api.openai.requests import edit_of, size_like
from modules.checkpoints.architectures import sd1, sdxl
from tests.api.conftest import Served, flags_for, serving

QUICK = {"prompt": "a cat", "size": "64x64", "steps": 1, "seed": 7}


def generate(served: Served, **fields: Any) -> Any:
    return served.client.post("/v1/images/generations", json={**QUICK, **fields})


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_pictures_come_behind_addresses_of_this_server(served: Served) -> None:
    answer = generate(served, model="dall-e-3", n=2, quality="hd", style="vivid", user="ann").json()
    assert answer["created"] > 1_700_000_000
    assert answer["size"] == "64x64"
    assert len(answer["data"]) == 2
    for item in answer["data"]:
        assert item["url"].startswith(f"{served.client.base_url}/v1/images/files/")
        response = served.client.get(item["url"])
        assert response.headers["content-type"] == "image/png"
        assert "immutable" in response.headers["cache-control"]
        assert opened(response.content).size == (64, 64)
        assert item["revised_prompt"] == "a cat"


def test_pictures_come_in_the_answer_where_that_is_asked_for_or_usual(served: Served) -> None:
    for fields in ({"response_format": "b64_json"}, {"model": "gpt-image-1", "response_format": None}):
        (item,) = generate(served, **fields).json()["data"]
        assert opened(base64.b64decode(item["b64_json"])).size == (64, 64)
        assert item["url"] is None


def test_it_is_the_picture_that_the_other_api_makes(served: Served) -> None:
    (item,) = generate(served, response_format="b64_json", sampler_name="Euler").json()["data"]
    other = served.txt2img(steps=1, sampler_name="Euler").json()["images"][0]
    assert opened(base64.b64decode(item["b64_json"])).tobytes() == opened(base64.b64decode(other)).tobytes()


def test_format_and_model_are_chosen(served: Served) -> None:
    fields = {"output_format": "webp", "output_compression": 40, "model": "other", "response_format": "b64_json"}
    answer = generate(served, **fields).json()
    image = opened(base64.b64decode(answer["data"][0]["b64_json"]))
    assert image.format == "WEBP"
    assert answer["output_format"] == "webp"
    assert b"M\0o\0d\0e\0l\0:\0 \0o\0t\0h\0e\0r" in image.info["exif"]


def test_a_style_by_name_is_applied(served: Served) -> None:
    assert generate(served, style="ink").json()["data"][0]["revised_prompt"] == "a cat, ink drawing"


def test_a_form_is_understood_as_json_is(served: Served) -> None:
    response = served.client.post("/v1/images/generations", data={**QUICK, "response_format": "b64_json", "n": "1"})
    assert response.status_code == 200
    assert (
        response.json()["data"][0]["b64_json"]
        == (generate(served, response_format="b64_json").json()["data"][0]["b64_json"])
    )


SOURCE = Image.radial_gradient("L").resize((80, 48)).convert("RGB")


def test_a_picture_is_edited_as_a_file_of_a_form_and_as_text(served: Served) -> None:
    form = {**QUICK, "steps": "4", "response_format": "b64_json"}
    answers = [
        served.client.post("/v1/images/edits", data=form, files={name: ("a.png", png(SOURCE), "image/png")})
        for name in ("image", "image[]")
    ]
    address = "data:image/png;base64," + base64.b64encode(png(SOURCE)).decode()
    for sent in ({"image": address}, {"image": [address]}, {"images": [{"image_url": address}]}):
        answers.append(served.client.post("/v1/images/edits", json={**form, **sent}))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.json()["data"][0]["b64_json"] for answer in answers}) == 1


def test_the_picture_of_an_edit_is_not_packed_once_more(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = {"prompt": "a cat", "size": "64x64", "image": base64.b64encode(png(SOURCE)).decode()}
    body = EditRequestBody.model_validate(sent)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a picture is packed")

    monkeypatch.setattr(Image.Image, "save", refuse)
    edit = edit_of(served.app, body)
    request = img2img_request_of(served.app, edit.body, edit.picture, edit.mask)
    assert [image.tobytes() for image in request.init_images] == [SOURCE.tobytes()]
    assert edit.body.init_images is None


def test_an_edit_keeps_the_proportions_when_no_size_is_given() -> None:
    assert size_like((80, 48), sd1.FAMILY) == (664, 400)
    assert size_like((4000, 4000), sdxl.FAMILY) == (1024, 1024)
    assert size_like((1, 9000), sd1.FAMILY)[0] >= 8


@pytest.mark.parametrize("transparent", ["mask", "white mask", "picture"])
def test_what_is_transparent_is_made_anew_and_the_rest_stays(served: Served, transparent: str) -> None:
    source = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    hole = Image.new("L", (64, 64), 255)
    hole.paste(0, (32, 0, 64, 64))
    files: dict[str, tuple[str, bytes, str]] = {}
    if transparent == "picture":
        with_hole = source.copy()
        with_hole.putalpha(hole)
        files["image"] = ("a.png", png(with_hole), "image/png")
    else:
        mask = Image.new("RGBA", (64, 64))
        mask.putalpha(hole)
        white = hole.point(lambda value: 255 - value)
        files["image"] = ("a.png", png(source), "image/png")
        files["mask"] = ("m.png", png(mask if transparent == "mask" else white), "image/png")
    form = {**QUICK, "steps": "3", "response_format": "b64_json"}
    response = served.client.post("/v1/images/edits", data=form, files=files)
    made = opened(base64.b64decode(response.json()["data"][0]["b64_json"])).convert("RGB")
    assert made.crop((0, 0, 20, 64)).tobytes() == source.crop((0, 0, 20, 64)).tobytes()
    assert made.crop((44, 0, 64, 64)).tobytes() != source.crop((44, 0, 64, 64)).tobytes()


WRONG: list[tuple[str, dict[str, Any], int, str | None]] = [
    ("generations", {"prompt": ""}, 400, "prompt"),
    ("generations", {"size": "large"}, 400, "size"),
    ("generations", {"size": "0x64"}, 400, "size"),
    ("generations", {"n": 0}, 400, "n"),
    ("generations", {"n": "many"}, 400, "n"),
    ("generations", {"model": "tinny"}, 404, "model"),
    ("generations", {"stream": True}, 400, "stream"),
    ("generations", {"background": "transparent"}, 400, "background"),
    ("generations", {"response_format": "carrier pigeon"}, 400, "response_format"),
    ("generations", {"sampler_name": "Eulre"}, 404, "sampler_name"),
    ("edits", {}, 400, "image"),
    ("edits", {"image": "no picture"}, 400, "image"),
    ("edits", {"image": ["a", "b"]}, 400, "image"),
    ("edits", {"image": [], "images": None}, 400, "image"),
    ("edits", {"image": [None, ""]}, 400, "image"),
]


@pytest.mark.parametrize(("route", "fields", "status", "param"), WRONG, ids=lambda value: str(value)[:40])
def test_errors_have_openais_form(
    served: Served, route: str, fields: dict[str, Any], status: int, param: str | None
) -> None:
    response = served.client.post(f"/v1/images/{route}", json={**QUICK, **fields})
    assert response.status_code == status
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["code"] == ("model_not_found" if param == "model" else None)
    assert error["message"].endswith((".", "?"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null"])
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "multipart/form-data", "a/b"])
def test_a_body_that_is_none_is_refused(served: Served, content: bytes, kind: str) -> None:
    for route in ("generations", "edits"):
        response = served.client.post(f"/v1/images/{route}", content=content, headers={"Content-Type": kind})
        assert response.status_code == 400
        assert response.json()["error"]["type"] == "invalid_request_error"


def test_checkpoints_are_listed_as_models(served: Served) -> None:
    answer = served.client.get("/v1/models").json()
    assert answer["object"] == "list"
    names = [item["id"] for item in answer["data"]]
    assert {"tiny", "other"} <= set(names)
    item = served.client.get("/v1/models/tiny").json()
    assert (item["id"], item["object"], item["owned_by"]) == ("tiny", "model", "easel")
    missing = served.client.get("/v1/models/nothing-like-it")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")
    assert served.client.get("/v1/nowhere").json()["error"]["type"] == "invalid_request_error"
    assert served.client.get("/v1/images/files/none.png").status_code == 404


def test_kept_pictures_make_room_and_grow_old() -> None:
    kept = KeptPictures(most=10)
    first, second = kept.keep(b"123456", "png"), kept.keep(b"7890123", "png")
    assert kept.find(first) is None
    assert kept.find(second) is not None
    large = kept.keep(b"x" * 99, "png")
    assert kept.find(large) is not None
    assert KeptPictures(seconds=-1).find("nothing") is None
    old = KeptPictures(seconds=-1)
    assert old.find(old.keep(b"1", "png")) is None


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(flags_for(tmp_path_factory.mktemp("locked"), api_auth="ann:secret", nowebui=True)) as served:
        yield served


def test_name_and_password_are_given_as_a_key(locked: Served) -> None:
    refused = locked.client.get("/v1/models", headers={"Authorization": "Bearer sk-wrong"})
    assert refused.status_code == 401
    assert refused.json()["error"]["type"] == "authentication_error"
    assert locked.client.get("/v1/models").status_code == 401
    assert locked.client.get("/v1/models", headers={"Authorization": "Bearer ann:secret"}).status_code == 200
    assert locked.client.get("/v1/models", auth=("ann", "secret")).status_code == 200
    # Showing a picture needs no API key; the address is the key.
    assert locked.client.get("/v1/images/files/none.png").status_code == 404
    assert locked.client.get("/internal/sysinfo").status_code == 401
    assert locked.client.get("/file=outputs/a.png").status_code == 401


def test_the_document_describes_both_kinds_of_body(served: Served) -> None:
    document = json.loads(served.client.get("/openapi.json").text)
    content = document["paths"]["/v1/images/edits"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    assert {"image", "mask", "prompt", "n", "size"} <= set(content["application/json"]["schema"]["properties"])
