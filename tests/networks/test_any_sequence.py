"""After any sequence of networks on and off the model is bit for bit the first one: a breach is searched for."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import cast

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from modules.hardware.device import HardwareOptions, choose_hardware
from modules.hardware.packing import PackedConv2d, PackedLinear, can_pack, forget_packed_weights, use_packed_weights
from modules.networks.file import Network, read_network
from modules.networks.merge import Patcher, Use
from tests.networks.conftest import Parts, info_of, lora, make_parts, randn

Q = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
K = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_k"
CONV = "lora_unet_down_blocks_0_resnets_0_conv1"
NORM = "lora_unet_down_blocks_0_resnets_0_norm1"
TE = "lora_te_text_model_encoder_layers_0_mlp_fc1"

KINDS: Mapping[str, dict[str, Tensor]] = {
    "lora": {**lora(Q, 64, 64), **lora(TE, 96, 48, seed=4)},
    "dora": {**lora(Q, 64, 64, seed=2), f"{Q}.dora_scale": 1 + randn(1, 64).abs()},
    "dora of outputs": {**lora(K, 64, 64, seed=5), f"{K}.dora_scale": 1 + randn(64, 1).abs()},
    "locon": {f"{CONV}.lora_up.weight": randn(32, 4, 1, 1), f"{CONV}.lora_down.weight": randn(4, 32, 3, 3)},
    "loha": {
        f"{Q}.hada_w{n}_{side}": randn(*shape, seed=n)
        for n in (1, 2)
        for side, shape in (("a", (64, 2)), ("b", (2, 64)))
    },
    "lokr": {f"{CONV}.lokr_w1": randn(4, 4), f"{CONV}.lokr_w2": randn(8, 8, 3, 3)},
    "ia3": {f"{K}.weight": randn(64), f"{K}.on_input": torch.tensor(True)},
    "oft": {f"{Q}.oft_blocks": 0.2 * randn(8, 8, 8), f"{Q}.alpha": torch.tensor(0.001)},
    "boft": {f"{K}.oft_blocks": 0.2 * randn(2, 16, 4, 4)},
    "glora": {
        f"{Q}.a1.weight": randn(2, 64),
        f"{Q}.a2.weight": randn(64, 2),
        f"{Q}.b1.weight": randn(2, 64),
        f"{Q}.b2.weight": randn(64, 2),
    },
    "full": {f"{CONV}.diff": randn(32, 32, 3, 3), f"{CONV}.diff_b": randn(32), f"{Q}.diff_b": randn(64)},
    "norm": {f"{NORM}.w_norm": randn(32), f"{NORM}.b_norm": randn(32)},
}

USE = st.tuples(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([-1.0, 0.0, 0.3, 1.0]),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    st.sampled_from([None, 0, 1]),
)
STACK = st.lists(USE, max_size=3)
STEP = st.one_of(
    STACK,  # these on, then off
    st.tuples(STACK, STACK),  # some on, and others while they are
    st.just("forget"),
    st.just("move"),
)


EVERY_CHECK = cast("list[HealthCheck]", list(HealthCheck))


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Network]:
    from safetensors.torch import save_file

    folder, read = tmp_path_factory.mktemp("networks"), {}
    for name, tensors in KINDS.items():
        path = folder / f"{name}.safetensors"
        save_file(tensors, path)
        read[name] = read_network(info_of(path))
    return read


def _uses(chosen: Sequence[tuple[str, float, float, int | None]], networks: Mapping[str, Network]) -> list[Use]:
    return [Use(network=networks[name], te=te, unet=unet, rank=rank) for name, te, unet, rank in chosen]


def _step(step: object, parts: Parts, patcher: Patcher, networks: Mapping[str, Network]) -> None:
    if step == "forget":
        patcher.forget()
    elif step == "move":
        for parameter in parts.unet.parameters():
            parameter.data = parameter.data.clone(memory_format=torch.preserve_format)
    elif isinstance(step, tuple):
        outer, inner = step
        with patcher.using(_uses(outer, networks)):
            during = parts.digest()
            with contextlib.suppress(ZeroDivisionError), patcher.using(_uses(inner, networks)):
                raise ZeroDivisionError
            assert parts.digest() == during
    else:
        with patcher.using(_uses(step, networks)):  # type: ignore[arg-type]
            pass


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=EVERY_CHECK)
@given(steps=st.lists(STEP, min_size=1, max_size=4))
def test_the_state_is_the_first_one_whatever_was_on_and_off(
    networks: dict[str, Network], dtype: torch.dtype, steps: list[object]
) -> None:
    parts = make_parts(dtype)
    patcher, first = Patcher(parts.index), parts.digest()
    for step in steps:
        _step(step, parts, patcher, networks)
        assert parts.digest() == first


@pytest.mark.skipif(not can_pack(), reason="this build of torch has no packed weights")
def test_packed_weights_follow_the_networks_and_come_back(
    networks: dict[str, Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What computes is the weight that is there, not an older one that was reordered."""
    monkeypatch.setattr("modules.hardware.packing.LARGE", 64 * 64)
    hardware = choose_hardware(HardwareOptions(use_cpu=frozenset({"all"})))
    hardware = dataclasses.replace(hardware, unet_dtype=torch.bfloat16)
    plain, packed = make_parts(torch.bfloat16), make_parts(torch.bfloat16)
    use_packed_weights(packed.unet, hardware)
    assert sum(isinstance(layer, PackedLinear | PackedConv2d) for layer in packed.unet.modules()) > 10
    assert packed.digest() == plain.digest()
    first = packed.digest()
    patchers = Patcher(plain.index), Patcher(packed.index)
    x, context = randn(1, 4, 8, 8).bfloat16(), randn(1, 7, 48).bfloat16()

    def compute(parts: Parts) -> Tensor:
        with torch.inference_mode():
            for _ in range(3):
                parts.unet(x, torch.tensor([500]), context)
            return parts.unet(x, torch.tensor([500]), context).sample

    for chosen in (["lora"], [], ["lora", "locon"], ["full", "oft"], ["lora"], []):
        uses = _uses([(name, 1.0, 0.5, None) for name in chosen], networks)
        with patchers[0].using(uses), patchers[1].using(uses):
            assert packed.digest() == plain.digest()
            torch.testing.assert_close(compute(packed), compute(plain), rtol=0.1, atol=0.1)
        assert packed.digest() == first
    forget_packed_weights(packed.unet)
    assert packed.digest() == first
