"""Seeds: each image's own numbers, wherever and in whatever company it is made."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from modules.sampling.noise import EncodeNoise, ImageNoise, NoiseSource, paste_centred, slerp
from modules.sampling.philox import PhiloxGenerator

SHAPE = (4, 6, 5)


@pytest.mark.parametrize("source", ["CPU", "GPU", "NV"])
@pytest.mark.parametrize("delta", [0, 31337])
def test_a_seed_gives_the_same_noise_alone_and_in_a_batch(source: NoiseSource, delta: int) -> None:
    seeds = [100, 101, 102]
    batch = ImageNoise(shape=SHAPE, seeds=seeds, source=source, eta_noise_seed_delta=delta)
    together = [batch.initial(), batch.next(), batch.next()]
    for index, seed in enumerate(seeds):
        alone = ImageNoise(shape=SHAPE, seeds=[seed], source=source, eta_noise_seed_delta=delta)
        for drawn, expected in zip([alone.initial(), alone.next(), alone.next()], together, strict=True):
            assert torch.equal(drawn[0], expected[index])


def test_without_a_device_of_its_own_the_gpu_source_is_the_cpu_one() -> None:
    by_gpu, by_cpu = (ImageNoise(shape=SHAPE, seeds=[1], source=source).initial() for source in ("GPU", "CPU"))
    assert torch.equal(by_gpu, by_cpu)


def test_later_noise_continues_the_stream_of_the_initial_noise() -> None:
    noise = ImageNoise(shape=SHAPE, seeds=[4])
    together = torch.stack([noise.initial()[0], noise.next()[0]])
    expected = torch.Generator().manual_seed(4)
    assert torch.equal(together[0], torch.randn(SHAPE, generator=expected))
    assert torch.equal(together[1], torch.randn(SHAPE, generator=expected))


def test_a_seed_delta_moves_the_steps_but_not_the_start() -> None:
    moved = ImageNoise(shape=SHAPE, seeds=[4], eta_noise_seed_delta=6)
    plain = ImageNoise(shape=SHAPE, seeds=[4])
    assert torch.equal(moved.initial(), plain.initial())
    assert torch.equal(moved.next(), ImageNoise(shape=SHAPE, seeds=[10]).initial())


def test_a_variation_seed_leads_from_one_noise_to_the_other() -> None:
    def varied(strength: float) -> torch.Tensor:
        return ImageNoise(shape=SHAPE, seeds=[1], subseeds=[2], subseed_strength=strength).initial()

    torch.testing.assert_close(varied(0.0), ImageNoise(shape=SHAPE, seeds=[1]).initial())
    torch.testing.assert_close(varied(1.0), ImageNoise(shape=SHAPE, seeds=[2]).initial(), rtol=1e-4, atol=1e-5)
    large = ImageNoise(shape=(4, 64, 64), seeds=[1], subseeds=[2], subseed_strength=0.5).initial()
    assert float(large.std()) == pytest.approx(1.0, abs=0.02)


def test_a_variation_that_is_the_seed_itself_changes_nothing() -> None:
    same = ImageNoise(shape=SHAPE, seeds=[1], subseeds=[1], subseed_strength=0.4).initial()
    torch.testing.assert_close(same, ImageNoise(shape=SHAPE, seeds=[1]).initial())


def test_slerp_keeps_length_on_the_arc() -> None:
    low, high = torch.tensor([[[3.0], [0.0]]]), torch.tensor([[[0.0], [3.0]]])
    middle = slerp(0.5, low, high)
    assert middle.ravel().tolist() == pytest.approx([3 / math.sqrt(2)] * 2, rel=1e-6)


def test_resizing_a_seed_keeps_the_middle_of_the_old_picture() -> None:
    resized = ImageNoise(shape=(4, 8, 8), seeds=[3], seed_resize_from=(4, 4)).initial()
    small = ImageNoise(shape=(4, 4, 4), seeds=[3]).initial()
    assert torch.equal(resized[..., 2:6, 2:6], small)
    wide = ImageNoise(shape=(4, 8, 8), seeds=[3], seed_resize_from=(8, 12)).initial()
    assert torch.equal(wide, ImageNoise(shape=(4, 8, 12), seeds=[3]).initial()[..., 2:10])
    own = ImageNoise(shape=(4, 8, 8), seeds=[3], seed_resize_from=(8, 8)).initial()
    assert torch.equal(own, ImageNoise(shape=(4, 8, 8), seeds=[3]).initial())


def test_pasting_handles_one_side_larger_and_the_other_smaller() -> None:
    pasted = paste_centred(torch.ones(1, 2, 6), torch.zeros(1, 4, 4))
    assert pasted[0].tolist() == [[0] * 4, [1] * 4, [1] * 4, [0] * 4]


def test_the_view_of_one_image_continues_its_stream() -> None:
    noise, twin = (ImageNoise(shape=SHAPE, seeds=[7, 8]) for _ in range(2))
    noise.initial()
    twin.initial()
    view = noise.image(1)
    later = [twin.next(), twin.next()]
    assert torch.equal(view.next()[0], later[0][1])
    assert torch.equal(view.next()[0], later[1][1])


@pytest.mark.parametrize("seed", [-1, 0, 2**32 + 5, 2**63 - 1])
def test_seeds_of_any_size_are_taken_by_every_source(seed: int) -> None:
    drawn = {source: ImageNoise(shape=SHAPE, seeds=[seed], source=source).initial() for source in ("CPU", "NV")}
    assert all(bool(torch.isfinite(noise).all()) for noise in drawn.values())
    assert not torch.equal(drawn["CPU"], drawn["NV"])


def test_the_generator_for_cuda_numbers_is_normal() -> None:
    drawn = torch.as_tensor(PhiloxGenerator(1).randn((200, 500)))
    assert float(drawn.mean()) == pytest.approx(0, abs=0.02)
    assert float(drawn.std()) == pytest.approx(1, abs=0.02)
    assert drawn.dtype == torch.float32


def test_brownian_increments_add_up_and_do_not_depend_on_the_order_of_questions() -> None:
    times = [0.03, 0.2, 1.0, 1.000001, 4.0, 14.6]
    forward, backward = (ImageNoise(shape=SHAPE, seeds=[3]).brownian(0.03, 14.6) for _ in range(2))
    steps = {pair: forward(*pair) for pair in pairwise(times)}
    for low, high in reversed(list(steps)):
        assert torch.equal(backward(low, high), steps[low, high])
    total = sum(step * math.sqrt(high - low) for (low, high), step in steps.items())
    torch.testing.assert_close(forward(0.03, 14.6) * math.sqrt(14.6 - 0.03), total, rtol=1e-4, atol=1e-4)


def test_brownian_noise_has_unit_variance_and_opposite_signs_up_and_down() -> None:
    noise = ImageNoise(shape=(4, 64, 64), seeds=[3]).brownian(0.03, 14.6)
    assert float(noise(5.0, 2.0).std()) == pytest.approx(1.0, abs=0.03)
    assert torch.equal(noise(5.0, 2.0), -noise(2.0, 5.0))


def test_brownian_noise_of_no_distance_is_nothing() -> None:
    noise = ImageNoise(shape=SHAPE, seeds=[3]).brownian(0.03, 14.6)
    assert not noise(20.0, 15.0).any()  # both beyond the end of the path


def test_each_image_has_its_own_brownian_path() -> None:
    both = ImageNoise(shape=SHAPE, seeds=[3, 4]).brownian(0.03, 14.6)
    alone = ImageNoise(shape=SHAPE, seeds=[4]).brownian(0.03, 14.6)
    assert torch.equal(both(9.0, 4.0)[1:], alone(9.0, 4.0))
    assert torch.equal(both.image(1)(9.0, 4.0), alone(9.0, 4.0))


def test_the_old_way_draws_one_path_for_the_whole_batch() -> None:
    noise = ImageNoise(shape=SHAPE, seeds=[3, 4])
    drawn = noise.brownian(0.03, 14.6, whole_batch=True)(9.0, 4.0)
    assert drawn.shape == (2, *SHAPE)
    assert not torch.equal(drawn, noise.brownian(0.03, 14.6)(9.0, 4.0))
    again = ImageNoise(shape=SHAPE, seeds=[3, 4]).brownian(0.03, 14.6, whole_batch=True)(9.0, 4.0)
    assert torch.equal(drawn, again)


def test_noise_of_the_image_encoder_can_start_anew() -> None:
    stream = EncodeNoise(5)
    first = stream.draw((2, 3))
    assert not torch.equal(stream.draw((2, 3)), first)
    stream.reseed(5)
    assert torch.equal(stream.draw((2, 3)), first)
