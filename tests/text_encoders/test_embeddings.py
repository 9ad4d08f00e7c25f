from __future__ import annotations

import base64
import json
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import save_file

from modules.foundation.errors import PromptError
from modules.library.library import Library
from modules.text_encoders.embedding_files import pixel_mask, read_embedding
from modules.text_encoders.embeddings import EmbeddingCatalogue
from modules.text_encoders.tokenizer import ClipTokenizer

VECTORS = torch.arange(8.0).reshape(2, 4)


def check(path: Path, name: str = "word") -> None:
    found = read_embedding(path)
    assert found is not None
    assert found.name == name
    assert torch.equal(found.vectors_for("clip_l"), VECTORS)
    assert (found.vectors, found.width) == (2, 4)


def test_a_webui_file_is_read_with_what_it_says_of_its_training(tmp_path: Path):
    path = tmp_path / "word.pt"
    data = {"string_to_token": {"*": 265}, "string_to_param": {"*": VECTORS}, "name": "other", "step": 500}
    torch.save({**data, "sd_checkpoint": "abc", "sd_checkpoint_name": "model"}, path)
    check(path)
    found = read_embedding(path)
    assert found is not None
    assert (found.step, found.checkpoint_hash, found.checkpoint_name) == (500, "abc", "model")


def test_a_file_of_the_first_training_script_is_read(tmp_path: Path):
    parameters = torch.nn.ParameterDict({"*": torch.nn.Parameter(VECTORS)})
    torch.save({"string_to_token": {"*": torch.tensor(265)}, "string_to_param": parameters}, tmp_path / "word.pt")
    check(tmp_path / "word.pt")


def test_files_of_diffusers_are_read(tmp_path: Path):
    torch.save({"<word>": VECTORS}, tmp_path / "word.bin")
    check(tmp_path / "word.bin")
    torch.save({"<one>": VECTORS[0]}, tmp_path / "one.bin")
    one = read_embedding(tmp_path / "one.bin")
    assert one is not None
    assert one.vectors == 1
    torch.save(VECTORS, tmp_path / "bare.pt")
    check(tmp_path / "bare.pt", "bare")


def test_safetensors_files_are_read(tmp_path: Path):
    save_file({"emb_params": VECTORS}, tmp_path / "word.safetensors")
    check(tmp_path / "word.safetensors")


def test_a_file_for_two_encoders_has_vectors_for_each(tmp_path: Path):
    save_file({"clip_l": VECTORS, "clip_g": torch.ones(2, 6)}, tmp_path / "word.safetensors")
    found = read_embedding(tmp_path / "word.safetensors")
    assert found is not None
    assert torch.equal(found.vectors_for("clip_l"), VECTORS)
    assert torch.equal(found.vectors_for("clip_g"), torch.ones(2, 6))
    assert found.fits({"clip_l": 4, "clip_g": 6})
    assert not found.fits({"clip_l": 4})


def packed() -> bytes:
    return json.dumps({"string_to_param": {"*": {"TORCHTENSOR": VECTORS.tolist()}}, "name": "drawn"}).encode()


def test_a_png_chunk_holds_an_embedding(tmp_path: Path):
    chunks = PngInfo()
    chunks.add_text("sd-ti-embedding", base64.b64encode(packed()).decode())
    Image.new("RGB", (8, 8)).save(tmp_path / "card.png", pnginfo=chunks)
    check(tmp_path / "card.png", "drawn")


@pytest.mark.parametrize(("suffix", "arguments"), [(".png", {}), (".webp", {"lossless": True, "exact": True})])
def test_the_low_bits_of_a_picture_hold_an_embedding(tmp_path: Path, suffix: str, arguments: dict):
    rows = 12
    data = np.frombuffer(zlib.compress(packed()), np.uint8)
    columns = -(-len(data) // (rows * 3))
    data = np.concatenate([data, np.zeros(rows * columns * 3 - len(data), np.uint8)]).reshape(rows, columns, 3)
    mask = pixel_mask(data.size).reshape(data.shape)
    gap = np.zeros((rows, 5, 3), np.uint8)
    picture = np.concatenate([data & 0x0F ^ mask, gap, data >> 4 ^ mask], axis=1)
    below = np.zeros((4, picture.shape[1], 3), np.uint8)
    pixels = np.concatenate([picture, below]) | 0x50
    Image.fromarray(pixels).save(tmp_path / f"card{suffix}", **arguments)
    check(tmp_path / f"card{suffix}", "drawn")


@pytest.mark.parametrize("colour", ["black", "white", (17, 34, 51)])
def test_an_ordinary_picture_holds_none(tmp_path: Path, colour):
    Image.new("RGB", (16, 16), colour).save(tmp_path / "plain.png")
    assert read_embedding(tmp_path / "plain.png") is None


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_program_code_in_a_file_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"string_to_param": Harmful()}, tmp_path / "word.pt")
    with pytest.raises(PromptError, match="must not run code"):
        read_embedding(tmp_path / "word.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["word.pt", "word.bin", "word.safetensors", "word.png"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"\x80\x04not what it should be")
    with pytest.raises(PromptError, match=name):
        read_embedding(tmp_path / name)


@pytest.mark.parametrize(
    "content", [{}, {"a": VECTORS, "b": VECTORS}, {"string_to_param": {}}, {"x": torch.ones(2, 2, 2)}]
)
def test_a_layout_without_vectors_is_refused(tmp_path: Path, content: dict):
    torch.save(content, tmp_path / "word.pt")
    with pytest.raises(PromptError, match="word"):
        read_embedding(tmp_path / "word.pt")


def test_a_catalogue_knows_what_fits_and_sees_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, model_library: Library
):
    (tmp_path / "deep").mkdir()
    save_file({"emb_params": VECTORS}, tmp_path / "deep" / "Small.safetensors")
    save_file({"emb_params": torch.ones(1, 8)}, tmp_path / "large.safetensors")
    (tmp_path / "broken.pt").write_bytes(b"broken")
    Image.new("RGB", (4, 4)).save(tmp_path / "Small.preview.png")
    catalogue = EmbeddingCatalogue(model_library, lambda: [tmp_path, tmp_path / "missing"])
    fitting, others = catalogue.fitting({"clip_l": 4})
    assert ([each.name for each in fitting], [each.name for each in others]) == (["Small"], ["large"])
    assert "broken.pt" in caplog.text
    assert len(fitting[0].short_hash) == 12
    tokenizer = ClipTokenizer()
    table = catalogue.table(tokenizer, {"clip_l": 4})
    assert catalogue.table(tokenizer, {"clip_l": 4}) is table
    assert table.find(tokenizer.encode("small"), 0) == (fitting[0], 1)

    (tmp_path / "large.safetensors").unlink()
    catalogue.refresh()
    assert [each.name for each in catalogue.all()] == ["Small"]
    assert catalogue.all()[0] is fitting[0]
    assert catalogue.table(tokenizer, {"clip_l": 4}) is not table


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_is_an_embedding_under_its_name_and_one_of_the_same_name_is_no_quarrel(
    tmp_path: Path, model_library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "embeddings"
    (folder / "sub").mkdir(parents=True)
    save_file({"emb_params": VECTORS}, folder / "word.safetensors")
    for name in ("other", "sub/word"):
        (folder / f"{name}.safetensors").symlink_to(folder / "word.safetensors")
    (folder / "gone.safetensors").symlink_to(folder / "nowhere.safetensors")
    catalogue = EmbeddingCatalogue(model_library, lambda: [folder])
    assert [each.name for each in catalogue.all()] == ["other", "word"]
    assert not caplog.records


def test_half_a_character_in_what_a_file_says_becomes_a_sign_that_can_be_told(tmp_path: Path) -> None:
    data = {"string_to_token": {"*": 265}, "string_to_param": {"*": VECTORS}, "sd_checkpoint_name": "half \ud83d"}
    torch.save(data, tmp_path / "word.pt")
    found = read_embedding(tmp_path / "word.pt")
    assert found is not None
    assert found.checkpoint_name == "half \ufffd"
