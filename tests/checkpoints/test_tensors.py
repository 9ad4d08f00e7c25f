from __future__ import annotations

import json
import os
import pickle
import struct
import sys
import types
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from modules.checkpoints.safetensors_header import TYPES, read_header
from modules.checkpoints.tensors import open_tensors, parameter_count
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
    "a shape that does not fit": struct.pack("<Q", 57) + b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}   ',
    "a strange type": struct.pack("<Q", 57) + b'{"w":{"dtype":"Q99","shape":[2],"data_offsets":[0,0]}}   ',
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


def test_every_number_type_of_the_format_is_read(tmp_path: Path) -> None:
    tensors = {name: torch.arange(6).reshape(2, 3).to(getattr(torch, name)) for name, _ in TYPES.values()}
    save_file(tensors, tmp_path / "a.safetensors")
    with open_tensors(tmp_path / "a.safetensors") as source:
        for name, tensor in tensors.items():
            found = source.read(name)
            assert found.dtype == source.dtype(name) == tensor.dtype
            assert torch.equal(found.float(), tensor.float())


def test_a_borrowed_tensor_gives_its_memory_to_the_next_and_a_read_one_keeps_it(tmp_path: Path) -> None:
    tensors = {"a": torch.ones(4), "b": torch.zeros(4)}
    save_file(tensors, tmp_path / "x.safetensors")
    torch.save(tensors, tmp_path / "x.ckpt")
    for name in ("x.safetensors", "x.ckpt"):
        with open_tensors(tmp_path / name) as source:
            kept, borrowed = source.read("a"), source.borrow("a")
            assert torch.equal(borrowed, torch.ones(4))
            source.borrow("b")
            assert torch.equal(borrowed, torch.zeros(4))
            assert torch.equal(kept, torch.ones(4))


def test_parts_of_a_larger_tensor_and_turned_ones_come_back_as_they_were(tmp_path: Path) -> None:
    large = torch.randn(6, 5)
    tensors = {"rows": large[2:4], "turned": large.T, "one": large[3, 3], "weights": torch.nn.Parameter(large[1])}
    torch.save(tensors, tmp_path / "a.ckpt")
    with open_tensors(tmp_path / "a.ckpt") as source:
        for key, tensor in tensors.items():
            assert torch.equal(source.read(key), tensor)
            assert torch.equal(source.borrow(key), tensor)
            assert source.read(key).is_contiguous()


class _ModelCheckpoint:
    """Under the name of Lightning's class, as the official files of 2022 have it."""


def test_the_official_files_with_a_trainer_s_remarks_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("pytorch_lightning.callbacks.model_checkpoint")
    _ModelCheckpoint.__module__, _ModelCheckpoint.__qualname__ = module.__name__, "ModelCheckpoint"
    module.ModelCheckpoint = _ModelCheckpoint  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        for name in ("pytorch_lightning", "pytorch_lightning.callbacks", module.__name__):
            patch.setitem(sys.modules, name, module)
        content = {"callbacks": {_ModelCheckpoint: {"monitor": "loss"}}, "state_dict": {"w": torch.ones(3)}}
        torch.save(content, tmp_path / "official.ckpt")
    with open_tensors(tmp_path / "official.ckpt") as source:
        assert torch.equal(source.read("w"), torch.ones(3))


def test_a_zip_that_unpacks_to_much_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.ckpt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", bytes(10_000_000))
    with pytest.raises(CheckpointError, match=r"bomb\.ckpt is not a usable model file: parts of it are compressed"):
        open_tensors(path)


def test_a_zip_without_its_end_or_with_damaged_contents_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.ckpt"
    torch.save({"w": torch.randn(1000)}, whole)
    data = whole.read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(data[: len(data) // 2])
    (tmp_path / "damaged.ckpt").write_bytes(data[:80] + bytes(120) + data[200:])
    for name in ("cut", "damaged"):
        with pytest.raises(CheckpointError, match=rf"{name}\.ckpt"):
            open_tensors(tmp_path / f"{name}.ckpt")


def test_a_file_that_shrinks_while_it_is_open_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "shrinking.safetensors"
    save_file({"w": torch.zeros(1000)}, path)
    with open_tensors(path) as source:
        os.truncate(path, 2000)
        with pytest.raises(CheckpointError, match=r"shrinking\.safetensors .*cut off"):
            source.read("w")
