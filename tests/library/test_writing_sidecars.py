from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from modules.foundation.errors import RequestError
from modules.library.sidecars import description_of, preview_of, sidecars_of, user_metadata_of
from modules.library.writing_sidecars import write_notes, write_preview


def picture(form: str, colour: str = "red") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(target, form)
    return target.getvalue()


def names(folder: Path) -> frozenset[str]:
    return frozenset(each.name for each in folder.iterdir())


def test_notes_are_changed_key_by_key_and_keys_of_others_stay(tmp_path: Path) -> None:
    model = tmp_path / "film.v2.safetensors"
    (tmp_path / "film.v2.json").write_text('{"modelId": 7, "notes": "old", "description": "d"}', encoding="utf-8")
    write_notes(str(model), {"notes": "new", "description": "", "activation text": "grainy"})
    assert user_metadata_of(str(model)) == {"modelId": 7, "notes": "new", "activation text": "grainy"}


def test_damaged_notes_are_kept_beside(tmp_path: Path) -> None:
    (tmp_path / "film.json").write_text("{broken", encoding="utf-8")
    write_notes(str(tmp_path / "film.pt"), {"notes": "new"})
    assert json.loads((tmp_path / "film.json").read_text(encoding="utf-8")) == {"notes": "new"}
    assert (tmp_path / "film.json.broken").read_text(encoding="utf-8") == "{broken"


@pytest.mark.parametrize(("form", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp")])
@pytest.mark.parametrize("before", [[], ["film.png"], ["film.preview.png", "film.jpg"], ["film.webp", "film.jpeg"]])
def test_a_new_picture_is_the_one_that_is_shown_byte_for_byte(
    tmp_path: Path, form: str, suffix: str, before: list[str]
) -> None:
    model = str(tmp_path / "film.safetensors")
    for name in before:
        (tmp_path / name).write_bytes(picture("PNG", "blue"))
    (tmp_path / "filmstrip.png").write_bytes(b"another model's")
    data = picture(form)
    written = write_preview(model, data, names(tmp_path))
    assert written.name == f"film{suffix}"
    assert preview_of(model, names(tmp_path)) == str(written)
    assert written.read_bytes() == data
    assert (tmp_path / "filmstrip.png").exists()


def test_an_embedding_that_is_a_picture_is_not_written_over(tmp_path: Path) -> None:
    embedding = tmp_path / "style.png"
    embedding.write_bytes(picture("PNG", "blue"))
    before = embedding.read_bytes()
    written = write_preview(str(embedding), picture("PNG"), names(tmp_path))
    assert written.name == "style.preview.png"
    assert embedding.read_bytes() == before
    assert preview_of(str(embedding), names(tmp_path)) == str(written)


@pytest.mark.parametrize("data", [b"", b"no picture", picture("PNG")[:40], picture("BMP")])
def test_what_is_no_picture_is_refused_and_the_old_one_stays(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "film.png").write_bytes(b"old")
    with pytest.raises(RequestError):
        write_preview(str(tmp_path / "film.pt"), data, names(tmp_path))
    assert (tmp_path / "film.png").read_bytes() == b"old"


@pytest.mark.parametrize("model", ["a.safetensors", "a.b.pt", "a.png", "a.preview.safetensors"])
def test_one_look_at_a_folder_tells_the_same_as_a_look_for_each_model(tmp_path: Path, model: str) -> None:
    beside = ["a.png", "a.preview.jpg", "a.b.webp", "a.b.txt", "a.description.txt", "a.txt", "a.json", "a.preview.png"]
    for name in beside:
        (tmp_path / name).write_text(f'{{"notes": "{name}"}}', encoding="utf-8")
    present = frozenset({*beside, model})
    path = str(tmp_path / model)
    kept = sidecars_of(str(tmp_path), present).get(model.rpartition(".")[0])
    assert (kept.preview_of(model) if kept else None) == preview_of(path, present)
    assert (kept.description() if kept else "") == (description_of(path, present) or "")
    assert (kept.notes() if kept else {}) == user_metadata_of(path)
