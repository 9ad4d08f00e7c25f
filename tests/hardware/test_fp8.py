from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from modules.hardware.fp8 import FP8, Fp8Conv2d, Fp8Linear, has_fp8, source_weight, store_in_fp8


def network() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.Flatten(), nn.Linear(8 * 16, 5, bias=False)
    )


def test_weights_are_rounded_once_and_all_else_stays() -> None:
    before, after = network(), network()
    store_in_fp8(after)
    assert isinstance(after[0], Fp8Conv2d)
    assert isinstance(after[3], Fp8Linear)
    assert after.state_dict().keys() == before.state_dict().keys()
    for name, tensor in before.state_dict().items():
        kept = after.state_dict()[name]
        rounded = name in ("0.weight", "3.weight")
        assert kept.dtype == (FP8 if rounded else torch.float32)
        assert torch.equal(kept.float(), tensor.to(FP8).float() if rounded else tensor)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_computed_is_what_the_rounded_weights_give(dtype: torch.dtype) -> None:
    plain, stored = network().to(dtype), network().to(dtype)
    store_in_fp8(stored)
    with torch.no_grad():
        for index in (0, 3):
            plain[index].weight.copy_(plain[index].weight.to(FP8).to(dtype))
    x = torch.randn(2, 3, 4, 4, dtype=dtype)
    assert torch.equal(stored(x), plain(x))


def test_numbers_beyond_the_type_become_its_largest() -> None:
    layer: Any = nn.Sequential(nn.Linear(2, 1))
    with torch.no_grad():
        layer[0].weight.copy_(torch.tensor([[1e6, -1e6]]))
    store_in_fp8(layer)
    assert layer[0].weight.float().tolist() == [[448.0, -448.0]]


def test_the_weights_as_they_were_are_kept_on_request() -> None:
    before, kept, other = network(), network(), network()
    store_in_fp8(kept, keep_source=True)
    store_in_fp8(other)
    source = source_weight(kept[3])
    assert source is not None
    assert torch.equal(source, before[3].weight)
    assert source_weight(other[3]) is None
    assert source_weight(before[3]) is None


def test_a_cpu_has_the_type_and_a_device_without_numbers_has_not() -> None:
    assert has_fp8(torch.device("cpu"))
    assert not has_fp8(torch.device("meta"))
