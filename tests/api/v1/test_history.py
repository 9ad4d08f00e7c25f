"""Finished pictures: the search through them, their thumbnails and what caches may do with them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from tests.api.conftest import Served


def make(served: Served, prompt: str, **fields: Any) -> None:
    assert served.txt2img(prompt=prompt, save_images=True, steps=1, **fields).status_code == 200


def found(served: Served, **query: Any) -> list[str]:
    return [image["prompt"] for image in served.client.get("/api/v1/history", params=query).json()["images"]]


def test_pictures_are_found_by_what_made_them(served: Served) -> None:
    make(served, "a lighthouse at dawn, Ærø", negative_prompt="fog", seed=2**63 + 1)
    make(served, "lighthouses at night", override_settings={"sd_model_checkpoint": "other.safetensors"}, seed=9)
    assert found(served, q="lighthouse") == ["lighthouses at night", "a lighthouse at dawn, Ærø"]
    assert found(served, q='"lighthouse at"') == ["a lighthouse at dawn, Ærø"]
    assert found(served, q="LIGHT dawn") == ["a lighthouse at dawn, Ærø"]
    assert found(served, q="lighthouse fog") == ["a lighthouse at dawn, Ærø"]
    assert found(served, q="lighthouse", model="other") == ["lighthouses at night"]
    assert found(served, q="lighthouse", seed=2**63 + 1) == ["a lighthouse at dawn, Ærø"]
    assert found(served, q="lighthouse", since="2020-01-01", until="2100-01-01T00:00:00Z", kind="sample") != []
    assert found(served, q="lighthouse", until="2020-01-01") == []
    assert found(served, q="lighthouse", network="nothing") == []
    page = served.client.get("/api/v1/history", params={"q": "lighthouse", "limit": 1}).json()
    assert (page["total"], len(page["images"])) == (2, 1)
    assert found(served, q="lighthouse", limit=1, before=page["next"]) == ["a lighthouse at dawn, Ærø"]


def test_no_search_text_is_an_error(served: Served) -> None:
    for text in ('"', "'", "a* OR (b NEAR", '"unfinished', "col:x -y", "AND", "\x00", "%_\\", "猫"):
        assert served.client.get("/api/v1/history", params={"q": text, "model": text}).status_code == 200
    for query in ("seed=x", "limit=0", "since=yesterday", "before=-1", f"seed={2**64}"):
        assert served.client.get(f"/api/v1/history?{query}").status_code == 422
    assert served.client.get("/api/v1/history?since=0001-01-01").status_code in (200, 422)


def test_a_picture_may_be_cached_forever_and_comes_in_any_size(served: Served) -> None:
    make(served, "cached")
    image = served.client.get("/api/v1/history", params={"q": "cached"}).json()["images"][0]
    response = served.client.get(image["url"])
    assert "immutable" in response.headers["cache-control"]
    tag = response.headers["etag"]
    again = served.client.get(image["url"], headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    small = served.client.get(image["url"], params={"size": 32})
    assert (small.headers["content-type"], Image.open(io.BytesIO(small.content)).size) == ("image/webp", (32, 32))
    assert small.headers["etag"] != tag
    assert served.client.get(image["url"], params={"size": 32}).content == small.content
    assert served.client.get(image["url"], params={"size": 5}).status_code == 422
    assert served.client.get("/api/v1/images/nobody").status_code == 404


def test_a_picture_whose_file_is_gone_is_gone_and_may_leave_the_history(served: Served) -> None:
    make(served, "ephemeral")
    image = served.client.get("/api/v1/history", params={"q": "ephemeral"}).json()["images"][0]
    kept = served.app.jobs.recorder.history.find(image["id"])
    assert kept is not None
    assert kept.path is not None
    kept.path.unlink()
    for params in ({}, {"size": 64}):
        response = served.client.get(image["url"], params=params)
        assert (response.status_code, "no longer there" in response.json()["detail"]) == (410, True)
    assert served.client.delete(f"/api/v1/history/{image['id']}").status_code == 204
    assert served.client.get(f"/api/v1/history/{image['id']}").status_code == 404
    assert found(served, q="ephemeral") == []
