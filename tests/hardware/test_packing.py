from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from modules.hardware import packing
from modules.hardware.device import Hardware, HardwareOptions, choose_hardware
from modules.hardware.packing import CALLS_BEFORE, PackedConv2d, PackedLinear, can_pack, use_packed_weights

pytestmark = pytest.mark.skipif(not can_pack(), reason="this build of torch cannot reorder weights ahead of time")


@pytest.fixture
def low_precision_cpu() -> Hardware:
    cpu = choose_hardware(HardwareOptions(use_cpu=frozenset({"all"})))
    return dataclasses.replace(cpu, unet_dtype=torch.bfloat16)


def _network() -> Any:
    torch.manual_seed(0)
    layers = (
        nn.Conv2d(320, 320, 3, padding=1),
        nn.Conv2d(320, 320, 3, padding=1, stride=2, bias=False),
        nn.Conv2d(320, 64, 1),
        nn.Flatten(2),
        nn.Linear(16, 64_000),
    )
    network = nn.Sequential(*layers).to(torch.bfloat16).to(memory_format=torch.channels_last)
    return network.eval().requires_grad_(False)


def _input() -> torch.Tensor:
    x = torch.randn(2, 320, 8, 8, generator=torch.Generator().manual_seed(1))
    return x.bfloat16().contiguous(memory_format=torch.channels_last)


def _agree(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Whether both are the same but for bfloat16's rounding (8 bits) of intermediate values."""
    return torch.allclose(ours.float(), theirs.float(), atol=0.02, rtol=0.02)


@torch.inference_mode()
def test_packed_layers_answer_as_plain_ones(low_precision_cpu: Hardware) -> None:
    network, x = _network(), _input()
    wanted = network(x)
    names = list(network.state_dict())
    use_packed_weights(network, low_precision_cpu)
    assert [type(layer) for layer in network] == [PackedConv2d, PackedConv2d, nn.Conv2d, nn.Flatten, PackedLinear]
    assert list(network.state_dict()) == names
    for _ in range(CALLS_BEFORE + 3):
        assert _agree(network(x), wanted)
    assert all(network[index].packed._packed is not None for index in (0, 1, 4))


@torch.inference_mode()
def test_an_exchanged_weight_is_noticed_at_once(low_precision_cpu: Hardware) -> None:
    network, x = _network(), _input()
    use_packed_weights(network, low_precision_cpu)
    before = [network(x) for _ in range(CALLS_BEFORE + 2)][-1]
    original = network[0].weight.data
    for _ in range(3):
        network[0].weight.data = original * 2
        plain = _network()
        plain[0].weight.data = original * 2
        for _ in range(CALLS_BEFORE + 2):
            assert _agree(network(x), plain(x))
        network[0].weight.data = original
        assert _agree(network(x), before)


@torch.inference_mode()
def test_seamless_padding_is_left_to_the_plain_way(low_precision_cpu: Hardware) -> None:
    network, x = _network(), _input()
    network[0].padding_mode = "circular"
    wanted = network(x)
    network[0].padding_mode = "zeros"
    use_packed_weights(network, low_precision_cpu)
    network[0].padding_mode = "circular"
    for _ in range(CALLS_BEFORE + 2):
        assert _agree(network(x), wanted)


@torch.inference_mode()
def test_without_room_in_memory_nothing_is_kept(low_precision_cpu: Hardware, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "SPARE_BYTES", 2**60)
    network, x = _network(), _input()
    use_packed_weights(network, low_precision_cpu)
    for _ in range(CALLS_BEFORE + 2):
        network(x)
    assert network[0].packed._packed is None


def test_other_number_types_are_left_alone(low_precision_cpu: Hardware) -> None:
    network = _network()
    use_packed_weights(network, dataclasses.replace(low_precision_cpu, unet_dtype=torch.float32))
    assert type(network[0]) is nn.Conv2d
