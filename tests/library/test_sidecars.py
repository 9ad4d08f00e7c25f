from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from modules.library.sidecars import description_of, preview_of, user_metadata_of


@pytest.mark.parametrize(
    ("model", "beside", "expected"),
    [
        ("a.safetensors", ["a.png", "a.preview.png", "a.jpg"], "a.png"),
        ("a.safetensors", ["a.preview.png", "a.jpg"], "a.preview.png"),
        ("a.safetensors", ["b.png", "a.preview.webp"], "a.preview.webp"),
        ("v1.5 full.ckpt", ["v1.png", "v1.5 full.jpeg"], "v1.5 full.jpeg"),
        ("drawn.png", ["drawn.png"], None),
        ("drawn.png", ["drawn.png", "drawn.preview.png"], "drawn.preview.png"),
        ("folder v1.5", ["folder v1.5.png"], "folder v1.5.png"),
        ("a.pt", ["a.svg", "a.html"], None),
    ],
)
def test_the_picture_of_a_model_is_the_one_that_is_called_like_it(
    tmp_path: Path, model: str, beside: list[str], expected: str | None
) -> None:
    found = preview_of(str(tmp_path / model), frozenset(beside))
    assert found == (None if expected is None else str(tmp_path / expected))


def test_descriptions_and_notes_are_read(tmp_path: Path) -> None:
    model = str(tmp_path / "a.safetensors")
    (tmp_path / "a.description.txt").write_bytes(b"\xef\xbb\xbfolder form \xff")
    assert description_of(model, {"a.description.txt"}) == "older form \ufffd"
    (tmp_path / "a.txt").write_text("text")
    assert description_of(model, {"a.txt", "a.description.txt"}) == "text"
    assert description_of(model, set()) is None
    assert user_metadata_of(model) == {}
    (tmp_path / "a.json").write_text(json.dumps({"vae": "x.pt", "preferred weight": 0.7}))
    assert user_metadata_of(model) == {"vae": "x.pt", "preferred weight": 0.7}


@pytest.mark.parametrize("text", ["{broken", "[1]", ""])
def test_damaged_notes_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert user_metadata_of(str(tmp_path / "a.safetensors")) == {}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders there")
def test_pipes_and_devices_beside_a_model_say_nothing_and_nobody_waits_for_them(tmp_path: Path) -> None:
    model = tmp_path / "a.safetensors"
    model.write_bytes(b"")
    os.mkfifo(tmp_path / "a.json")
    (tmp_path / "a.txt").symlink_to("/dev/zero")
    assert user_metadata_of(str(model)) == {}
    assert description_of(str(model), {"a.txt", "a.json"}) is None
