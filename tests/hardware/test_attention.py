from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch.nn import functional

from modules.hardware.attention import (
    BLOCK,
    KERNELS,
    AttentionProcessor,
    attention,
    blockwise_attention,
    chosen_attention,
    kernel_called,
)
from modules.settings.declare import choices_of
from modules.settings.sections.diffusion import OptimizationsSection


def _tensors(groups: int, rows: int, columns: int, width: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((groups, rows, width), (groups, columns, width), (groups, columns, width))
    query, key, value = (torch.randn(shape, generator=generator) for shape in shapes)
    return query, key, value


@pytest.mark.parametrize(
    ("groups", "rows", "columns"),
    [(4, 16, 16), (6, 64, 77), (3, 1024, 1024), (5, 700, 333), (1, 2048, BLOCK // 512), (2, 3, 1)],
)
def test_blocks_of_any_shape_put_together_are_plain_attention(groups: int, rows: int, columns: int) -> None:
    query, key, value = _tensors(groups, rows, columns, 16)
    wanted = functional.scaled_dot_product_attention(query, key, value)
    assert torch.allclose(blockwise_attention(query, key, value), wanted, atol=1e-5)


def test_in_bfloat16_it_is_as_near_to_the_truth_as_torchs_own_kernel() -> None:
    query, key, value = _tensors(8, 512, 512, 40)
    truth = functional.scaled_dot_product_attention(query, key, value)
    low = [tensor.bfloat16()[None] for tensor in (query, key, value)]
    ours = (attention(low[0], low[1], low[2])[0].float() - truth).abs().mean()
    theirs = (functional.scaled_dot_product_attention(low[0], low[1], low[2])[0].float() - truth).abs().mean()
    assert ours < theirs * 2


def _unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        attention_head_dim=4,
        cross_attention_dim=24,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    ).eval()


@pytest.mark.parametrize("mask", [False, True])
def test_a_unet_answers_as_with_the_librarys_own_processor(mask: bool) -> None:
    unet = _unet()
    x, context = torch.randn(2, 4, 8, 8), torch.randn(2, 77, 24)
    keep = torch.arange(77).expand(2, -1) < 50 if mask else None
    with torch.inference_mode():
        wanted = unet(x, torch.tensor([7, 7]), encoder_hidden_states=context, encoder_attention_mask=keep).sample
        unet.set_attn_processor(cast(Any, AttentionProcessor()))
        got = unet(x, torch.tensor([7, 7]), encoder_hidden_states=context, encoder_attention_mask=keep).sample
    assert torch.allclose(got, wanted, atol=1e-5)


def test_attention_in_float32_is_entered_and_left() -> None:
    unet = cast(Any, _unet()).to(torch.bfloat16)
    unet.set_attn_processor(cast(Any, AttentionProcessor()))
    x, context = torch.randn(2, 4, 8, 8).bfloat16(), torch.randn(2, 77, 24).bfloat16()
    before = dict(unet.attn_processors)

    def answer() -> torch.Tensor:
        with torch.inference_mode():
            return unet(x, torch.tensor([7, 7]), encoder_hidden_states=context).sample

    plain = answer()
    with chosen_attention(unet, upcast=True):
        upcast = answer()
    assert upcast.dtype == torch.bfloat16
    assert not torch.equal(upcast, plain)
    assert torch.allclose(upcast, plain, atol=0.1)
    assert torch.equal(answer(), plain)
    assert unet.attn_processors == before


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("mask", [False, True])
def test_every_way_to_compute_attention_is_the_same_formula(name: str, mask: bool) -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(2, 3, 50, 8), torch.randn(2, 3, 77, 8), torch.randn(2, 3, 77, 8)
    added = torch.zeros(2, 3, 1, 77).masked_fill(torch.arange(77) >= 50, -1e4) if mask else None
    wanted = functional.scaled_dot_product_attention(query, key, value, attn_mask=added)
    assert torch.allclose(KERNELS[name](query, key, value, added), wanted, atol=1e-5)


def test_a1111s_names_are_known_with_what_stands_behind_their_dash_and_others_are_not() -> None:
    choices = OptimizationsSection.model_fields["cross_attention_optimization"]
    names = cast("list[str]", choices_of(choices))
    assert len(names) == len(KERNELS)
    assert {kernel_called(name) for name in names} == set(KERNELS.values())
    assert kernel_called("sdp - scaled dot product") is KERNELS["sdp"]
    assert kernel_called("xformers") is None


def test_another_kernel_is_entered_and_left_and_the_default_changes_nothing() -> None:
    unet = _unet()
    unet.set_attn_processor(cast(Any, AttentionProcessor()))
    before = dict(unet.attn_processors)
    with chosen_attention(unet, attention):
        assert unet.attn_processors == before
    with chosen_attention(unet, KERNELS["None"]):
        assert all(cast(Any, each).kernel is KERNELS["None"] for each in unet.attn_processors.values())
    assert unet.attn_processors == before
