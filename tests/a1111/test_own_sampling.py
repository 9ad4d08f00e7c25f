"""Extensions that sample within a run by a sampler object: `sample` and `sample_img2img`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
import torch

from modules import processing, sd_samplers
from tests.a1111.conftest import Stage
from tests.a1111.seams import alike, pixels

OWN = """
from modules import prompt_parser, rng, script_callbacks, scripts, sd_samplers

class Own(scripts.Script):
    does = None
    def title(self): return "Own"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def post_sample(self, p, ps):
        if Own.does is not None:
            Own.does(p, ps)

def conditions(p, prompt, steps):
    c = prompt_parser.SdConditioning([prompt])
    uc = prompt_parser.SdConditioning([p.negative_prompt], is_negative_prompt=True)
    return (
        prompt_parser.get_multicond_learned_conditioning(p.sd_model, c, steps),
        prompt_parser.get_learned_conditioning(p.sd_model, uc, steps),
    )
"""


@pytest.fixture
def own(stage: Callable[..., Stage]) -> tuple[Stage, Any]:
    there = stage(own=OWN)
    assert there.dialect.errors == {}
    return there, next(each for each in there.dialect.scripts_data if each.script_class.__name__ == "Own")


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ 2M", "DPM++ SDE", "DDIM"])
def test_the_runs_words_noise_and_sampler_give_the_runs_latents(own: tuple[Stage, Any], sampler: str) -> None:
    there, script = own
    asked: dict[str, Any] = {"sampler": sampler, "steps": 4, "prompt": "a [red:blue:2] cat AND a dog :0.5"}
    plain, made = pixels(there, **asked), list[float]()

    def again(p: Any, ps: Any) -> None:
        p.rng = script.module.rng.ImageRNG(ps.samples.shape[1:], p.seeds, subseeds=p.subseeds)
        again = sd_samplers.create_sampler(p.sampler_name, p.sd_model)
        latents = again.sample(p, p.rng.next(), *script.module.conditions(p, p.prompts[0], p.steps))
        made.append(float((latents - ps.samples).abs().max()))

    script.script_class.does = again
    assert alike(pixels(there, **asked), plain)
    assert there.dialect.errors == {}
    assert made[0] < 1e-4


def test_latents_are_worked_over_with_other_words_and_levels_and_the_callbacks_hear_it(own: tuple[Stage, Any]) -> None:
    there, script = own
    plain, heard = pixels(there, steps=3), list[float]()

    def over(p: Any, ps: Any) -> None:
        sampler = sd_samplers.create_sampler("DPM++ 2M", p.sd_model)
        p.denoising_strength, p.cfg_scale = 0.5, 9
        p.sampler_noise_scheduler_override = lambda steps: torch.linspace(6, 0, steps + 1)
        words = script.module.conditions(p, "a dog", 4)
        script.module.script_callbacks.on_cfg_denoiser(lambda params: heard.append(float(params.sigma[0])))
        try:
            ps.samples = sampler.sample_img2img(p, ps.samples, torch.zeros_like(ps.samples), *words, steps=4)
        finally:
            script.module.script_callbacks.remove_current_script_callbacks()

    script.script_class.does = over
    changed = pixels(there, steps=3)
    assert there.dialect.errors == {}
    # Four steps of eight, the later half.
    assert heard == [3.0, 2.25, 1.5, 0.75]
    assert not alike(changed, plain)
    script.script_class.does = None
    assert alike(pixels(there, steps=3), plain)


def test_outside_of_a_run_that_is_said(own: tuple[Stage, Any]) -> None:
    there, script = own
    there.make()
    p = processing.StableDiffusionProcessingTxt2Img(prompt="a cat", steps=2)
    sampler = sd_samplers.create_sampler("Euler", there.dialect.shared.sd_model)
    words = script.module.conditions(p, "a cat", 2)
    with pytest.raises(NotImplementedError, match="within a run"):
        sampler.sample(p, torch.zeros(1, 4, 8, 8), *words)


def test_the_levels_of_a_run_are_told_and_those_of_k_diffusions_schedules(own: tuple[Stage, Any]) -> None:
    there, script = own
    made: list[Any] = []

    def levels(p: Any, ps: Any) -> None:
        sampling = importlib.import_module("k_diffusion.sampling")
        made.append(p.sampler.get_sigmas(p, 5))
        ends = {"sigma_min": float(made[0][-2]), "sigma_max": float(made[0][0]), "device": "cpu"}
        made.extend((sampling.get_sigmas_karras(5, **ends), sampling.get_sigmas_exponential(5, 0.1, 10, "cpu")))
        made.append(importlib.import_module("k_diffusion").sampling.get_sigmas_polyexponential(5, 0.1, 10, 1.0, "cpu"))

    script.script_class.does = levels
    there.make(scheduler="Karras")
    assert there.dialect.errors == {}
    own_levels, karras, exponential, straight = made
    assert torch.allclose(own_levels.cpu(), karras, rtol=1e-3)
    assert torch.allclose(exponential, straight)
    assert torch.allclose(exponential[1:-1] / exponential[:-2], torch.full((4,), 0.01**0.25))
