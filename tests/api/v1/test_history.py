"""Finished pictures: the search through them, their thumbnails and what caches may do with them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.application.history_import import Taken
from modules.imaging.pixel_hash import pixel_hash
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


def numbers_of(served: Served, **query: Any) -> list[int]:
    return served.client.get("/api/v1/history/numbers", params=query).json()["numbers"]


def test_pictures_are_rated_marked_found_by_it_and_counted(served: Served) -> None:
    for seed in (1, 2, 3):
        make(served, "rated", seed=seed, sampler_name="DPM++ 2M" if seed == 3 else "Euler")
    newest, middle, oldest = numbers_of(served, q="rated")
    change = {"numbers": [newest, oldest], "rating": 4, "mark": "good hands"}
    assert served.client.patch("/api/v1/history", json=change).json() == {"done": 2, "problems": []}
    assert served.client.patch("/api/v1/history", json={"numbers": [oldest], "favourite": True}).json()["done"] == 1
    assert numbers_of(served, q="rated", rating=4) == [newest, oldest]
    assert numbers_of(served, q="rated", rating=5) == []
    assert numbers_of(served, q="rated", favourite=True) == [oldest]
    assert numbers_of(served, q="rated", mark="good hands", sampler="2m") == [newest]
    assert numbers_of(served, q="rated", width=64, height=64) == [newest, middle, oldest]
    assert numbers_of(served, q="rated", width=65) == []
    counts = served.client.get("/api/v1/history/counts", params={"q": "rated"}).json()
    assert (counts["total"], counts["mark"]) == (3, [["good hands", 2], ["", 1]])
    assert counts["sampler"] == [["Euler", 2], ["DPM++ 2M", 1]]
    table = served.client.get("/api/v1/history/table", params={"q": "rated"})
    assert table.headers["content-type"].startswith("text/csv")
    lines = table.text.splitlines()
    assert (len(lines), lines[0].split(",")[-3:]) == (4, ["rating", "favourite", "mark"])
    assert lines[1].endswith(",4,0,good hands")
    assert served.client.patch("/api/v1/history", json={"numbers": [newest]}).status_code == 422
    assert served.client.patch("/api/v1/history", json={"numbers": [newest], "rating": 6}).status_code == 422


def test_the_trash_takes_pictures_and_gives_them_back(served: Served) -> None:
    make(served, "thrown away")
    (number,) = numbers_of(served, q="thrown")
    (image,) = served.app.jobs.recorder.history.with_numbers([number])
    home = image.path
    assert home is not None
    home.with_suffix(".txt").write_text("beside it", encoding="utf-8")

    def act(what: str) -> dict[str, Any]:
        return served.client.post(f"/api/v1/history/{what}", json={"numbers": [number, 10**9]}).json()

    assert act("erase")["done"] == 0  # what is not in the trash stays
    assert act("trash") == {"done": 1, "problems": []}
    assert (numbers_of(served, q="thrown"), home.exists(), home.with_suffix(".txt").exists()) == ([], False, False)
    assert numbers_of(served, q="thrown", trashed=True) == [number]
    assert served.client.get(f"/api/v1/images/{image.id}").status_code == 200
    assert act("restore")["done"] == 1
    assert (numbers_of(served, q="thrown"), home.exists(), home.with_suffix(".txt").exists()) == ([number], True, True)
    assert not (served.data / "trash" / image.id).exists()
    act("trash")
    assert act("erase")["done"] == 1
    assert numbers_of(served, q="thrown", trashed=True) == []
    assert not (served.data / "trash" / image.id).exists()


def test_pictures_are_moved_and_packed(served: Served) -> None:
    make(served, "to move", seed=5)
    make(served, "to move", seed=6)
    numbers = numbers_of(served, q="move")
    body = {"numbers": numbers, "folder": "best/of it"}
    assert served.client.post("/api/v1/history/move", json=body).json() == {"done": 2, "problems": []}
    folder = served.app.paths.outputs / "best" / "of it"
    assert len(list(folder.glob("*.png"))) == 2
    for outside in ("../elsewhere", "best/../../x"):
        answer = served.client.post("/api/v1/history/move", json={"numbers": numbers, "folder": outside})
        assert (answer.status_code, "output folder" in answer.text) == (422, True)
    named = f"{numbers[1]}-{numbers[0]}"
    archive = served.client.get("/api/v1/history/archive", params={"numbers": named})
    with zipfile.ZipFile(io.BytesIO(archive.content)) as packed:
        kept = {path.name: path.read_bytes() for path in folder.glob("*.png")}
        assert {name: packed.read(name) for name in packed.namelist()} == kept
    for wrong in ("x", "1-", "9-x", "1,,2"):
        assert served.client.get("/api/v1/history/archive", params={"numbers": wrong}).status_code == 422


def test_pictures_go_out_without_metadata_where_that_is_wanted(served: Served) -> None:
    make(served, "undisclosed")
    image = served.client.get("/api/v1/history", params={"q": "undisclosed"}).json()["images"][0]
    whole, bare = (served.client.get(image["url"], params={"metadata": wanted}) for wanted in ("true", "false"))
    assert b"undisclosed" in whole.content
    assert b"undisclosed" not in bare.content
    assert bare.headers["content-type"] == "image/png"
    assert bare.headers["etag"] != whole.headers["etag"]
    first, second = (Image.open(io.BytesIO(each.content)) for each in (whole, bare))
    assert first.tobytes() == second.tobytes()

    def packed(**query: Any) -> bytes:
        answer = served.client.get("/api/v1/history/archive", params={"q": "undisclosed", **query})
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return archive.read(archive.namelist()[0])

    assert packed() == whole.content
    assert packed(metadata="false") == bare.content
    served.app.settings.change({"strip_metadata_on_download": True}, save=False)
    try:
        assert packed() == bare.content
        assert packed(metadata="true") == whole.content
    finally:
        served.app.settings.change({"strip_metadata_on_download": False}, save=False)


def test_a_folder_of_pictures_is_taken_in_once_and_found_by_pixels(served: Served, tmp_path: Path) -> None:
    inside = tmp_path / "deep" / "in"
    inside.mkdir(parents=True)
    text = "foreign lands\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 77, Size: 8x8, Model: some"
    chunks = PngInfo()
    chunks.add_text("parameters", text)
    Image.new("RGB", (8, 8), "teal").save(inside / "one.png", pnginfo=chunks)
    (tmp_path / "broken.png").write_bytes(b"nothing")

    def take() -> Any:
        job = served.client.post("/api/v1/history/folders", json={"folder": str(tmp_path)}).json()
        found = served.app.queue.find(job["id"])
        assert found is not None
        return found.wait(60)

    assert take() == Taken(added=1, known=0, unreadable=1)
    assert take() == Taken(added=0, known=1, unreadable=1)
    (image,) = served.client.get("/api/v1/history", params={"q": "foreign"}).json()["images"]
    assert (image["seed"], image["sampler"], image["model"], image["width"]) == (77, "Euler a", "some", 8)
    bare = Image.new("RGBA", (8, 8), "teal")  # without its parameters, and with an alpha channel that says nothing
    known = served.app.jobs.recorder.history.with_pixels(pixel_hash(bare))
    assert known is not None
    assert (known.id, known.infotext) == (image["id"], text)
    assert served.client.post("/api/v1/history/folders", json={"folder": str(tmp_path / "no")}).status_code == 422


def test_pictures_are_counted_by_what_made_them_and_found_by_their_file(served: Served) -> None:
    for steps, cfg, mark in ((1, 3, "good"), (1, 9, "bad"), (2, 3, "good"), (2, 3, "")):
        assert served.txt2img(prompt="tallied", save_images=True, steps=steps, cfg_scale=cfg).status_code == 200
        newest = served.client.get("/api/v1/history", params={"q": "tallied", "limit": 1}).json()["images"][0]
        served.client.patch("/api/v1/history", json={"numbers": [newest["number"]], "mark": mark})
    query = {"q": "tallied", "by": ["Steps", "CFG scale"]}
    told = served.client.get("/api/v1/history/tally", params=query).json()
    rows = {tuple(row["values"]): (row["total"], row["marks"]) for row in told["rows"]}
    assert rows == {
        ("1", "3.0"): (1, {"good": 1}),
        ("1", "9.0"): (1, {"bad": 1}),
        ("2", "3.0"): (2, {"good": 1, "": 1}),
    }
    table = served.client.get("/api/v1/history/tally/table", params=query)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.text.splitlines()[0] == "Steps,CFG scale,pictures,bad,good,without a mark,favourites,mean rating"
    path = str(next(served.app.jobs.recorder.history.with_numbers([newest["number"]])).path)
    assert served.client.get("/api/v1/history/at", params={"path": path}).json()["id"] == newest["id"]
    assert served.client.get("/api/v1/history/at", params={"path": "/etc/passwd"}).status_code == 404
    assert served.client.get("/api/v1/history/tally?by=a&by=b&by=c&by=d").status_code == 422
    assert served.client.get("/api/v1/history/tally", params={"numbers": "x"}).status_code == 422
