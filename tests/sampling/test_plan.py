"""Plans: full runs, runs from an image, and what is written about them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.errors import RequestError, UnknownName
from modules.sampling import samplers
from modules.sampling.loop import (
    infotext_of,
    parameters_of,
    start_from_image,
    start_from_noise,
    uses_eta_noise_seed_delta,
)
from modules.sampling.options import SamplingOptions
from modules.sampling.plan import SigmaPlan, build_sigmas, from_image
from tests.sampling.models import SCHEDULE


def plan_of(name: str, steps: int, schedule: str | None = None, **options: object) -> SigmaPlan:
    return build_sigmas(
        sampler=samplers.resolve(name),
        schedule=schedule,
        steps=steps,
        model_schedule=SCHEDULE,
        options=SamplingOptions.from_settings(options),
    )


def test_the_schedule_that_was_used_is_reported() -> None:
    assert plan_of("DPM++ 2M", 8).schedule == "Karras"
    assert plan_of("Euler", 8).schedule == "Automatic"
    assert plan_of("Euler", 8, "uniform").schedule == "Uniform"
    assert plan_of("DDIM", 8, "Karras").schedule == "Karras"


def test_a_run_from_an_image_does_the_last_steps_of_the_plan() -> None:
    plan = plan_of("Euler", 20, "Karras")
    later = from_image(plan, 11)
    assert later.steps == 12
    assert torch.equal(later.sigmas, plan.sigmas[8:])
    assert later.from_image
    assert not plan.from_image


@given(st.sampled_from([each.name for each in samplers.SAMPLERS if each.brownian_noise]), st.integers(0, 11))
def test_the_noise_of_a_run_from_an_image_spans_the_whole_schedule(name: str, t_enc: int) -> None:
    whole = plan_of(name, 12)
    later = from_image(whole, t_enc)
    assert later.span == whole.span == (float(whole.sigmas[-2]), float(whole.sigmas[0]))
    assert later.own_span == (float(whole.sigmas[-2]), float(later.sigmas[0]))


def test_a_run_over_time_steps_from_an_image_keeps_the_first_ones() -> None:
    plan = plan_of("DDIM", 20)
    later = from_image(plan, 12)
    assert later.timesteps is not None
    assert later.timesteps.tolist() == [1 + 50 * index for index in range(12)]
    assert later.steps == 13


def test_an_image_is_noised_to_where_its_run_begins() -> None:
    latent, noise = torch.full((1, 4, 2, 2), 2.0), torch.ones(1, 4, 2, 2)
    sampler = samplers.resolve("Euler")
    plan = plan_of("Euler", 8)
    later, x = start_from_image(
        sampler=sampler, plan=plan, t_enc=4, latent=latent, noise=noise, model_schedule=SCHEDULE
    )
    torch.testing.assert_close(x, latent + later.sigmas[0])
    sampler = samplers.resolve("DDIM")
    plan = plan_of("DDIM", 8)
    _, x = start_from_image(sampler=sampler, plan=plan, t_enc=4, latent=latent, noise=noise, model_schedule=SCHEDULE)
    assert plan.timesteps is not None
    abar = SCHEDULE.alphas_cumprod[plan.timesteps[4]]
    torch.testing.assert_close(x, latent * abar.sqrt() + (1 - abar).sqrt())


@pytest.mark.parametrize("name", ["Euler", "DPM++ 2M SDE", "DPM fast", "DDIM", "UniPC"])
def test_a_plan_of_no_steps_leaves_an_image_as_it_is(name: str) -> None:
    sampler, latent = samplers.resolve(name), torch.full((1, 4, 2, 2), 2.0)
    later, x = start_from_image(
        sampler=sampler,
        plan=plan_of(name, 0),
        t_enc=7,
        latent=latent,
        noise=torch.ones_like(latent),
        model_schedule=SCHEDULE,
    )
    assert later.steps == 0
    assert torch.equal(x, latent)


def test_a_negative_number_of_steps_is_refused() -> None:
    with pytest.raises(RequestError, match="-3 steps"):
        plan_of("Euler", -3)


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(UnknownName, match="'Karras'"):
        plan_of("Euler", 5, "Karas")


def test_noise_starts_at_the_first_level_or_at_its_sum_with_the_data() -> None:
    noise = torch.ones(1, 4, 1, 1)
    sampler, plan = samplers.resolve("Euler"), plan_of("Euler", 5)
    first = float(plan.sigmas[0])
    assert float(
        start_from_noise(sampler=sampler, plan=plan, noise=noise, model_schedule=SCHEDULE)[0, 0, 0, 0]
    ) == pytest.approx(first)
    started = start_from_noise(
        sampler=sampler,
        plan=plan,
        noise=noise,
        model_schedule=SCHEDULE,
        options=SamplingOptions(sgm_noise_multiplier=True),
    )
    assert float(started[0, 0, 0, 0]) == pytest.approx((1 + first**2) ** 0.5)
    ddim = samplers.resolve("DDIM")
    assert torch.equal(
        start_from_noise(sampler=ddim, plan=plan_of("DDIM", 5), noise=noise, model_schedule=SCHEDULE), noise
    )


def test_settings_outrank_a_request_only_where_they_were_changed() -> None:
    assert SamplingOptions().with_request(s_churn=4.0).s_churn == 4.0
    assert SamplingOptions(s_churn=2.0).with_request(s_churn=4.0).s_churn == 2.0
    assert SamplingOptions(eta_ancestral=0.5).with_request(eta=0.7).eta == 0.7
    assert SamplingOptions(eta=0.3).with_request().eta == 0.3
    assert SamplingOptions(s_min_uncond=1.0).with_request(s_min_uncond=2.0).s_min_uncond == 2.0


def test_samplers_get_only_the_options_they_take() -> None:
    options = SamplingOptions(s_churn=3.0, eta_ddim=0.2, eta_ancestral=0.9)
    assert parameters_of(samplers.resolve("Euler"), options) == {
        "s_churn": 3.0,
        "s_tmin": 0.0,
        "s_tmax": float("inf"),
        "s_noise": 1.0,
    }
    assert parameters_of(samplers.resolve("Euler a"), options) == {"eta": 0.9}
    assert parameters_of(samplers.resolve("DDIM"), options) == {"eta": 0.2}
    assert parameters_of(samplers.resolve("LMS"), options) == {}


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("Euler a", {"eta": 0.5}, {"Eta": 0.5}),
        ("Euler a", {"eta_ancestral": 1.0}, {}),
        ("DDIM", {"eta": 0.7}, {"Eta DDIM": 0.7}),
        ("DDIM", {"eta": 0.0}, {}),
        ("Euler", {"eta": 0.5}, {}),
        ("Euler", {"s_churn": 2.0, "s_tmin": 0.1, "s_noise": 1.0}, {"Sigma churn": 2.0, "Sigma tmin": 0.1}),
        ("LMS", {"s_churn": 2.0}, {}),
        ("Heun", {"sgm_noise_multiplier": True}, {"SGM noise multiplier": True}),
        ("PLMS", {"sgm_noise_multiplier": True}, {}),
    ],
)
def test_only_what_took_effect_is_written_down(
    name: str, options: dict[str, float], expected: dict[str, object]
) -> None:
    assert infotext_of(samplers.resolve(name), SamplingOptions.from_settings(options)) == expected


def test_the_seed_delta_is_written_down_for_ancestral_samplers_that_use_noise() -> None:
    assert uses_eta_noise_seed_delta(samplers.resolve("Euler a"), SamplingOptions())
    assert not uses_eta_noise_seed_delta(samplers.resolve("Euler a"), SamplingOptions(eta=0.0))
    assert not uses_eta_noise_seed_delta(samplers.resolve("DPM++ 2M"), SamplingOptions())


def test_options_are_read_from_settings_and_other_keys_are_passed_over() -> None:
    options = SamplingOptions.from_settings({"rho": 3.0, "outdir_samples": "x", "uni_pc_order": 2}, eta=0.1)
    assert (options.rho, options.uni_pc_order, options.eta) == (3.0, 2, 0.1)
