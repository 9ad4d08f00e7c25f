"""The model's schedule and the reading of its output."""

from __future__ import annotations

import pytest
import torch

from modules.foundation.errors import CheckpointError
from modules.sampling.denoiser import ConsistencyDenoiser, Denoiser, SigmaDenoiser, TimestepDenoiser
from modules.sampling.model_schedule import (
    ModelSchedule,
    downcast_alphas_cumprod,
    lcm_schedule,
    rescale_zero_terminal_snr,
    scaled_linear_alphas_cumprod,
)
from tests.sampling.models import SCHEDULE

V_SCHEDULE = ModelSchedule.of(SCHEDULE.alphas_cumprod, prediction="v_prediction")


def test_time_steps_and_noise_levels_are_each_others_inverse() -> None:
    t = torch.tensor([0.0, 0.25, 1.0, 17.5, 500.0, 998.9, 999.0])
    torch.testing.assert_close(SCHEDULE.sigma_to_t(SCHEDULE.t_to_sigma(t)), t, rtol=1e-4, atol=2e-3)


def test_levels_outside_of_the_schedule_map_to_its_ends() -> None:
    t = SCHEDULE.sigma_to_t(torch.tensor([1e-4, 100.0]))
    assert t.tolist() == [0.0, 999.0]
    assert [SCHEDULE.time_of(1e-4), SCHEDULE.time_of(100.0)] == [0.0, 999.0]


@pytest.mark.parametrize("schedule", [SCHEDULE, lcm_schedule(SCHEDULE), rescale_zero_terminal_snr(SCHEDULE)])
def test_the_time_of_one_level_is_that_of_the_tensor_map(schedule: ModelSchedule) -> None:
    levels = torch.linspace(0.03, 14.0, 300)
    expected = schedule.sigma_to_t(levels)
    found = torch.tensor([schedule.time_of(float(level)) for level in levels])
    torch.testing.assert_close(found, expected.float(), rtol=1e-6, atol=2e-3)


def test_a_quantised_schedule_gives_whole_time_steps() -> None:
    quantised = ModelSchedule.of(SCHEDULE.alphas_cumprod, quantize=True)
    t = quantised.sigma_to_t(torch.linspace(0.03, 14.6, 50))
    assert t.dtype == torch.long
    assert [quantised.time_of(float(SCHEDULE.sigmas[index])) for index in (0, 3, 700, 999)] == [0, 3, 700, 999]
    assert float(SCHEDULE.sigma_to_t(torch.tensor(1.0), quantize=True)) == quantised.time_of(1.0)


def test_the_terminal_noise_level_is_nearly_pure_noise_after_the_rescale() -> None:
    rescaled = rescale_zero_terminal_snr(SCHEDULE)
    assert rescaled.sigma_max == pytest.approx(4518.76, rel=1e-4)
    assert float(rescaled.alphas_cumprod[0]) == pytest.approx(float(SCHEDULE.alphas_cumprod[0]), rel=1e-6)
    assert bool((rescaled.alphas_cumprod[1:] < rescaled.alphas_cumprod[:-1]).all())
    assert rescale_zero_terminal_snr(V_SCHEDULE).prediction == "v_prediction"


def test_downcasting_rounds_to_half_precision() -> None:
    rounded = downcast_alphas_cumprod(SCHEDULE)
    assert torch.equal(rounded.alphas_cumprod, SCHEDULE.alphas_cumprod.half().float())
    assert not torch.equal(rounded.sigmas, SCHEDULE.sigmas)


def test_a_consistency_model_knows_every_twentieth_level() -> None:
    schedule = lcm_schedule(SCHEDULE)
    assert torch.equal(schedule.alphas_cumprod, SCHEDULE.alphas_cumprod[19::20])
    assert schedule.total_steps == 1000
    assert schedule.sigma_to_t(schedule.sigmas).tolist() == list(range(19, 1000, 20))
    torch.testing.assert_close(schedule.t_to_sigma(torch.tensor([19.0, 999.0])), schedule.sigmas[[0, -1]])


@pytest.mark.parametrize("values", [[0.9], [0.9, -0.1], [[0.9, 0.1]], [0.9, float("nan")], [1.2, 0.5]])
def test_a_damaged_schedule_is_refused(values: list[float]) -> None:
    with pytest.raises(CheckpointError, match="alphas_cumprod"):
        ModelSchedule.of(torch.tensor(values))


def test_half_precision_schedules_of_a_file_are_taken_as_they_are() -> None:
    stored = scaled_linear_alphas_cumprod().half()
    assert torch.equal(ModelSchedule.of(stored).alphas_cumprod, stored.float())


DENOISERS: list[tuple[Denoiser, float]] = [
    (SigmaDenoiser(SCHEDULE), 2.5),
    (SigmaDenoiser(V_SCHEDULE), 2.5),
    (TimestepDenoiser(SCHEDULE), 601),
    (TimestepDenoiser(V_SCHEDULE), 601),
    (ConsistencyDenoiser(SCHEDULE), 2.5),
]


@pytest.mark.parametrize(("denoiser", "level"), DENOISERS)
def test_the_prediction_is_found_again_from_the_estimate(denoiser: Denoiser, level: float) -> None:
    generator = torch.Generator().manual_seed(1)
    x, output = (torch.randn(2, 4, 3, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    found = denoiser.prediction(denoiser.estimate(output, x, level), x, level)
    torch.testing.assert_close(found, output)


def test_noise_and_v_predictions_of_the_same_latent_agree() -> None:
    generator = torch.Generator().manual_seed(2)
    clean, eps = (torch.randn(1, 4, 3, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    abar = SCHEDULE.host_alphas_cumprod[700]
    sigma = ((1 - abar) / abar) ** 0.5
    v = abar**0.5 * eps - (1 - abar) ** 0.5 * clean
    x = clean + eps * sigma
    torch.testing.assert_close(SigmaDenoiser(SCHEDULE).estimate(eps, x, sigma), clean)
    torch.testing.assert_close(SigmaDenoiser(V_SCHEDULE).estimate(v, x, sigma), clean)
    torch.testing.assert_close(TimestepDenoiser(V_SCHEDULE).estimate(v, x * abar**0.5, 700), eps)


def test_the_network_sees_unit_variance_and_the_time_step_of_the_level() -> None:
    x = torch.ones(1, 4, 1, 1)
    scaled, t = SigmaDenoiser(SCHEDULE).network_input(x, float(SCHEDULE.sigmas[500]))
    assert float(scaled[0, 0, 0, 0]) == pytest.approx(SCHEDULE.host_alphas_cumprod[500] ** 0.5, rel=1e-6)
    assert t == pytest.approx(500, abs=1e-3)


def test_a_consistency_model_keeps_nearly_clean_latents() -> None:
    denoiser = ConsistencyDenoiser(SCHEDULE)
    x, output = torch.ones(1, 4, 1, 1), torch.full((1, 4, 1, 1), 0.3)
    # From the second distilled step on, c_skip has all but vanished.
    torch.testing.assert_close(
        denoiser.estimate(output, x, 2.0), SigmaDenoiser(SCHEDULE).estimate(output, x, 2.0), rtol=1e-3, atol=1e-3
    )
