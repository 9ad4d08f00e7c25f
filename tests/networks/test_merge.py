from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from modules.foundation.errors import NetworkError
from modules.networks.file import Network
from modules.networks.merge import Patcher, Use
from tests.networks.conftest import Parts, WriteNetwork, lora, make_parts, randn

Q = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
K = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_k"
CONV = "lora_unet_down_blocks_0_resnets_0_conv1"
TE = "lora_te_text_model_encoder_layers_0_mlp_fc1"


def weight_of(parts: Parts, layer: str = "to_q") -> Tensor:
    return parts.unet.get_submodule(f"mid_block.attentions.0.transformer_blocks.0.attn1.{layer}").weight  # type: ignore[return-value]


@pytest.fixture
def networks(write_network: WriteNetwork) -> dict[str, Network]:
    """Networks of several kinds that overlap in places."""
    return {
        "lora": write_network({**lora(Q, 64, 64), **lora(K, 64, 64, seed=3), **lora(TE, 96, 48)}, "lora"),
        "other": write_network({**lora(Q, 64, 64, seed=9)}, "other"),
        "ia3": write_network({f"{Q}.weight": randn(64), f"{Q}.on_input": torch.tensor(False)}, "ia3"),
        "full": write_network(
            {
                f"{CONV}.diff": randn(32, 32, 3, 3),
                f"{CONV}.diff_b": randn(32),
                f"{Q}.diff_b": randn(64),
                "lora_unet_down_blocks_0_resnets_0_norm1.w_norm": randn(32),
                "lora_unet_down_blocks_0_resnets_0_norm1.b_norm": randn(32),
            },
            "full",
        ),
        "oft": write_network({f"{K}.oft_blocks": 0.2 * randn(8, 8, 8), f"{K}.alpha": torch.tensor(0.0)}, "oft"),
    }


def test_a_merged_weight_is_the_original_plus_the_scaled_change(parts: Parts, networks: dict[str, Network]) -> None:
    before = weight_of(parts).clone()
    tensors = lora(Q, 64, 64)
    delta = tensors[f"{Q}.lora_up.weight"] @ tensors[f"{Q}.lora_down.weight"] * 2.0 / 4
    with Patcher(parts.index).using([Use(network=networks["lora"], unet=0.7)]):
        torch.testing.assert_close(weight_of(parts), before + 0.7 * delta, rtol=1e-5, atol=1e-5)
    assert torch.equal(weight_of(parts), before)


def test_text_encoder_and_unet_have_strengths_of_their_own(parts: Parts, networks: dict[str, Network]) -> None:
    fc1: Tensor = parts.text.get_submodule("encoder.layers.0.mlp.fc1").weight  # type: ignore[assignment]
    text, unet = fc1.clone(), weight_of(parts).clone()
    patcher = Patcher(parts.index)
    with patcher.using([Use(network=networks["lora"], te=1.0, unet=0.0)]):
        assert not torch.equal(fc1, text)
        assert torch.equal(weight_of(parts), unet)
    with patcher.using([Use(network=networks["lora"], te=0.0, unet=1.0)]):
        assert torch.equal(fc1, text)
        assert not torch.equal(weight_of(parts), unet)


def test_networks_that_depend_on_the_weight_see_those_before_them(parts: Parts, networks: dict[str, Network]) -> None:
    before = weight_of(parts).clone()
    tensors = lora(Q, 64, 64, seed=9)
    delta = tensors[f"{Q}.lora_up.weight"] @ tensors[f"{Q}.lora_down.weight"] * 0.5
    with Patcher(parts.index).using([Use(network=networks["other"]), Use(network=networks["ia3"], unet=0.5)]):
        want = (before + delta) * (1 + 0.5 * randn(64)[:, None])
        torch.testing.assert_close(weight_of(parts), want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("seed", range(3))
def test_after_any_sequence_of_networks_the_model_is_bit_for_bit_the_first_one(
    networks: dict[str, Network], dtype: torch.dtype, seed: int
) -> None:
    parts, choose = make_parts(dtype), random.Random(seed)
    first, patcher = parts.digest(), Patcher(parts.index)
    seen: dict[tuple[tuple[str, float], ...], str] = {}

    def some() -> tuple[tuple[str, float], ...]:
        names = choose.sample(sorted(networks), choose.randint(0, 3))
        return tuple((name, choose.choice([-0.5, 0.3, 1.0])) for name in names)

    def uses(chosen: Sequence[tuple[str, float]]) -> list[Use]:
        return [Use(network=networks[name], te=strength, unet=strength) for name, strength in chosen]

    for _ in range(10):
        outer, inner = some(), some()
        with patcher.using(uses(outer)):
            digest = parts.digest()
            assert seen.setdefault(outer, digest) == digest
            with patcher.using(uses(inner)):
                assert seen.setdefault(inner, parts.digest()) == parts.digest()
            assert parts.digest() == digest
        assert parts.digest() == first
    assert seen.get((), first) == first
    patcher.forget()
    assert parts.digest() == first
    assert patcher.kept_bytes == 0


def test_merged_weights_are_kept_for_the_next_time(parts: Parts, networks: dict[str, Network]) -> None:
    patcher, uses = Patcher(parts.index), [Use(network=networks["lora"])]
    with patcher.using(uses):
        merged = weight_of(parts).data_ptr()
    with patcher.using([Use(network=networks["lora"])]):
        assert weight_of(parts).data_ptr() == merged


def test_a_changed_strength_costs_only_what_it_changes(parts: Parts, networks: dict[str, Network]) -> None:
    patcher = Patcher(parts.index)
    with patcher.using([Use(network=networks["lora"]), Use(network=networks["other"])]):
        q, k = weight_of(parts).data_ptr(), weight_of(parts, "to_k").data_ptr()
    with patcher.using([Use(network=networks["lora"]), Use(network=networks["other"], unet=0.5)]):
        assert weight_of(parts, "to_k").data_ptr() == k
        assert weight_of(parts).data_ptr() != q


def test_no_more_is_kept_than_one_copy_of_what_is_touched(parts: Parts, networks: dict[str, Network]) -> None:
    patcher, touched = Patcher(parts.index), 4 * (64 * 64 * 2 + 96 * 48)
    for strength in (0.5, 1.0, 1.5):
        with patcher.using([Use(network=networks["lora"], te=strength, unet=strength)]):
            assert patcher.kept_bytes == touched
        assert patcher.kept_bytes == touched
    with patcher.using([]):
        assert patcher.kept_bytes == 0


def test_a_strength_of_nothing_touches_nothing(parts: Parts, networks: dict[str, Network]) -> None:
    patcher, first = Patcher(parts.index), parts.digest()
    with patcher.using([Use(network=networks["lora"], te=0.0, unet=0.0)]):
        assert parts.digest() == first
        assert patcher.kept_bytes == 0


def test_a_bias_is_given_to_a_layer_without_one_and_taken_back(parts: Parts, networks: dict[str, Network]) -> None:
    layer = parts.unet.get_submodule("mid_block.attentions.0.transformer_blocks.0.attn1.to_q")
    assert layer.bias is None
    with Patcher(parts.index).using([Use(network=networks["full"], unet=0.5)]):
        torch.testing.assert_close(layer.bias, torch.nn.Parameter(0.5 * randn(64), requires_grad=False))
    assert layer.bias is None


def test_half_precision_is_rounded_once_after_computing_in_single(networks: dict[str, Network]) -> None:
    parts = make_parts(torch.float16)
    before = weight_of(parts).float()
    tensors = [lora(Q, 64, 64), lora(Q, 64, 64, seed=9)]
    for each in tensors:
        before = before + 0.3 * (each[f"{Q}.lora_up.weight"] @ each[f"{Q}.lora_down.weight"] * 0.5)
    with Patcher(parts.index).using([Use(network=networks[name], unet=0.3) for name in ("lora", "other")]):
        assert torch.equal(weight_of(parts), before.half())


def test_a_block_that_fails_leaves_the_model_as_it_was(parts: Parts, networks: dict[str, Network]) -> None:
    patcher, first = Patcher(parts.index), parts.digest()
    with contextlib.suppress(ZeroDivisionError), patcher.using([Use(network=networks["lora"])]):
        raise ZeroDivisionError
    assert parts.digest() == first


def test_a_network_that_does_not_fit_is_refused_and_changes_nothing(
    parts: Parts, networks: dict[str, Network], write_network: WriteNetwork
) -> None:
    wrong = write_network({**lora(K, 64, 64), **lora(Q, 64, 48)}, "wrong")
    patcher, first = Patcher(parts.index), parts.digest()
    with (
        patcher.using([Use(network=networks["lora"])]),
        pytest.raises(NetworkError, match="'wrong' does not fit"),
        patcher.using([Use(network=networks["lora"]), Use(network=wrong)]),
    ):
        pass
    assert parts.digest() == first


def test_merging_works_within_inference_mode_and_afterwards(parts: Parts, networks: dict[str, Network]) -> None:
    patcher, first = Patcher(parts.index), parts.digest()
    with torch.inference_mode(), patcher.using([Use(network=networks["lora"]), Use(network=networks["full"])]):
        inside = weight_of(parts).clone()
    with patcher.using([Use(network=networks["lora"]), Use(network=networks["full"])]):
        assert torch.equal(weight_of(parts), inside)
        assert not weight_of(parts).is_inference()
    assert parts.digest() == first


def test_a_part_that_moves_meanwhile_comes_back_unharmed(parts: Parts, networks: dict[str, Network]) -> None:
    """As when a model waits on the host and is on the device only while it computes."""
    patcher, first = Patcher(parts.index), parts.digest()
    with patcher.using([Use(network=networks["lora"])]):
        merged = weight_of(parts).clone()
        for parameter in parts.unet.parameters():
            parameter.data = parameter.data.clone(memory_format=torch.preserve_format)
    assert parts.digest() == first
    with patcher.using([Use(network=networks["lora"])]):
        assert torch.equal(weight_of(parts), merged)


def test_convolutions_keep_their_layout(parts: Parts, networks: dict[str, Network]) -> None:
    with Patcher(parts.index).using([Use(network=networks["full"])]):
        conv: Tensor = parts.unet.get_submodule("down_blocks.0.resnets.0.conv1").weight  # type: ignore[assignment]
        assert conv.is_contiguous(memory_format=torch.channels_last)
