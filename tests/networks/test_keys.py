from __future__ import annotations

import pytest
import torch
from torch import nn

from modules.networks.keys import LayerName, ModuleIndex, split_key
from tests.networks.conftest import Parts

TO_Q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
TO_OUT = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"
Q_PROJ = "encoder.layers.1.self_attn.q_proj"


@pytest.mark.parametrize(
    ("key", "path", "tail"),
    [
        # Kohya's scripts, with diffusers' names and with those of the original code
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight", TO_Q, "up"),
        ("lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q.lora_down.weight", TO_Q, "down"),
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0.alpha", TO_OUT, "alpha"),
        ("lora_unet_down_blocks_0_resnets_0_conv1.lora_mid.weight", "down_blocks.0.resnets.0.conv1", "mid"),
        ("lora_unet_input_blocks_1_0_in_layers_2.hada_w1_a", "down_blocks.0.resnets.0.conv1", "hada_w1_a"),
        ("lora_unet_time_embed_0.diff", "time_embedding.linear_1", "diff"),
        ("lora_unet_out_2.diff_b", "conv_out", "diff_b"),
        ("oft_unet_mid_block_attentions_0_proj_in.oft_blocks", "mid_block.attentions.0.proj_in", "oft_blocks"),
        ("lycoris_unet_middle_block_1_proj_in.lokr_w1", "mid_block.attentions.0.proj_in", "lokr_w1"),
        ("lora_te_text_model_encoder_layers_1_self_attn_q_proj.dora_scale", Q_PROJ, "dora_scale"),
        # OneTrainer names the only text encoder as the first of two, and knows a form with dots
        ("lora_te1_text_model_encoder_layers_1_self_attn_q_proj.lora_up.weight", Q_PROJ, "up"),
        (f"unet.{TO_Q}.lora_down.weight", TO_Q, "down"),
        (f"clip_l.text_model.{Q_PROJ}.lora_up.weight", Q_PROJ, "up"),
        # diffusers: attention processors, then peft
        ("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.up.weight", TO_Q, "up"),
        (
            "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.down.weight",
            TO_OUT,
            "down",
        ),
        (f"unet.{TO_Q}.lora.up.weight", TO_Q, "up"),
        (f"unet.{TO_Q}.lora_A.weight", TO_Q, "down"),
        (f"unet.{TO_Q}.lora_B.default.weight", TO_Q, "up"),
        (f"base_model.model.{TO_Q}.lora_B.weight", TO_Q, "up"),
        (f"text_encoder.text_model.{Q_PROJ}.lora_linear_layer.up.weight", Q_PROJ, "up"),
        (f"text_encoder.text_model.{Q_PROJ}.lora_A.weight", Q_PROJ, "down"),
        (f"text_encoder.text_model.{Q_PROJ}.lora_magnitude_vector", Q_PROJ, "dora_scale"),
        ("text_encoder.text_model.encoder.layers.1.self_attn.q_proj_lora.down.weight", Q_PROJ, "down"),
        # names of the original code with dots
        ("diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.lora_A.weight", TO_Q, "down"),
        ("model.diffusion_model.output_blocks.1.2.conv.lora_up.weight", None, "up"),
    ],
)
def test_every_programs_names_lead_to_the_module(parts: Parts, key: str, path: str | None, tail: str) -> None:
    split = split_key(key)
    assert split is not None
    layer, found_tail = split
    assert found_tail == tail
    owner = parts.text if path and path.startswith("encoder") else parts.unet
    assert parts.index.find(layer) is (None if path is None else owner.get_submodule(path))


def test_every_layer_with_weights_is_found_under_its_own_name_and_that_of_the_original_code(parts: Parts) -> None:
    index = parts.index
    for path, module in parts.unet.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.GroupNorm | nn.LayerNorm):
            assert index.find(LayerName("unet", path.replace(".", "_"))) is module
    found = [index.find(LayerName("unet", f"output_blocks_{block}_0_in_layers_0")) for block in range(4)]
    assert len({id(module) for module in found}) == 4
    assert all(isinstance(module, nn.GroupNorm) for module in found)
    upsampler = parts.unet.get_submodule("up_blocks.0.upsamplers.0.conv")
    # There is no transformer before it, which would push it one place back.
    assert index.find(LayerName("unet", "output_blocks_1_1_conv")) is upsampler


def test_two_text_encoders_are_told_apart(parts: Parts) -> None:
    other = nn.ModuleDict({"text_model": nn.ModuleDict({"encoder": nn.Linear(2, 2)})})
    first = nn.ModuleDict({"encoder": nn.Linear(2, 2)})
    index = ModuleIndex(parts.unet, [first, other])
    for key, module in (("lora_te1_text_model_encoder", first["encoder"]), ("text_encoder.encoder", first["encoder"])):
        split = split_key(f"{key}.lora_up.weight")
        assert split is not None
        assert index.find(split[0]) is module
    for key in ("lora_te2_text_model_encoder", "text_encoder_2.text_model.encoder", "clip_g.encoder"):
        split = split_key(f"{key}.lora_up.weight")
        assert split is not None
        assert index.find(split[0]) is other["text_model"]["encoder"]  # type: ignore[index]


@pytest.mark.parametrize(
    "key", ["model.layer.weight", "lora_unet_x.unheard_of", "transformer.single_blocks.0.lora_A.weight", "alpha", ""]
)
def test_other_names_belong_to_no_layer(key: str) -> None:
    assert split_key(key) is None


def test_an_index_needs_no_particular_class() -> None:
    unet = nn.ModuleDict({"conv_in": nn.Conv2d(4, 8, 3)})
    index = ModuleIndex(unet, [])
    assert index.find(LayerName("unet", "input_blocks_0_0")) is unet["conv_in"]
    assert index.find(LayerName("te", "anything")) is None
    assert isinstance(unet["conv_in"].weight, torch.nn.Parameter)
