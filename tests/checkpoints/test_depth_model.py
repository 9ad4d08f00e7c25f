from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from modules.checkpoints.depth_keys import depth_config, depth_names
from modules.checkpoints.depth_model import depth_input, depth_size, load_depth_model
from modules.foundation.errors import CheckpointError, RequestError
from modules.hardware.device import Hardware
from tests.checkpoints.tiny_depth import (
    IN_CHECKPOINTS,
    depth_model,
    make_depth_checkpoint,
    original_name,
    original_tensors,
    write_depth_folder,
    write_midas,
)


@pytest.fixture(scope="module")
def model() -> Any:
    return depth_model()


def pictures(height: int = 384, width: int = 384) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_every_form_gives_the_depth_that_transformers_gives(model: Any, tmp_path: Path, cpu: Hardware) -> None:
    with torch.no_grad():
        expected = model(pictures()).predicted_depth[:, None]
    assert expected.std() > 1e-3
    bare = make_depth_checkpoint(tmp_path / "bare.safetensors", None)
    own = make_depth_checkpoint(tmp_path / "own.safetensors", model)
    write_midas(tmp_path / "file" / "dpt_hybrid-midas-501f0c75.pt", model)
    write_depth_folder(tmp_path / "folder" / "dpt-hybrid-midas", model)
    write_depth_folder(tmp_path / "diffusers" / "depth_estimator", model)
    for checkpoint, folder in (
        (own, tmp_path / "nothing"),
        (bare, tmp_path / "file"),
        (bare, tmp_path / "folder"),
        (tmp_path / "diffusers", tmp_path / "nothing"),
    ):
        found = load_depth_model(checkpoint, [folder], cpu)
        with torch.inference_mode():
            torch.testing.assert_close(found(pictures()), expected, atol=1e-2, rtol=1e-4)


def test_wide_pictures_are_seen_whole(model: Any, tmp_path: Path, cpu: Hardware) -> None:
    found = load_depth_model(make_depth_checkpoint(tmp_path / "own.safetensors", model), [], cpu)
    with torch.inference_mode():
        made = found(pictures(64, 96))
    assert made.shape == (2, 1, 256, 384)
    assert made.std() > 1e-3


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((512, 512), (384, 384)),
        ((512, 768), (384, 576)),
        ((768, 512), (576, 384)),
        ((64, 64), (384, 384)),
        ((300, 384), (288, 384)),
        ((8, 2048), (32, 384)),
    ],
)
def test_midas_sees_the_shape_of_a_picture(size: tuple[int, int], seen: tuple[int, int]) -> None:
    assert depth_size(*size) == seen


@given(st.integers(0, 10_000), st.floats(0.01, 1000))
def test_depth_goes_from_far_to_near_whatever_its_scale(seed: int, scale: float) -> None:
    depth = torch.rand(2, 1, 24, 32, generator=torch.Generator().manual_seed(seed)) * scale
    made = depth_input(depth, (8, 12))
    assert made.shape == (2, 1, 8, 12)
    torch.testing.assert_close(made.amin(dim=(1, 2, 3)), torch.tensor([-1.0, -1.0]))
    torch.testing.assert_close(made.amax(dim=(1, 2, 3)), torch.tensor([1.0, 1.0]))
    small = functional.interpolate(depth[:1], size=(8, 12), mode="bicubic", align_corners=False)
    expected = 2 * (small - small.min()) / (small.max() - small.min()) - 1
    torch.testing.assert_close(made[:1], expected, atol=1e-4, rtol=1e-4)


def test_a_picture_without_depth_is_flat() -> None:
    assert torch.equal(depth_input(torch.full((1, 1, 9, 9), 3.0), (4, 4)), torch.zeros(1, 1, 4, 4))


def test_a_missing_depth_model_is_named_with_its_folder_and_origin(tmp_path: Path, cpu: Hardware) -> None:
    bare = make_depth_checkpoint(tmp_path / "bare.safetensors", None)
    (tmp_path / "midas" / "something").mkdir(parents=True)
    (tmp_path / "midas" / "notes.txt").write_text("nothing")
    with pytest.raises(RequestError, match=r"dpt_hybrid-midas-501f0c75\.pt.*isl-org.*Intel.*midas") as caught:
        load_depth_model(bare, [tmp_path / "midas"], cpu)
    assert "bare.safetensors" in str(caught.value)


def test_a_depth_model_with_a_hole_is_named(model: Any, tmp_path: Path, cpu: Hardware) -> None:
    path = make_depth_checkpoint(tmp_path / "own.safetensors", model)
    tensors = load_file(path)
    for gone in ("scratch.layer2_rn.weight", "scratch.output_conv.4.bias"):
        save_file({key: tensor for key, tensor in tensors.items() if key != IN_CHECKPOINTS + gone}, path)
        with pytest.raises(CheckpointError, match=r"own\.safetensors is not a usable depth model"):
            load_depth_model(path, [], cpu)


def test_names_and_shapes_of_official_size_give_the_published_configuration() -> None:
    from transformers import DPTConfig, DPTForDepthEstimation

    with torch.device("meta"):
        official = DPTForDepthEstimation(
            DPTConfig(is_hybrid=True, neck_hidden_sizes=[256, 512, 768, 768], reassemble_factors=[1, 1, 1, 0.5])
        )
        tensors = original_tensors(official)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    config = depth_config(shapes, "")
    backbone = config.pop("backbone_config")
    assert {key: backbone[key] for key in ("depths", "hidden_sizes", "embedding_size")} == {
        "depths": [3, 4, 9],
        "hidden_sizes": [256, 512, 1024],
        "embedding_size": 64,
    }
    for key, value in config.items():
        published = getattr(official.config, key)
        if key == "backbone_out_indices":  # the first two come from the backbone, whatever stands there
            assert list(published[2:]) == value[2:]
        elif key != "layer_norm_eps":  # the original's, to which transformers' configuration does not keep
            assert (list(published) if isinstance(published, tuple | list) else published) == value, key
    assert len(depth_names(shapes, "")) == len(shapes)
    assert original_name("dpt.encoder.layer.3.output.dense.bias") == "pretrained.model.blocks.3.mlp.fc2.bias"
