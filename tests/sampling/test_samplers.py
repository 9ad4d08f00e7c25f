"""What every sampler must do, shown on networks whose answers are known exactly."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from modules.foundation.errors import Interrupted, RequestError
from modules.sampling import samplers
from modules.sampling.arguments import over_range
from modules.sampling.denoiser import ConsistencyDenoiser
from modules.sampling.model_schedule import ModelSchedule
from modules.sampling.options import SamplingOptions
from modules.sampling.parameterisation import ancestral_step
from modules.sampling.plan import build_sigmas
from modules.sampling.samplers import SAMPLERS, Sampler
from modules.sampling.samplers.dpm_solver import StepSizeController, sample_dpm_adaptive, sample_dpm_fast
from modules.sampling.samplers.euler import multistep_weights
from modules.sampling.samplers.restart import restart_steps
from modules.sampling.step import SamplerStep
from tests.sampling.models import SCHEDULE, MixtureUNet, run

EVERY = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.name)

SEEDS = (11, 12, 13, 14)
CENTRES = (0.5, -0.5, 1.0, 0.0)


@EVERY
def test_an_image_comes_out_the_same_alone_and_in_a_batch(sampler: Sampler) -> None:
    batch = run(sampler, SEEDS, CENTRES)
    for index in range(len(SEEDS)):
        alone = run(sampler, SEEDS[index : index + 1], CENTRES[index : index + 1])
        torch.testing.assert_close(batch[index : index + 1], alone, rtol=1e-5, atol=1e-5)


@EVERY
def test_churn_eta_and_noise_scale_keep_images_apart_in_a_batch(sampler: Sampler) -> None:
    options = SamplingOptions(eta=0.6, s_churn=5.0, s_tmin=0.05, s_tmax=9.0, s_noise=1.02)
    batch = run(sampler, SEEDS[:2], CENTRES[:2], options=options)
    alone = run(sampler, SEEDS[1:2], CENTRES[1:2], options=options)
    torch.testing.assert_close(batch[1:], alone, rtol=1e-5, atol=1e-5)


@EVERY
def test_the_same_request_gives_the_same_numbers(sampler: Sampler) -> None:
    assert torch.equal(run(sampler, (3,), (0.2,), steps=6), run(sampler, (3,), (0.2,), steps=6))


# A consistency sampler's last jump is exact only for a distilled network, so it is left out here.
@pytest.mark.parametrize(
    "sampler",
    [entry for entry in SAMPLERS if entry.denoiser is not ConsistencyDenoiser],
    ids=lambda sampler: sampler.name,
)
def test_samples_have_the_mean_and_the_spread_of_the_data(sampler: Sampler) -> None:
    drawn = run(
        sampler, (5, 6), (0.3, 0.3), steps=40, shape=(4, 48, 48), guidance_scale=1.0 / sampler.guidance_multiplier
    )
    assert float(drawn.mean()) == pytest.approx(0.3, abs=0.04)
    spread = math.sqrt(MixtureUNet().spread ** 2 + MixtureUNet().offset ** 2)
    assert float(drawn.std()) == pytest.approx(spread, rel=0.06)


@EVERY
def test_a_network_that_predicts_v_gives_the_same_picture(sampler: Sampler) -> None:
    by_eps = run(sampler, (7,), (0.3,), steps=8)
    v_schedule = ModelSchedule.of(SCHEDULE.alphas_cumprod, prediction="v_prediction")
    by_v = run(sampler, (7,), (0.3,), steps=8, unet=MixtureUNet(schedule=v_schedule))
    # UniPC's times lie between training steps, where v is turned into noise at the step below.
    tolerance = 2e-2 if sampler.name == "UniPC" else 2e-4
    torch.testing.assert_close(by_v, by_eps, rtol=tolerance, atol=tolerance)


@EVERY
def test_every_step_is_reported_with_its_level_and_estimate(sampler: Sampler) -> None:
    events: list[SamplerStep] = []
    result = run(sampler, (1, 2), (0.0, 0.5), steps=8, callback=events.append)
    assert [event.index for event in events[:3]] == [0, 1, 2]
    assert all(event.x.shape == event.denoised.shape == result.shape for event in events)
    assert all(math.isfinite(event.sigma) and event.sigma > 0 for event in events)
    if sampler.name != "DPM adaptive":
        assert len(events) == events[0].total
        assert all(later.sigma < earlier.sigma for earlier, later in itertools.pairwise(events))


class NoWaiting(TorchFunctionMode):
    """Fails on whatever makes the host wait for a tensor's value, once armed."""

    WAITING = frozenset(
        {"item", "tolist", "cpu", "numpy", "nonzero", "__bool__", "__float__", "__int__", "__index__", "__contains__"}
    )

    def __init__(self) -> None:
        super().__init__()
        self.armed = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.armed and getattr(func, "__name__", "") in self.WAITING:
            raise AssertionError(f"{func.__name__} makes the host wait for the device inside of the loop")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "sampler", [entry for entry in SAMPLERS if entry.name != "DPM adaptive"], ids=lambda sampler: sampler.name
)
def test_nothing_in_the_loop_waits_for_the_device(sampler: Sampler) -> None:
    mode = NoWaiting()

    def arm(event: SamplerStep) -> None:
        mode.armed = True

    with mode:
        run(
            sampler,
            SEEDS[:2],
            CENTRES[:2],
            steps=6,
            callback=arm,
            options=SamplingOptions(s_churn=3.0, eta=0.5, cfg_rescale=0.5, s_min_uncond=1.0),
        )
    assert mode.armed


def test_the_watch_for_waiting_notices_the_adaptive_sampler() -> None:
    mode = NoWaiting()

    def arm(event: SamplerStep) -> None:
        mode.armed = True

    with mode, pytest.raises(AssertionError, match="wait for the device"):
        run(samplers.resolve("DPM adaptive"), (1,), (0.0,), callback=arm)


@EVERY
def test_an_interrupt_in_a_step_report_ends_the_run(sampler: Sampler) -> None:
    seen: list[int] = []

    def stop(event: SamplerStep) -> None:
        seen.append(event.index)
        if len(seen) == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        run(sampler, (1,), (0.0,), steps=9, callback=stop)
    assert seen == [0, 1, 2]


class Gaussian:
    """D(x; sigma) for data of mean `mean` and deviation `spread`, in double precision."""

    def __init__(self, mean: float = 0.5, spread: float = 0.6) -> None:
        self.mean, self.spread, self.calls = mean, spread, 0

    def __call__(self, x: Tensor, level: float) -> Tensor:
        self.calls += 1
        variance = self.spread**2
        return (x * variance + self.mean * level**2) / (variance + level**2)

    def with_uncond(self, x: Tensor, level: float) -> tuple[Tensor, Tensor]:
        return self(x, level), self(x, level)

    def image(self, index: int) -> Gaussian:
        return self

    def flow(self, x: Tensor, sigma: float, sigma_next: float) -> Tensor:
        """The exact solution of the probability flow ODE."""
        factor = math.sqrt((self.spread**2 + sigma_next**2) / (self.spread**2 + sigma**2))
        return (x - self.mean) * factor + self.mean


class NoNoise:
    def __call__(self, sigma: float, sigma_next: float) -> Tensor:
        raise AssertionError("a deterministic run asked for noise")

    def image(self, index: int) -> NoNoise:
        return self


def geometric(high: float, low: float, steps: int) -> list[float]:
    return [high * (low / high) ** (index / steps) for index in range(steps + 1)]


def error_of(sampler: Sampler, steps: int, **options: Any) -> float:
    """How far from the exact flow the sampler ends, from level 5 to level 0.1."""
    model, x = Gaussian(), torch.linspace(-9, 9, 32, dtype=torch.float64).reshape(1, 2, 4, 4)
    arguments: dict[str, Any] = {**sampler.fixed, **options, "noise": NoNoise(), "callback": lambda event: None}
    if sampler.arguments is over_range:
        solved = sampler.function(model, x, sigma_min=0.1, sigma_max=5.0, steps=steps, **arguments)
    else:
        solved = sampler.function(model, x, geometric(5.0, 0.1, steps), **arguments)
    return float((solved - model.flow(x, 5.0, 0.1)).abs().max())


@pytest.mark.parametrize(
    ("name", "options", "order"),
    [
        ("Euler", {}, 1),
        ("Euler a", {"eta": 0.0}, 1),
        ("Heun", {}, 2),
        ("DPM2", {}, 2),
        ("DPM2 a", {"eta": 0.0}, 2),
        ("DPM++ 2M", {}, 2),
        ("DPM++ 2S a", {"eta": 0.0}, 2),
        ("DPM++ SDE", {"eta": 0.0}, 2),
        ("DPM++ 2M SDE", {"eta": 0.0}, 2),
        ("DPM++ 2M SDE Heun", {"eta": 0.0}, 2),
        ("DPM++ 3M SDE", {"eta": 0.0}, 2),
        ("LMS", {}, 2),
        ("Restart", {}, 2),
    ],
)
def test_halving_the_steps_size_cuts_the_error_by_the_order(name: str, options: dict[str, Any], order: int) -> None:
    sampler = samplers.resolve(name)
    if name == "Restart":  # without the final zero, and few enough steps that nothing is restarted
        coarse, fine = error_of(sampler, 8), error_of(sampler, 16)
    else:
        coarse, fine = error_of(sampler, 20, **options), error_of(sampler, 40, **options)
    assert fine < coarse / 2 ** (order - 0.35)


def test_dpm_fast_spends_exactly_the_steps_it_is_given() -> None:
    for steps in range(1, 14):
        model = Gaussian()
        sample_dpm_fast(
            model,
            torch.ones(1, 4, 2, 2),
            sigma_min=0.1,
            sigma_max=10.0,
            steps=steps,
            noise=NoNoise(),
            callback=lambda event: None,
        )
        assert model.calls == steps


def test_dpm_fast_is_far_more_exact_than_first_order() -> None:
    sampler = samplers.resolve("DPM fast")
    # Its last step is of lower order, which holds the whole back to about the second.
    assert error_of(sampler, 61) < error_of(sampler, 31) / 4
    assert error_of(sampler, 31) < error_of(samplers.resolve("Euler"), 31) / 10


def test_dpm_adaptive_meets_its_tolerance_and_takes_small_steps_only_where_needed() -> None:
    model, sizes = Gaussian(), list[float]()
    x = torch.linspace(-9, 9, 32, dtype=torch.float64).reshape(1, 2, 4, 4)
    solved = sample_dpm_adaptive(
        model,
        x,
        sigma_min=0.01,
        sigma_max=20.0,
        steps=10,
        noise=NoNoise(),
        callback=lambda event: sizes.append(event.sigma),
    )
    assert float((solved - model.flow(x, 20.0, 0.01)).abs().max()) < 0.05
    steps = [math.log(earlier / later) for earlier, later in itertools.pairwise(sizes) if later < earlier]
    assert max(steps) > 3 * min(steps)


def test_a_step_with_a_large_error_is_refused_and_made_smaller() -> None:
    control = StepSizeController(0.5, order=3)
    assert not control.propose(8.0)
    assert control.h < 0.5
    refused = control.h
    assert control.propose(0.1)
    assert control.h > refused


def test_multistep_weights_integrate_polynomials_exactly() -> None:
    nodes = [4.0, 2.5, 1.7, 1.1]
    weights = multistep_weights(nodes, 1.1, 0.6)
    for power in range(4):
        exact = (0.6 ** (power + 1) - 1.1 ** (power + 1)) / (power + 1)
        assert sum(w * node**power for w, node in zip(weights, nodes, strict=True)) == pytest.approx(exact, rel=1e-9)
    assert sum(multistep_weights([3.0], 3.0, 2.0)) == pytest.approx(-1.0)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0, 1.4])
def test_an_ancestral_step_adds_up_to_the_next_level(eta: float) -> None:
    down, up = ancestral_step(3.0, 1.2, eta)
    assert math.hypot(down, up) == pytest.approx(1.2)
    assert ancestral_step(3.0, 0.0, eta) == (0.0, 0.0)


@pytest.mark.parametrize(("steps", "leaps"), [(8, 0), (19, 0), (20, 1), (35, 1), (36, 2), (60, 2)])
def test_restarts_happen_within_the_steps_that_were_asked_for(steps: int, leaps: int) -> None:
    plan = build_sigmas(sampler=samplers.resolve("Restart"), schedule=None, steps=steps, model_schedule=SCHEDULE)
    taken = restart_steps([float(sigma) for sigma in plan.sigmas])
    jumps = [(earlier[1], later[0]) for earlier, later in itertools.pairwise(taken) if later[0] > earlier[1]]
    assert len(taken) == steps
    assert len(jumps) == leaps
    assert all(low < 0.2 and 1.2 < high < 3.2 for low, high in jumps)
    assert taken[-1][1] == 0


def test_pictures_of_brownian_samplers_keep_their_composition_when_steps_change() -> None:
    def similarity(name: str) -> float:
        few = run(samplers.resolve(name), (9,), (0.0,), steps=30, shape=(4, 16, 16), guidance_scale=1.0)
        more = run(samplers.resolve(name), (9,), (0.0,), steps=60, shape=(4, 16, 16), guidance_scale=1.0)
        return float(torch.corrcoef(torch.stack([few.ravel(), more.ravel()]))[0, 1])

    assert similarity("DPM++ 2M SDE") > 0.9
    assert similarity("Euler a") < 0.7


@EVERY
@pytest.mark.parametrize("schedule", ["Karras", "KL Optimal", "DDIM", "Beta"])
def test_samplers_and_schedules_combine_freely(sampler: Sampler, schedule: str) -> None:
    drawn = run(sampler, (1,), (0.4,), steps=7, schedule=schedule)
    assert bool(torch.isfinite(drawn).all())
    # Seven steps are far too few for a third-order method on some of these schedules; it must still not run away.
    assert float(drawn.std()) < 6


@EVERY
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_very_few_steps_give_finite_latents(sampler: Sampler, steps: int) -> None:
    assert bool(torch.isfinite(run(sampler, (1,), (0.4,), steps=steps)).all())


def test_more_steps_than_the_usual_150_are_taken() -> None:
    events: list[SamplerStep] = []
    run(samplers.resolve("Euler"), (1,), (0.0,), steps=768, shape=(4, 2, 2), callback=events.append)
    assert len(events) == 768


def test_a_picture_from_noise_without_steps_is_refused() -> None:
    with pytest.raises(RequestError, match="at least 1 step"):
        run(samplers.resolve("Euler"), (1,), (0.0,), steps=0)


def levels(sampler: Sampler, steps: int) -> Sequence[float]:
    plan = build_sigmas(sampler=sampler, schedule=None, steps=steps, model_schedule=SCHEDULE)
    return [float(sigma) for sigma in plan.sigmas]


@EVERY
def test_every_sampler_starts_high_and_descends(sampler: Sampler) -> None:
    sigmas = levels(sampler, 12)
    assert sigmas[0] > 5
    assert all(later < earlier for earlier, later in itertools.pairwise(sigmas))
    assert sigmas[-1] == 0
