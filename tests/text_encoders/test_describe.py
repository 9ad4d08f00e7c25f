from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from modules.foundation.errors import PromptError
from modules.text_encoders.describe import describe_embedding
from modules.text_encoders.embedding_files import read_embedding
from modules.text_encoders.textual_inversion import NO_EMBEDDING
from tests.checkpoints.bad_files import RunsCode, torch_file, zip_bomb


def test_embeddings_of_every_form_are_told_by_their_vectors(tmp_path: Path) -> None:
    parameters = torch.nn.ParameterDict({"*": torch.nn.Parameter(torch.zeros(2, 768))})
    torch.save({"string_to_param": parameters, "step": 500, "sd_checkpoint": "abc"}, tmp_path / "a.pt")
    torch.save({"<word>": torch.zeros(1024)}, tmp_path / "b.bin")
    torch.save(torch.zeros(3, 768), tmp_path / "c.pt")
    save_file({"clip_l": torch.zeros(4, 768), "clip_g": torch.zeros(4, 1280)}, tmp_path / "d.safetensors")
    for name, family, vectors, width in (
        ("a.pt", "SD1", "2", "768"),
        ("b.bin", "SD2", "1", "1024"),
        ("c.pt", "SD1", "3", "768"),
        ("d.safetensors", "SDXL", "4", "2048"),
    ):
        facts = describe_embedding(tmp_path / name)
        assert (facts.family, facts.details["vectors"], facts.details["width"]) == (family, vectors, width), name
        assert facts.problem is None
    assert describe_embedding(tmp_path / "a.pt").details["step"] == "500"


def test_bad_embeddings_are_told_by_the_reason_and_never_run(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    for content, reason in (
        (torch_file({"a": torch.zeros(2), "b": torch.zeros(2)}), "no vectors"),
        (torch_file({"x": RunsCode(tmp_path / "was run")}), "wants to import"),
        (zip_bomb(), "zip bomb"),
        (b"a text", "text file"),
    ):
        path.write_bytes(content)
        problem = describe_embedding(path).problem
        assert problem is not None
        assert reason in problem
        assert "a.pt" in problem
        with pytest.raises(PromptError, match=r"a\.pt|'a'"):
            read_embedding(path)
    assert not (tmp_path / "was run").exists()


def test_a_picture_without_an_embedding_is_no_mistake(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    facts = describe_embedding(tmp_path / "a.png")
    assert facts.problem is None
    assert NO_EMBEDDING in facts.details
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert "b.png" in (describe_embedding(tmp_path / "b.png").problem or "")
