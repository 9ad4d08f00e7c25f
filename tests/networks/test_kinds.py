"""Each kind's change of a weight, against a computation in plain numpy, mostly entry by entry."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.networks.kinds import bias_change, kind_of, weight_change
from modules.networks.oft import block_diagonal, butterfly, cayley

OUT, IN, RANK, KERNEL = 6, 8, 3, 3


def randn(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(place * size for place, size in enumerate(shape, 7)))
    return torch.randn(*shape, generator=generator)


def change(original: Tensor, keep: int | None = None, /, **parts: Tensor) -> np.ndarray:
    kind = kind_of(frozenset(parts))
    assert kind is not None
    result = weight_change(kind, original, parts, keep)
    assert result.shape == original.shape
    assert result.dtype == original.dtype
    return result.numpy()


LINEAR = randn(OUT, IN, seed=100)
CONV = randn(OUT, IN, KERNEL, KERNEL, seed=100)


def test_lora_is_up_times_down_scaled_by_alpha_over_rank() -> None:
    up, down = randn(OUT, RANK), randn(RANK, IN)
    want = np.zeros((OUT, IN))
    for o in range(OUT):
        for i in range(IN):
            want[o, i] = sum(up[o, r].item() * down[r, i].item() for r in range(RANK)) * 1.5 / RANK
    np.testing.assert_allclose(change(LINEAR, up=up, down=down, alpha=torch.tensor(1.5)), want, rtol=1e-5, atol=1e-6)


def test_without_alpha_the_scale_is_one_and_a_scale_of_its_own_goes_before_alpha() -> None:
    up, down = randn(OUT, RANK), randn(RANK, IN)
    plain = change(LINEAR, up=up, down=down)
    np.testing.assert_allclose(plain, up.numpy() @ down.numpy(), rtol=1e-5, atol=1e-6)
    scaled = change(LINEAR, up=up, down=down, scale=torch.tensor(0.5), alpha=torch.tensor(9.0))
    np.testing.assert_allclose(scaled, plain * 0.5, rtol=1e-6)


def test_a_dynamic_rank_keeps_the_first_directions_and_the_scale_of_all() -> None:
    up, down = randn(OUT, RANK), randn(RANK, IN)
    want = up[:, :2].numpy() @ down[:2].numpy() * 1.5 / RANK
    np.testing.assert_allclose(change(LINEAR, 2, up=up, down=down, alpha=torch.tensor(1.5)), want, rtol=1e-5, atol=1e-6)


def test_a_dynamic_rank_counts_for_convolutions_but_not_for_those_in_tucker_form() -> None:
    down, up = randn(RANK, IN, KERNEL, KERNEL), randn(OUT, RANK, 1, 1)
    want = change(CONV, up=up[:, :2], down=down[:2])
    np.testing.assert_allclose(change(CONV, 2, up=up, down=down), want, rtol=1e-5, atol=1e-6)
    tucker = {"up": up, "mid": randn(RANK, RANK, KERNEL, KERNEL), "down": randn(RANK, IN, 1, 1)}
    np.testing.assert_array_equal(change(CONV, 2, **tucker), change(CONV, **tucker))


def test_locon_is_a_convolution_after_another() -> None:
    down, up = randn(RANK, IN, KERNEL, KERNEL), randn(OUT, RANK, 1, 1)
    picture = randn(1, IN, 5, 5)
    change_of_weight = torch.from_numpy(change(CONV, up=up, down=down))
    want = torch.nn.functional.conv2d(torch.nn.functional.conv2d(picture, down, padding=1), up)
    got = torch.nn.functional.conv2d(picture, change_of_weight, padding=1)
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


def test_locon_in_tucker_form_is_three_convolutions_after_another() -> None:
    down, mid, up = randn(RANK, IN, 1, 1), randn(RANK, RANK, KERNEL, KERNEL), randn(OUT, RANK, 1, 1)
    picture = randn(1, IN, 5, 5)
    functional = torch.nn.functional
    want = functional.conv2d(functional.conv2d(functional.conv2d(picture, down), mid, padding=1), up)
    got = functional.conv2d(picture, torch.from_numpy(change(CONV, up=up, down=down, mid=mid)), padding=1)
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


def test_loha_is_the_entrywise_product_of_two_products() -> None:
    a1, b1, a2, b2 = randn(OUT, RANK), randn(RANK, IN), randn(OUT, RANK, seed=1), randn(RANK, IN, seed=1)
    want = (a1.numpy() @ b1.numpy()) * (a2.numpy() @ b2.numpy()) * 2 / RANK
    got = change(LINEAR, hada_w1_a=a1, hada_w1_b=b1, hada_w2_a=a2, hada_w2_b=b2, alpha=torch.tensor(2.0))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_loha_of_a_convolution_in_tucker_form() -> None:
    cores = [randn(RANK, RANK, KERNEL, KERNEL, seed=seed) for seed in (1, 2)]
    lefts = [randn(RANK, OUT, seed=seed) for seed in (1, 2)]
    rights = [randn(RANK, IN, seed=seed) for seed in (1, 2)]
    want = np.ones((OUT, IN, KERNEL, KERNEL))
    for core, left, right in zip(cores, lefts, rights, strict=True):
        factor = np.zeros_like(want)
        for r in range(RANK):
            for s in range(RANK):
                factor += np.multiply.outer(np.outer(left[r], right[s]), core[r, s].numpy())
        want *= factor
    got = change(
        CONV,
        **{f"hada_w{n}_a": left for n, left in enumerate(lefts, 1)},
        **{f"hada_w{n}_b": right for n, right in enumerate(rights, 1)},
        **{f"hada_t{n}": core for n, core in enumerate(cores, 1)},
    )
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_lokr_of_whole_factors_is_their_kronecker_product_whatever_alpha_says() -> None:
    w1, w2 = randn(2, 4), randn(3, 2)
    want = np.kron(w1.numpy(), w2.numpy())
    got = change(LINEAR, lokr_w1=w1, lokr_w2=w2, alpha=torch.tensor(100.0))
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_lokr_with_both_factors_factored() -> None:
    w1a, w1b, w2a, w2b = randn(2, 2), randn(2, 4), randn(3, 2), randn(2, 2)
    want = np.kron(w1a.numpy() @ w1b.numpy(), w2a.numpy() @ w2b.numpy()) * 3 / 2
    got = change(LINEAR, lokr_w1_a=w1a, lokr_w1_b=w1b, lokr_w2_a=w2a, lokr_w2_b=w2b, alpha=torch.tensor(3.0))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_lokr_of_a_convolution_whole_factored_and_in_tucker_form() -> None:
    w1 = randn(2, 4)
    whole = randn(3, 2, KERNEL, KERNEL)
    want = np.stack(
        [np.kron(w1.numpy(), whole[:, :, y, x].numpy()) for y in range(KERNEL) for x in range(KERNEL)], axis=-1
    ).reshape(OUT, IN, KERNEL, KERNEL)
    np.testing.assert_allclose(change(CONV, lokr_w1=w1, lokr_w2=whole), want, rtol=1e-5)
    left, right = randn(3, 2), randn(2, 2, KERNEL, KERNEL)
    factored = (left @ right.flatten(1)).reshape(3, 2, KERNEL, KERNEL)
    got = change(CONV, lokr_w1=w1, lokr_w2_a=left, lokr_w2_b=right)
    np.testing.assert_allclose(got, change(CONV, lokr_w1=w1, lokr_w2=factored), rtol=1e-5, atol=1e-6)
    core, out_factor, in_factor = randn(RANK, RANK, KERNEL, KERNEL), randn(RANK, 3), randn(RANK, 2)
    tucker = torch.zeros(3, 2, KERNEL, KERNEL)
    for r in range(RANK):
        for s in range(RANK):
            tucker += out_factor[r][:, None, None, None] * in_factor[s][None, :, None, None] * core[r, s]
    got = change(CONV, lokr_w1=w1, lokr_w2_a=out_factor, lokr_w2_b=in_factor, lokr_t2=core)
    np.testing.assert_allclose(got, change(CONV, lokr_w1=w1, lokr_w2=tucker), rtol=1e-4, atol=1e-5)


def test_ia3_rescales_what_comes_out_or_what_goes_in() -> None:
    x = randn(5, IN)
    outgoing, incoming = randn(OUT), randn(IN)
    changed = LINEAR + torch.from_numpy(change(LINEAR, weight=outgoing, on_input=torch.tensor(False)))
    torch.testing.assert_close(x @ changed.T, (x @ LINEAR.T) * (1 + outgoing), rtol=1e-4, atol=1e-5)
    changed = LINEAR + torch.from_numpy(change(LINEAR, weight=incoming, on_input=torch.tensor(True)))
    torch.testing.assert_close(x @ changed.T, (x * (1 + incoming)) @ LINEAR.T, rtol=1e-4, atol=1e-5)


def test_glora_adds_a_change_that_depends_on_the_weight_and_one_that_does_not() -> None:
    a1, a2, b1, b2 = randn(RANK, IN), randn(IN, RANK), randn(RANK, IN, seed=1), randn(OUT, RANK)
    want = LINEAR.numpy() @ (a2.numpy() @ a1.numpy()) + b2.numpy() @ b1.numpy()
    got = change(LINEAR, a1=a1, a2=a2, b1=b1, b2=b2, alpha=torch.tensor(1.0))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_glora_of_newer_files_has_its_factors_the_other_way_round_and_a_scale() -> None:
    a1, a2, b1, b2 = randn(IN, RANK), randn(RANK, IN), randn(OUT, RANK), randn(RANK, IN, seed=1)
    want = (LINEAR.numpy() @ a1.numpy() @ a2.numpy() + b1.numpy() @ b2.numpy()) * 1.5 / RANK
    got = change(LINEAR, a1=a1, a2=a2, b1=b1, b2=b2, alpha=torch.tensor(1.5))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
    parts = {"a1": a1[:, :, None, None], "a2": a2[:, :, None, None], "b1": b1[:, :, None, None]}
    seen = np.einsum("oikl,ij->ojkl", CONV.numpy(), a1.numpy() @ a2.numpy())
    wide = randn(RANK, IN, KERNEL, KERNEL)
    want = seen + np.einsum("or,rikl->oikl", b1.numpy(), wide.numpy())
    np.testing.assert_allclose(change(CONV, **parts, b2=wide), want, rtol=1e-4, atol=1e-5)
    core = randn(RANK, RANK, KERNEL, KERNEL, seed=3)
    want = seen + np.einsum("or,rskl,si->oikl", b1.numpy(), core.numpy(), b2.numpy())
    np.testing.assert_allclose(change(CONV, **parts, b2=b2[:, :, None, None], bm=core), want, rtol=1e-4, atol=1e-5)


def test_whole_differences_are_taken_as_they_are_for_weights_norms_and_biases() -> None:
    difference = randn(OUT, IN)
    np.testing.assert_array_equal(change(LINEAR, diff=difference), difference.numpy())
    gain = randn(OUT)
    np.testing.assert_array_equal(change(torch.ones(OUT), w_norm=gain, b_norm=gain), gain.numpy())
    for name in ("diff_b", "b_norm", "up_bias"):
        found = bias_change({name: gain})
        assert found is not None
        assert torch.equal(found, gain)
    assert bias_change({"diff": difference}) is None


def test_the_cayley_transform_gives_rotations() -> None:
    blocks = randn(4, 5, 5)
    rotation = cayley(blocks).double()
    identity = torch.eye(5, dtype=torch.float64).expand(4, 5, 5)
    torch.testing.assert_close(rotation @ rotation.mT, identity, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(4, dtype=torch.float64), rtol=1e-5, atol=1e-5)
    skew = (blocks - blocks.mT).double()
    want = (identity + skew) @ torch.linalg.inv(identity - skew)
    torch.testing.assert_close(rotation, want, rtol=1e-4, atol=1e-4)


def test_a_limit_bounds_how_far_rotations_go() -> None:
    blocks = randn(2, 3, 3)
    far, near = cayley(blocks), cayley(blocks, 0.01)
    identity = torch.eye(3).expand(2, 3, 3)
    assert (near - identity).norm() < 0.03 < (far - identity).norm()
    torch.testing.assert_close(cayley(blocks, 1e6), far)


def test_oft_turns_blocks_of_rows_and_keeps_their_lengths() -> None:
    blocks = randn(3, 2, 2)
    rotation = cayley(blocks)
    want = torch.zeros_like(LINEAR)
    for block in range(3):
        rows = slice(2 * block, 2 * block + 2)
        want[rows] = rotation[block].T @ LINEAR[rows]
    got = change(LINEAR, oft_blocks=blocks, alpha=torch.tensor(0.0))
    np.testing.assert_allclose(got, (want - LINEAR).numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(change(LINEAR, oft_diag=blocks, alpha=torch.tensor(0.001)), got)
    assert np.linalg.norm(got) > 0.1
    conv = CONV + torch.from_numpy(change(CONV, oft_blocks=blocks))
    torch.testing.assert_close(conv.norm(), CONV.norm())


def test_oft_rescales_rows_where_the_file_says_so() -> None:
    blocks, gain = randn(3, 2, 2), 1 + 0.1 * randn(OUT, 1)
    turned = block_diagonal(cayley(blocks), LINEAR)
    want = (turned * gain - LINEAR).numpy()
    np.testing.assert_allclose(change(LINEAR, oft_blocks=blocks, rescale=gain), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_boft_mixes_rows_that_are_ever_farther_apart(factors: int) -> None:
    rows, size = 16, 4
    weight, rotation = randn(rows, 5), cayley(0.3 * randn(factors, rows // size, size, size))
    want = weight.numpy().astype(float)
    for index in range(factors):
        apart = 2**index * (size // 2)
        # The permutation puts rows that are `apart` from each other side by side.
        order = [
            group * 2 * apart + half * apart + inner
            for group in range(rows // (2 * apart))
            for inner in range(apart)
            for half in range(2)
        ]
        matrix = np.zeros((rows, rows))
        for block in range(rows // size):
            for i in range(size):
                for j in range(size):
                    matrix[order[block * size + i], order[block * size + j]] = rotation[index, block, i, j].item()
        want = matrix @ want
    np.testing.assert_allclose(butterfly(rotation, weight).numpy(), want, rtol=1e-4, atol=1e-5)
    assert kind_of(frozenset({"oft_blocks"})).name == "OFT"  # type: ignore[union-attr]


def test_dora_gives_each_input_the_length_that_was_learned() -> None:
    up, down, magnitude = randn(OUT, RANK), randn(RANK, IN), 1 + randn(1, IN).abs()
    merged = LINEAR + torch.from_numpy(change(LINEAR, up=up, down=down, dora_scale=magnitude, alpha=torch.tensor(1.5)))
    torch.testing.assert_close(merged.norm(dim=0), magnitude[0], rtol=1e-5, atol=1e-5)
    direction = LINEAR + up @ down * 1.5 / RANK
    torch.testing.assert_close(merged / merged.norm(dim=0), direction / direction.norm(dim=0), rtol=1e-4, atol=1e-5)


def test_dora_of_other_programs_gives_each_output_its_length() -> None:
    up, down, magnitude = randn(OUT, RANK), randn(RANK, IN), 1 + randn(OUT).abs()
    for shape in ((OUT, 1), (OUT,)):
        merged = LINEAR + torch.from_numpy(change(LINEAR, up=up, down=down, dora_scale=magnitude.reshape(shape)))
        torch.testing.assert_close(merged.norm(dim=1), magnitude, rtol=1e-5, atol=1e-5)
    down, magnitude = randn(RANK, IN, KERNEL, KERNEL), 1 + randn(1, IN, 1, 1).abs()
    merged = CONV + torch.from_numpy(change(CONV, up=up, down=down, dora_scale=magnitude))
    torch.testing.assert_close(merged.pow(2).sum(dim=(0, 2, 3)).sqrt(), magnitude.flatten(), rtol=1e-5, atol=1e-5)


def test_the_sparse_rest_of_an_extracted_network_is_added() -> None:
    up, down = randn(OUT, RANK), randn(RANK, IN)
    got = change(
        LINEAR,
        up=up,
        down=down,
        bias_indices=torch.tensor([[0, 5], [1, 7]], dtype=torch.int16),
        bias_values=torch.tensor([2.0, -3.0]),
        bias_size=torch.tensor([OUT, IN], dtype=torch.int16),
    )
    want = up.numpy() @ down.numpy()
    want[0, 1] += 2
    want[5, 7] -= 3
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_networks_for_four_channels_leave_the_others_of_an_inpainting_model_alone() -> None:
    weight = randn(OUT, 9, KERNEL, KERNEL)
    difference = randn(OUT, 4, KERNEL, KERNEL)
    got = change(weight, diff=difference)
    np.testing.assert_array_equal(got[:, :4], difference.numpy())
    assert not got[:, 4:].any()


def test_what_does_not_fit_is_an_error_that_gives_both_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(6, 7\).*\(6, 8\)"):
        change(LINEAR, diff=randn(OUT, 7))


def test_tensors_of_no_known_kind_are_of_no_kind() -> None:
    assert kind_of(frozenset({"up", "alpha"})) is None
    assert kind_of(frozenset({"weight"})) is None
