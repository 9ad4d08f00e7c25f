"""What a file is by its first bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from modules.checkpoints.sniff import mismatch, sniff


def safetensors_with_header_of(length: int) -> bytes:
    """An empty safetensors file whose header is so many bytes long."""
    header = json.dumps({"__metadata__": {"a": ""}})
    return length.to_bytes(8, "little") + (header + " " * (length - len(header))).encode()


@pytest.mark.parametrize("length", [0x80, 0x180, 0x280, 0x380, 0x480, 0x580, 0x680, 0x28080, 0x4B50])
def test_a_safetensors_file_is_one_whatever_the_length_of_its_header(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors_with_header_of(length))
    assert sniff(path) == "safetensors"
    assert mismatch(path, "safetensors") is None


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files_of_both_forms_are_told_from_safetensors(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "a.safetensors"
    torch.save({"{": torch.zeros(2)}, path, _use_new_zipfile_serialization=zipped)
    assert sniff(path) == "torch"
    assert "rename it to a.ckpt" in (mismatch(path, "safetensors") or "")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b"GGUF\x03\x00\x00\x00", "gguf"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pointer"),
        (b"just words", "text"),
        (bytes(range(200, 256)), "unknown"),
    ],
)
def test_other_files_are_told_by_their_first_bytes(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    assert sniff(path) == what
