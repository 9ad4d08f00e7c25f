"""Rectified flow: noising, the way back, and every sampler on a network whose answers are known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from modules.foundation.errors import RequestError
from modules.sampling import samplers
from modules.sampling.conditioning import CondBatch
from modules.sampling.denoiser import SigmaDenoiser
from modules.sampling.flow_schedule import FlowSchedule
from modules.sampling.loop import clean_share, guided_model, sample, start_from_image, start_from_noise
from modules.sampling.network import ConditionedNetwork
from modules.sampling.noise import ImageNoise
from modules.sampling.options import SamplingOptions
from modules.sampling.parameterisation import EPSILON, FLOW, PARAMETERISATIONS, V_PREDICTION, Parameterisation
from modules.sampling.plan import build_sigmas
from modules.sampling.samplers import SAMPLERS, Sampler
from modules.sampling.schedules import SCHEDULES
from tests.sampling.models import SCHEDULE, conds

SCHEDULE_OF_FLOW = FlowSchedule.shifted(3.0)
ABLE = [sampler for sampler in SAMPLERS if not sampler.discrete_only]
UNABLE = [sampler for sampler in SAMPLERS if sampler.discrete_only]
CENTRE, SPREAD = 0.4, 0.5

LEVELS = st.floats(0.001, 0.999)
EVERY = pytest.mark.parametrize("kind", PARAMETERISATIONS.values(), ids=lambda kind: kind.name)


@dataclass(frozen=True)
class GaussianFlow:
    """The perfect eps - x0 for data that is normal around `CENTRE` with deviation `SPREAD`."""

    def __call__(self, x: Tensor, t: Tensor, cond: CondBatch) -> Tensor:
        level = (t.double() / SCHEDULE_OF_FLOW.time_scale)[:, None, None, None]
        wide = x.double()
        variance = ((1 - level) * SPREAD) ** 2 + level**2
        off = wide - (1 - level) * CENTRE
        clean = CENTRE + (1 - level) * SPREAD**2 / variance * off
        return ((wide - clean) / level).float()


def drawn(sampler: Sampler, *, steps: int = 30, schedule: str | None = None, **options: object) -> Tensor:
    """Samples [2, 16, 32, 32] of a whole run from noise."""
    chosen = SamplingOptions.from_settings(options)
    held = conds([0.0, 0.0])
    plan = build_sigmas(
        sampler=sampler, schedule=schedule, steps=steps, model_schedule=SCHEDULE_OF_FLOW, options=chosen
    )
    network = ConditionedNetwork(predict=GaussianFlow(), schedule=SCHEDULE_OF_FLOW, conds=lambda call: held)
    model = guided_model(network, sampler=sampler, guidance_scale=1.0, steps=steps, options=chosen)
    noise = ImageNoise(shape=(16, 32, 32), seeds=(3, 4))
    x = start_from_noise(sampler=sampler, plan=plan, noise=noise.initial(), model_schedule=SCHEDULE_OF_FLOW)
    return sample(
        sampler=sampler, plan=plan, model=model, x=x, noise=noise, model_schedule=SCHEDULE_OF_FLOW, options=chosen
    )


@pytest.mark.parametrize("sampler", ABLE, ids=lambda sampler: sampler.name)
def test_samples_have_the_mean_and_the_spread_of_the_data(sampler: Sampler) -> None:
    samples = drawn(sampler, steps=150)
    assert float(samples.mean()) == pytest.approx(CENTRE, abs=0.01)
    assert float(samples.std()) == pytest.approx(SPREAD, rel=0.05)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("sampler", [each for each in ABLE if "eta" in each.parameters], ids=lambda each: each.name)
def test_however_much_noise_is_drawn_anew_the_spread_stays(sampler: Sampler, eta: float) -> None:
    samples = drawn(sampler, steps=150, eta=eta)
    assert float(samples.std()) == pytest.approx(SPREAD, rel=0.05)


@pytest.mark.parametrize("name", ["Euler", "Heun", "DPM2"])
def test_churn_keeps_the_spread(name: str) -> None:
    samples = drawn(samplers.resolve(name), steps=150, s_churn=10.0)
    assert not torch.equal(samples, drawn(samplers.resolve(name), steps=150))
    assert float(samples.std()) == pytest.approx(SPREAD, rel=0.05)


@pytest.mark.parametrize("sampler", UNABLE, ids=lambda sampler: sampler.name)
def test_a_sampler_that_cannot_work_on_flow_says_so(sampler: Sampler) -> None:
    with pytest.raises(
        RequestError, match=rf"{sampler.name.replace('+', '.')} cannot sample this model.*rectified flow.*Euler"
    ):
        build_sigmas(sampler=sampler, schedule=None, steps=8, model_schedule=SCHEDULE_OF_FLOW)


@pytest.mark.parametrize("steps", [1, 2, 7, 30])
@pytest.mark.parametrize("schedule", [each for each in SCHEDULES if each.name != "align_your_steps"])
def test_every_schedule_falls_from_one_at_most(schedule: object, steps: int) -> None:
    plan = build_sigmas(
        sampler=samplers.resolve("Euler"),
        schedule=schedule,  # type: ignore[arg-type]
        steps=steps,
        model_schedule=SCHEDULE_OF_FLOW,
    )
    levels = [float(level) for level in plan.sigmas]
    assert 0 < levels[0] <= 1
    assert levels == sorted(levels, reverse=True)


def test_a_family_without_published_levels_says_so() -> None:
    with pytest.raises(RequestError, match="Align Your Steps"):
        build_sigmas(
            sampler=samplers.resolve("Euler"),
            schedule="Align Your Steps",
            steps=8,
            model_schedule=SCHEDULE_OF_FLOW,
        )


def test_without_a_choice_levels_are_even_in_the_time_before_the_shift() -> None:
    plan = build_sigmas(
        sampler=samplers.resolve("DPM++ 2M"), schedule=None, steps=4, model_schedule=FlowSchedule.shifted(2.0)
    )
    time = plan.sigmas[:-1] / (2 - plan.sigmas[:-1])
    torch.testing.assert_close(time.diff(), torch.full((3,), -0.25), atol=1e-3, rtol=0)


@given(shift=st.floats(0.3, 12.0), level=LEVELS)
def test_level_and_time_are_each_others_inverse(shift: float, level: float) -> None:
    schedule = FlowSchedule.shifted(shift)
    back = schedule.t_to_sigma(schedule.sigma_to_t(torch.tensor([level])))
    assert float(back) == pytest.approx(level, abs=1e-4)
    assert schedule.time_of(level) == pytest.approx(1000 * level)
    assert schedule.sigma_max == pytest.approx(1.0)


def test_a_shift_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="shift of 0"):
        FlowSchedule.shifted(0.0)


@EVERY
@given(level=LEVELS, seed=st.integers(0, 9))
def test_the_output_is_found_again_from_the_denoised_latent(kind: Parameterisation, level: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    output, x = torch.randn(2, 3, 8, generator=generator, dtype=torch.float64)
    again = kind.output(kind.denoised(output, x, level), x, level)
    torch.testing.assert_close(again, output)


@given(level=LEVELS)
def test_the_true_velocity_gives_the_clean_latent(level: float) -> None:
    clean, noise = torch.tensor([0.7, -0.2]), torch.tensor([-1.1, 0.4])
    x = FLOW.noised(clean, noise, level)
    torch.testing.assert_close(SigmaDenoiser(SCHEDULE_OF_FLOW).estimate(noise - clean, x, level), clean)


@EVERY
@given(level=st.floats(0.01, 1.0), share=st.floats(0.0, 0.99), eta=st.floats(0.0, 1.3))
def test_an_ancestral_step_ends_at_the_next_level(
    kind: Parameterisation, level: float, share: float, eta: float
) -> None:
    following = level * share
    split = kind.ancestral(level, following, eta)
    assert 0 <= split.down <= following + 1e-9
    assert math.hypot(split.down * split.scale, split.up) == pytest.approx(following, abs=1e-9)
    assert kind.alpha(split.down) * split.scale == pytest.approx(kind.alpha(following), abs=1e-9)


@EVERY
@given(low=st.floats(0.0, 0.99), share=st.floats(0.0, 1.0))
def test_a_raised_latent_is_at_the_level_that_was_asked_for(kind: Parameterisation, low: float, share: float) -> None:
    high = low + (1 - low) * share
    raising = kind.raising(low, high)
    assert math.hypot(low * raising.scale, raising.up) == pytest.approx(high, abs=1e-9)
    assert kind.alpha(low) * raising.scale == pytest.approx(kind.alpha(high), abs=1e-9)


def test_at_full_eta_a_step_from_pure_noise_forgets_it() -> None:
    split = FLOW.ancestral(1.0, 0.6, 1.0)
    assert split.down == pytest.approx(0.0)
    assert split.up == pytest.approx(0.6)


@pytest.mark.parametrize("kind", [EPSILON, V_PREDICTION], ids=lambda kind: kind.name)
def test_noise_on_a_variance_exploding_latent_leaves_it_as_it_is(kind: Parameterisation) -> None:
    assert kind.raising(0.5, 2.0).scale == 1.0
    assert kind.ancestral(2.0, 0.5, 0.7).scale == 1.0


def test_a_picture_is_mixed_with_noise_to_where_its_run_begins() -> None:
    sampler = samplers.resolve("Euler")
    plan = build_sigmas(sampler=sampler, schedule=None, steps=10, model_schedule=SCHEDULE_OF_FLOW)
    latent, noise = torch.full((1, 16, 2, 2), 2.0), torch.full((1, 16, 2, 2), -1.0)
    later, x = start_from_image(
        sampler=sampler, plan=plan, t_enc=4, latent=latent, noise=noise, model_schedule=SCHEDULE_OF_FLOW
    )
    level = float(later.sigmas[0])
    assert 0 < level < 1
    torch.testing.assert_close(x, latent * (1 - level) + noise * level)
    share = clean_share(sampler=sampler, plan=plan, t_enc=4, model_schedule=SCHEDULE_OF_FLOW)
    assert share == pytest.approx(1 - level)
    ordinary = build_sigmas(sampler=sampler, schedule=None, steps=10, model_schedule=SCHEDULE)
    assert clean_share(sampler=sampler, plan=ordinary, t_enc=4, model_schedule=SCHEDULE) == 1.0
