from __future__ import annotations

import json
import os
import pickle
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from modules.checkpoints.tensors import open_tensors, parameter_count, read_header
from modules.foundation.errors import CheckpointError


def _safetensors(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_shapes_and_metadata_are_read_without_reading_tensors(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"w": torch.zeros(3, 4), "b": torch.zeros(3)}, path, metadata={"title": "a model"})
    header = read_header(path)
    assert dict(header.shapes) == {"w": (3, 4), "b": (3,)}
    assert header.metadata == {"title": "a model"}
    assert parameter_count(header.shapes) == 15


def test_tensors_come_back_as_they_were_saved(tmp_path: Path) -> None:
    tensors = {"w": torch.randn(3, 4), "h": torch.randn(2).half()}
    save_file(tensors, tmp_path / "a.safetensors")
    torch.save({"state_dict": tensors, "epoch": 3}, tmp_path / "a.ckpt")
    torch.save(tensors, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("a.safetensors", "a.ckpt", "old.pt"):
        with open_tensors(tmp_path / name) as source:
            assert {key: source.shapes[key] for key in source.shapes} == {"w": (3, 4), "h": (2,)}
            for key, tensor in tensors.items():
                assert torch.equal(source.read(key), tensor), name


BROKEN_HEADERS = {
    "empty": b"",
    "a text file": b"this is no model at all, although somebody named it so",
    "length beyond the file": struct.pack("<Q", 10**6) + b"{}",
    "absurd length": struct.pack("<Q", 2**63) + b"{}",
    "no json": struct.pack("<Q", 4) + b"{{{{",
    "a list": struct.pack("<Q", 2) + b"[]",
    "offsets beyond the file": struct.pack("<Q", 63)
    + b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,9999999999]}}   ',
    "negative offsets": struct.pack("<Q", 58) + b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}   ',
    "an entry without offsets": struct.pack("<Q", 17) + b'{"w":{"shape":2}}',
}


@pytest.mark.parametrize("kind", BROKEN_HEADERS)
def test_a_file_that_is_no_model_is_refused_by_name_and_reason(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(BROKEN_HEADERS[kind])
    with pytest.raises(CheckpointError, match=r"broken\.safetensors is not a usable model file: ."):
        read_header(path)


def test_a_file_that_was_cut_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    save_file({"w": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match="cut off"):
        read_header(path)


class _RunsCode:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/easel-was-run",)


def test_a_pickle_that_runs_code_is_refused_naming_what_it_wanted(tmp_path: Path) -> None:
    marker = Path("/tmp/easel-was-run")
    path = tmp_path / "evil.ckpt"
    torch.save({"state_dict": {"w": torch.zeros(2)}, "evil": _RunsCode()}, path)
    with pytest.raises(CheckpointError, match=r"evil\.ckpt was refused: it wants to import (posix|nt|os)\.system"):
        open_tensors(path)
    assert not marker.exists()


def test_a_bare_pickle_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(_RunsCode()))
    with pytest.raises(CheckpointError, match=r"evil\.pt"):
        open_tensors(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.safetensors cannot be read"):
        read_header(tmp_path / "gone.safetensors")
    with pytest.raises(CheckpointError, match=r"gone\.ckpt"):
        open_tensors(tmp_path / "gone.ckpt")
