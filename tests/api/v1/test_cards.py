"""The cards of model files over HTTP: their lists, notes and pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from tests.api.conftest import Served, flags_for, serving


def put_lora(data: Path, name: str) -> Path:
    path = data / "models" / "Lora" / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    key = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
    save_file({key: np.zeros((1, 768), np.float32)}, path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cards")
    put_lora(folder, "sub/film")
    return folder


@pytest.fixture(scope="module")
def served(data: Path) -> Iterator[Served]:
    with serving(flags_for(data)) as served:
        yield served


def card(served: Served, name: str) -> dict[str, object] | None:
    told = served.client.get("/api/v1/cards/lora").json()
    rows = (dict(zip(told["fields"], row, strict=True)) for row in told["cards"])
    return next((row for row in rows if row["name"] == name), None)


def test_the_overview_names_the_pages_and_the_settings_of_cards(served: Served) -> None:
    told = served.client.get("/api/v1/cards").json()
    assert [page["name"] for page in told["pages"]] == ["textual_inversion", "hypernetworks", "checkpoints", "lora"]
    assert told["settings"]["extra_networks_add_text_separator"] == " "
    assert told["settings"]["lora_show_all"] is False
    lora = told["pages"][-1]
    assert (lora["tag"], lora["kind"], lora["takes_negative"]) == ("lora", "lora", False)


def test_notes_and_a_picture_are_on_the_card_as_soon_as_they_are_written(served: Served, data: Path) -> None:
    notes = {"activation text": "grainy", "preferred weight": 0.6, "description": "old film"}
    answer = served.client.put("/api/v1/models/lora/sub/film/notes", json=notes)
    assert answer.status_code == 200, answer.text
    assert answer.json() == notes
    target = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(target, "PNG")
    answer = served.client.put("/api/v1/models/lora/film/preview", content=target.getvalue())
    assert answer.status_code == 200, answer.text
    assert (data / "models" / "Lora" / "sub" / "film.png").read_bytes() == target.getvalue()
    told = card(served, "film")
    assert told is not None
    assert told["prompt"] == "<lora:film:0.6> grainy"
    assert told["description"] == "old film"
    picture = served.client.get(str(told["preview"]).removeprefix("."))
    assert picture.content == target.getvalue()
    # What is not given stays; an empty text takes a note away.
    answer = served.client.put("/api/v1/models/lora/film/notes", json={"description": ""})
    assert answer.json() == {"activation text": "grainy", "preferred weight": 0.6}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/models/lora/gone/notes", {"notes": "x"}, 404),
        ("/api/v1/models/lora/../../film/notes", {"notes": "x"}, 404),
        ("/api/v1/models/lora/film/notes", {"preferred weight": "heavy"}, 422),
        ("/api/v1/models/lora/film/notes", {"preferred weight": 1e9}, 422),
        ("/api/v1/models/nothing/film/notes", {"notes": "x"}, 422),
    ],
)
def test_notes_that_cannot_be_written_are_refused(served: Served, path: str, body: object, status: int) -> None:
    assert served.client.put(path, json=body).status_code == status


def test_what_is_no_picture_is_refused_with_a_sentence(served: Served) -> None:
    answer = served.client.put("/api/v1/models/lora/film/preview", content=b"no picture")
    assert answer.status_code == 422
    assert "picture" in answer.text


def test_a_new_file_is_on_the_page_after_a_refresh(served: Served, data: Path) -> None:
    assert card(served, "new") is None
    put_lora(data, "new")
    assert served.client.post("/api/v1/cards/lora/refresh").status_code == 200
    assert card(served, "new") is not None
    assert served.client.get("/api/v1/cards/nothing").status_code == 404


def test_strangers_on_an_open_network_write_nothing_beside_files(tmp_path: Path) -> None:
    path = put_lora(tmp_path, "film")
    with serving(flags_for(tmp_path, listen=True)) as served:
        answer = served.client.put("/api/v1/models/lora/film/notes", json={"notes": "x"})
        assert answer.status_code == 403
        assert served.client.put("/api/v1/models/lora/film/preview", content=b"x").status_code == 403
    assert not path.with_suffix(".json").exists()
