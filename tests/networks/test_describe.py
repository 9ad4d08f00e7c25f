from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from modules.networks.describe import describe_hypernetwork, describe_lora, family_of_shapes
from modules.networks.metadata import tag_counts
from tests.checkpoints.bad_files import BAD, torch_file, zip_bomb

KEY = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"


def test_a_network_is_told_by_its_header(tmp_path: Path) -> None:
    tags = json.dumps({"1_a": {"hat": 3, "blue sky": 9}, "2_b": {"hat": 1}})
    metadata = {"ss_output_name": "zoe", "sshs_model_hash": "ab", "ss_base_model_version": "sdxl_base", "x": "y"}
    save_file({KEY: torch.zeros(1, 768)}, tmp_path / "a.safetensors", {**metadata, "ss_tag_frequency": tags})
    facts = describe_lora(tmp_path / "a.safetensors")
    assert (facts.family, facts.alias, facts.told_hash, facts.problem) == ("SDXL", "zoe", "ab", None)
    assert facts.words == "blue sky hat"
    assert facts.metadata["x"] == "y"
    assert tag_counts(facts.metadata) == {"hat": 4, "blue sky": 9}


@pytest.mark.parametrize(
    ("key", "shape", "family"),
    [
        (KEY, (4, 768), "SD1"),
        (KEY, (4, 1024), "SD2"),
        (KEY, (4, 2048), "SDXL"),
        (KEY, (4, 32), None),
        (KEY.replace("lora_down.weight", "hada_w1_b"), (4, 2048), "SDXL"),
        ("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight", (4, 768), "SD1"),
        ("lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", (4, 9), "SDXL"),
        ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", (4, 9), "Flux"),
        ("something.else", (4, 768), None),
    ],
)
def test_the_family_is_told_by_shapes_where_the_trainer_was_silent(
    key: str, shape: tuple[int, ...], family: str | None
) -> None:
    assert family_of_shapes({"a.alpha": (), key: shape}) == family


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_network_with_nan_is_told_so_naming_the_tensor(tmp_path: Path, dtype: torch.dtype, value: float) -> None:
    tensors = {f"{KEY}{index}": torch.randn(4, 8).to(dtype) for index in range(20)}
    save_file(tensors, tmp_path / "a.safetensors")
    assert describe_lora(tmp_path / "a.safetensors").problem is None
    tensors[f"{KEY}7"][3, 2] = value
    save_file(tensors, tmp_path / "a.safetensors")
    problem = describe_lora(tmp_path / "a.safetensors").problem
    assert problem is not None
    assert f"{KEY}7" in problem
    assert str(tmp_path / "a.safetensors") in problem


def test_a_large_network_that_is_nan_all_over_is_told_by_a_few_of_its_numbers(tmp_path: Path) -> None:
    tensors: dict[str, Tensor] = {f"{KEY}{index:02}": torch.full((64, 512), float("nan")) for index in range(20)}
    tensors |= {f"a{index}": torch.zeros(64, 512) for index in range(5)}
    save_file(tensors, tmp_path / "a.safetensors")
    problem = describe_lora(tmp_path / "a.safetensors").problem
    assert problem is not None
    assert "not numbers" in problem


@pytest.mark.skipif(os.name == "nt", reason="its module is called otherwise there")
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_told_by_its_name_and_the_reason(tmp_path: Path, kind: str) -> None:
    name, content, reason = BAD[kind]
    path = tmp_path / name
    path.write_bytes(content(tmp_path / "was run"))
    problem = describe_lora(path).problem
    assert problem is not None
    assert str(path) in problem
    assert reason in problem
    assert not (tmp_path / "was run").exists()


def test_hypernetworks_are_told_by_their_names_and_bad_ones_by_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "h.pt"
    path.write_bytes(torch_file({320: [{"linear.0.weight": torch.zeros(2, 2)}], "name": "bend", "step": 7}))
    facts = describe_hypernetwork(path)
    assert (facts.alias, facts.details, facts.problem) == ("bend", {"step": "7"}, None)
    for content, reason in ((torch_file({"a": 1}), "no layers"), (b"text", "text file"), (zip_bomb(), "zip bomb")):
        path.write_bytes(content)
        problem = describe_hypernetwork(path).problem
        assert problem is not None
        assert reason in problem
