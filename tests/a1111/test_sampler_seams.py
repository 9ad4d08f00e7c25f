"""Samplers that extensions add, replace and look into, on real runs of one application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from modules import patches, sd_samplers, sd_samplers_common, sd_samplers_kdiffusion
from modules.generation.request import GenerationRequest
from modules.sd_samplers_cfg_denoiser import CFGDenoiser
from modules.sd_samplers_kdiffusion import KDiffusionSampler
from tests.a1111.conftest import Stage
from tests.a1111.seams import alike, here, pixels
from tests.a1111.test_extensions import begun
from tests.extension_host.test_host import make
from tests.tiny_models import make_tiny_sd1

__all__ = ["here"]


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ 2M"])
def test_callback_state_is_looked_up_and_may_write_into_the_samplers_tensors(
    here: Stage, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"sampler": sampler, "steps": 3}
    plain, seen = pixels(here, **asked), list[Any]()
    original = KDiffusionSampler.callback_state

    def callback_state(self: Any, d: dict[str, Any]) -> None:
        seen.append((d["i"], sorted(d), self.p.is_hr_pass))
        d["x"] *= 0.9
        d["denoised"] *= 0.9
        original(self, d)

    monkeypatch.setattr(KDiffusionSampler, "callback_state", callback_state)
    assert not alike(pixels(here, **asked), plain)
    assert seen[0] == (0, ["denoised", "i", "sigma", "sigma_hat", "x"], False)
    assert [each[0] for each in seen] == [0, 1, 2]
    monkeypatch.undo()
    assert alike(pixels(here, **asked), plain)
    assert len(seen) == 3


def test_the_sampler_object_of_a_run_comes_from_create_sampler(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    original, made = sd_samplers.create_sampler, list[Any]()

    def create_sampler(name: str, model: Any) -> Any:
        sampler = original(name, model)
        made.append((name, model.is_sd1, type(sampler).__name__))
        sampler.model_wrap_cfg.combine_denoised = lambda x_out, conds_list, uncond, cond_scale: x_out[-len(uncond) :]
        return sampler

    monkeypatch.setattr(sd_samplers, "create_sampler", create_sampler)
    changed = pixels(here, cfg_scale=5)
    monkeypatch.undo()
    assert made == [("Euler", True, "KDiffusionSampler")]
    # The negative prompt's estimate alone is what a prompt equal to it gives.
    assert alike(changed, pixels(here, prompt="", cfg_scale=1.0))


def test_store_latent_is_called_once_a_step_where_it_is_replaced(here: Stage) -> None:
    seen: list[Any] = []

    def store(decoded: Any) -> None:
        seen.append(tuple(decoded.shape))
        original = patches.original("test", sd_samplers_common, "store_latent")
        assert original is not None
        original(decoded)

    patches.patch("test", sd_samplers_common, "store_latent", store)
    with pytest.raises(RuntimeError, match="already patched by test"):
        patches.patch("test", sd_samplers_common, "store_latent", store)
    here.make(steps=3)
    patches.undo("test", sd_samplers_common, "store_latent")
    here.make(steps=3)
    assert seen == [(1, 4, 8, 8)] * 3
    with pytest.raises(RuntimeError, match="no patch"):
        patches.undo("test", sd_samplers_common, "store_latent")


def sample_own(model: Any, x: Any, sigmas: Any, *, extra_args: Any, callback: Any, disable: Any) -> Any:
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i] * x.new_ones([x.shape[0]]), **extra_args)
        slope = (x - denoised) / sigmas[i]
        callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
        x = x + slope * (sigmas[i + 1] - sigmas[i])
    return x


def test_a_sampler_that_an_extension_adds_samples(here: Stage) -> None:
    data = sd_samplers_common.SamplerData(
        "Own Euler", lambda model: KDiffusionSampler(sample_own, model), ["own_euler"], {}
    )
    sd_samplers.all_samplers.append(data)
    try:
        assert sd_samplers.all_samplers_map["Own Euler"] is data
        assert sd_samplers.samplers_map["own_euler"] == "Own Euler"
        assert alike(pixels(here, sampler="Own Euler", steps=4), pixels(here, sampler="Euler", steps=4))
        assert "Sampler: Own Euler" in here.make(sampler="own_euler").samples[0].infotext
    finally:
        sd_samplers.all_samplers.remove(data)
    assert "own_euler" not in sd_samplers.samplers_map


def test_every_sampler_of_the_program_is_in_the_list(here: Stage) -> None:
    from modules.sampling.samplers import registry

    assert [data.name for data in sd_samplers.all_samplers] == registry.names()
    assert sd_samplers.find_sampler_config("Heun").total_steps(10) == 20
    assert sd_samplers_kdiffusion.CFGDenoiserKDiffusion is CFGDenoiser


def test_what_is_put_into_the_map_of_samplers_can_be_taken_away(here: Stage) -> None:
    from modules import sd_samplers

    sd_samplers.all_samplers_map["Own"] = sd_samplers.all_samplers[0]
    del sd_samplers.all_samplers_map["Own"]
    assert "Own" not in sd_samplers.all_samplers_map
    with pytest.raises(KeyError):
        del sd_samplers.all_samplers_map["Own"]


def test_a_sampler_that_a_script_puts_into_the_map_for_its_run_takes_the_place_of_the_chosen_one(here: Stage) -> None:
    from modules.a1111.script import Script

    plain, kind = pixels(here), type(here.dialect.scripts_txt2img.scripts[0])

    class Other(CFGDenoiser):
        def combine_denoised(self, x_out: Any, conds_list: Any, uncond: Any, cond_scale: float) -> Any:
            return super().combine_denoised(x_out, conds_list, uncond, 1.0)

    chosen = sd_samplers.all_samplers_map["Euler"]

    def constructor(model: Any) -> Any:
        made = chosen.constructor(model)
        made.model_wrap_cfg = Other(made)
        return made

    def put(self: Script, p: Any, *args: Any, **named: Any) -> None:
        sd_samplers.all_samplers_map["Euler of a test"] = chosen._replace(constructor=constructor)
        p.sampler_name = "Euler of a test"

    kind.process_batch = put
    try:
        assert not alike(pixels(here), plain)
    finally:
        del kind.process_batch
        del sd_samplers.all_samplers_map["Euler of a test"]
    assert alike(pixels(here), plain)


def test_a_sampler_in_a_packages_own_file_is_written_with_k_diffusions_small_functions(tmp_path: Path) -> None:
    source = """
import torch
from k_diffusion.sampling import append_dims, default_noise_sampler, get_ancestral_step, to_d, trange
from modules import sd_samplers, sd_samplers_common, sd_samplers_kdiffusion

def sample_own(model, x, sigmas, extra_args=None, callback=None, disable=None):
    rows = x.new_ones([x.shape[0]])
    for i in trange(len(sigmas) - 1, disable=disable):
        denoised = model(x, sigmas[i] * rows, **(extra_args or {}))
        down, up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta=0.0)
        assert up == 0 and default_noise_sampler(x)(sigmas[i], sigmas[i + 1]).shape == x.shape
        if callback is not None:
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
        x = x + to_d(x, sigmas[i] * rows, denoised) * append_dims(down - sigmas[i], x.ndim)
    return x

sd_samplers.all_samplers.extend([sd_samplers_common.SamplerData(
    "Own Euler", lambda model: sd_samplers_kdiffusion.KDiffusionSampler(sample_own, model), [], {})])
"""
    make(tmp_path, "own", scripts__init_dot_py="")
    (tmp_path / "extensions" / "own" / "scripts" / "__init__.py").write_text(source, encoding="utf-8")
    make_tiny_sd1(tmp_path / "models" / "Stable-diffusion" / "tiny.safetensors")
    app, dialect = begun(tmp_path)
    try:
        asked: dict[str, Any] = {"prompt": "a cat", "seed": 1, "steps": 3, "width": 64, "height": 64}
        made = {name: app.submit(GenerationRequest(**asked, sampler=name)).wait(120) for name in ("Euler", "Own Euler")}
        pictures = {name: numpy.asarray(each.samples[0].image, float) for name, each in made.items()}
        assert dialect.errors == {}
        assert numpy.abs(pictures["Euler"] - pictures["Own Euler"]).mean() < 1
    finally:
        sd_samplers.all_samplers.pop()
        dialect.close()
        app.close()


class Scheduled(float):
    """A number that stands for another one with each product; it counts them."""

    steps: tuple[float, ...] = ()
    products = 0

    def __mul__(self, other: Any) -> Any:
        self.products += 1
        return self.steps[min(self.products, len(self.steps)) - 1] * other

    __rmul__ = __mul__


def scheduled(*steps: float) -> Scheduled:
    number = Scheduled(steps[0])
    number.steps = steps
    return number


SCHEDULING = """
from modules import scripts

class Scheduling(scripts.Script):
    numbers = {}
    def title(self): return "Scheduling"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def process(self, p):
        for name, number in Scheduling.numbers.items():
            setattr(p, name, number)
"""


@pytest.mark.parametrize("sampler", ["Euler", "DDIM CFG++"])
def test_a_scale_that_changes_with_each_product_guides_step_by_step(stage: Callable[..., Stage], sampler: str) -> None:
    there = stage(scheduling=SCHEDULING)
    script = next(
        each.script_class for each in there.dialect.scripts_data if each.script_class.__name__ == "Scheduling"
    )
    asked: dict[str, Any] = {"sampler": sampler, "steps": 3, "cfg_scale": 7.0}
    plain = pixels(there, **asked)

    script.numbers = {"cfg_scale": scheduled(7.0, 7.0, 7.0)}
    assert alike(pixels(there, **asked), plain)
    number = scheduled(7.0, 1.5, 3.0)
    script.numbers = {"cfg_scale": number}
    made = there.make(**asked)
    assert not alike(numpy.asarray(made.samples[0].image).astype(int), plain)
    assert number.products == 3
    assert "CFG scale: 7.0" in made.samples[0].infotext

    # Two pictures of a batch: a product for each in each step.
    script.numbers = {"cfg_scale": (number := scheduled(7.0, 7.0, 1.5, 1.5))}
    there.make(**asked, batch_size=2)
    assert number.products == 6
    script.numbers = {}
    assert alike(pixels(there, **asked), plain)


def test_an_eta_that_changes_with_each_product_is_that_of_the_step(stage: Callable[..., Stage]) -> None:
    there = stage(scheduling=SCHEDULING)
    script = next(
        each.script_class for each in there.dialect.scripts_data if each.script_class.__name__ == "Scheduling"
    )
    asked: dict[str, Any] = {"sampler": "Euler a", "steps": 3}
    plain = pixels(there, **asked)
    script.numbers = {"eta": scheduled(1.0, 1.0, 1.0)}
    assert alike(pixels(there, **asked), plain)
    number = Scheduled(1.0)
    number.steps = (0.0,)
    script.numbers = {"eta": number}
    assert alike(pixels(there, **asked), pixels(there, **asked | {"sampler": "Euler"}))
