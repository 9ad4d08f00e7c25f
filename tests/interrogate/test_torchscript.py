from __future__ import annotations

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modules.foundation.errors import CheckpointError
from modules.interrogate.clip_ranking import ClipRanking, WordFeatures
from modules.interrogate.torchscript import is_torchscript, read_torchscript
from tests.interrogate import tiny


class Holder(nn.Module):
    """Names with dots as modules in modules, as a published archive has them."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            owner: nn.Module = self
            *path, last = name.split(".")
            for part in path:
                if not hasattr(owner, part):
                    owner.add_module(part, nn.Module())
                owner = owner.get_submodule(part)
            owner.register_parameter(last, nn.Parameter(tensor, requires_grad=False))

    def forward(self, x: Tensor) -> Tensor:
        return x


def write_torchscript(path: Path, tensors: dict[str, Tensor]) -> Path:
    trace: Any = torch.jit.trace
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace(Holder(tensors), torch.zeros(1)).save(str(path))
    return path


def test_the_tensors_of_an_archive_are_those_that_were_saved(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 4), "inner.deep.weight": torch.randn(2, 5).half(), "inner.bias": torch.arange(3.0)}
    path = write_torchscript(tmp_path / "model.pt", tensors)
    assert is_torchscript(path)
    found = read_torchscript(path)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


def test_clip_as_openai_published_it_ranks_as_the_folder_does(tmp_path: Path) -> None:
    model = tiny.clip()
    plain = torch.load(tiny.write_openai_clip(tmp_path / "plain.pt", model))
    files = (write_torchscript(tmp_path / "ViT-L-14.pt", plain), tiny.write_clip_folder(tmp_path / "folder", model))
    ranked = [
        clip.rank(clip.image_features(tiny.picture()), ("a cat", "a hill"), 2)
        for clip in (ClipRanking(path, torch.device("cpu"), torch.float32, WordFeatures()) for path in files)
    ]
    assert [word for word, _ in ranked[0]] == [word for word, _ in ranked[1]]
    assert [share for _, share in ranked[0]] == pytest.approx([share for _, share in ranked[1]], rel=1e-4)


def test_nothing_in_an_archive_is_run_and_damaged_ones_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    for content in (pickle.dumps(Evil()), b"nothing", b""):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/code/x.py", "")
            archive.writestr("model/data.pkl", content)
        with pytest.raises(CheckpointError, match=r"model\.pt is .*TorchScript archive"):
            read_torchscript(path)
    assert not (tmp_path / "ran").exists()
    torch.save({"weight": torch.zeros(3)}, path)
    assert not is_torchscript(path)
