from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from modules.foundation.errors import NetworkError
from modules.networks.file import check_fit, read_network
from tests.networks.conftest import Parts, WriteNetwork, info_of, lora, randn

Q = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"


def test_layers_are_gathered_and_alpha_is_found(write_network: WriteNetwork) -> None:
    network = write_network({**lora(Q, 64, 64), "lora_te_text_model_encoder_layers_0_mlp_fc1.diff": randn(96, 48)})
    assert {str(name) for name in network.layers} == {
        "unet: mid_block_attentions_0_transformer_blocks_0_attn1_to_q",
        "te: encoder_layers_0_mlp_fc1",
    }
    assert network.changes_text
    assert {layer.kind.name for layer in network.layers.values() if layer.kind} == {"LoRA", "full"}


def test_diffusers_one_alpha_for_all_layers_is_read_from_the_metadata(write_network: WriteNetwork) -> None:
    name = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    tensors = {f"{name}.lora_A.weight": randn(4, 64), f"{name}.lora_B.weight": randn(64, 4)}
    metadata = {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": 8, "unet.r": 4})}
    (layer,) = write_network(tensors, "peft", metadata).layers.values()
    assert float(layer.parts["alpha"]) == 8.0
    (layer,) = write_network(tensors, "broken", {"lora_adapter_metadata": "{"}).layers.values()
    assert "alpha" not in layer.parts


def test_bundled_embeddings_are_read(write_network: WriteNetwork) -> None:
    tensors = {
        "bundle_emb.my-word.string_to_param.*": randn(2, 48),
        "bundle_emb.big-word.clip_l": randn(2, 48),
        "bundle_emb.big-word.clip_g": randn(2, 80),
    }
    network = write_network(tensors)
    assert {name: sorted(found) for name, found in network.embeddings.items()} == {
        "my-word": ["string_to_param.*"],
        "big-word": ["clip_g", "clip_l"],
    }
    assert not network.layers


def test_a_torch_file_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    torch.save(lora(Q, 64, 64), path)
    assert len(read_network(info_of(path)).layers) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_and_infinity_are_refused_by_name(write_network: WriteNetwork, value: float) -> None:
    tensors = lora(Q, 64, 64)
    tensors[f"{Q}.lora_up.weight"][3, 1] = value
    with pytest.raises(NetworkError, match=r"bad\.safetensors is damaged.*lora_up\.weight.*not numbers"):
        write_network(tensors, "bad")


def test_large_half_precision_numbers_are_not_taken_for_infinity(write_network: WriteNetwork) -> None:
    write_network({f"{Q}.diff": torch.full((64, 64), 60000.0).half()})


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("executed",)


def test_damaged_and_foreign_files_are_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = tmp_path / "whole.safetensors"
    save_file(lora(Q, 64, 64), whole)
    data = whole.read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.safetensors").write_text("I am a text file, honestly.")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    (tmp_path / "far.safetensors").write_bytes(b"\xff" * 64)
    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"x": Evil()}))
    save_file({"model.weight": randn(2)}, tmp_path / "other.safetensors")
    for name in ("cut", "text", "empty", "far", "other"):
        with pytest.raises(NetworkError, match=rf"{name}\.safetensors"):
            read_network(info_of(tmp_path / f"{name}.safetensors"))
    (tmp_path / "text.pt").write_text("I am a text file, honestly.")
    for name in ("evil.pt", "text.pt", "gone.safetensors", "gone.pt"):
        with pytest.raises(NetworkError, match=name):
            read_network(info_of(tmp_path / name))
    assert "executed" not in capsys.readouterr().out


def test_a_network_of_another_family_is_refused_with_both_families(parts: Parts, write_network: WriteNetwork) -> None:
    metadata = {"ss_base_model_version": "sdxl_base_v1-0"}
    for tensors in (lora(Q, 1280, 1280), lora("lora_te2_text_model_encoder_layers_0_mlp_fc1", 96, 48)):
        network = write_network(tensors, "large", metadata)
        with pytest.raises(NetworkError, match="'large' was made for SDXL models; the checkpoint is SD1"):
            check_fit(network, parts.index, "SD1")
    with pytest.raises(NetworkError, match="'plain' does not fit this model; the checkpoint is SD1"):
        check_fit(write_network(lora(Q, 1280, 1280), "plain"), parts.index, "SD1")


def test_layers_that_the_model_lacks_do_not_spoil_the_others(parts: Parts, write_network: WriteNetwork) -> None:
    network = write_network({**lora(Q, 64, 64), **lora("lora_unet_somewhere_else", 8, 8)})
    check_fit(network, parts.index, "SD1")


def test_every_kind_is_checked_without_computing(parts: Parts, write_network: WriteNetwork) -> None:
    conv = "lora_unet_down_blocks_0_resnets_0_conv1"
    fitting = {
        f"{conv}.lokr_w1": randn(4, 4),
        f"{conv}.lokr_w2_a": randn(4, 8),
        f"{conv}.lokr_w2_b": randn(4, 8),
        f"{conv}.lokr_t2": randn(4, 4, 3, 3),
        f"{Q}.oft_blocks": randn(2, 8, 4, 4).repeat(1, 2, 1, 1),
        f"{Q}.alpha": torch.tensor(0.5),
        f"{Q}.dora_scale": randn(1, 64),
    }
    check_fit(write_network(fitting, "fits"), parts.index, "SD1")
    with pytest.raises(NetworkError, match="a bias of 7"):
        check_fit(write_network({f"{conv}.diff_b": randn(7)}, "bias"), parts.index, "SD1")
    with pytest.raises(NetworkError, match="does not fit"):
        check_fit(write_network({f"{Q}.oft_blocks": randn(3, 4, 4)}, "blocks"), parts.index, "SD1")
