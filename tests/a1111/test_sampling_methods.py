"""Scripts that replace how a batch is sampled, and what before_hr writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy
import pytest

from modules import processing
from modules.generation.request import HiresRequest
from tests.a1111.conftest import Stage

SAMPLING = """
from modules import processing, scripts

class Sampling(scripts.Script):
    mode, seen = "", []
    def title(self): return "Sampling"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def before_hr(self, p):
        if Sampling.mode == "before_hr":
            p.hr_second_pass_steps, p.denoising_strength, p.hr_cfg = 3, 0.9, 2
            p.hr_prompts = ["a dog"] * len(p.hr_prompts)
    def process(self, p):
        sample, second = p.sample, getattr(p, "sample_hr_pass", None)
        def instead(*args, **named):
            given = sample(*args, **named)
            Sampling.seen.append((sorted(named), type(given).__name__, len(given)))
            if Sampling.mode == "raises": raise RuntimeError("no sample")
            return -given if Sampling.mode == "negative" else given
        def without(conditioning, **named):
            Sampling.seen.append(type(conditioning).__name__)
            return p.rng.next() if p.rng else __import__("torch").zeros(p.batch_size, 4, p.height // 8, p.width // 8)
        def twice(*args, **named):
            made = processing.DecodedSamples()
            seeds = p.seeds
            for index in range(2):
                p.seeds = [seed + 10 * index for seed in seeds]
                made.extend(second(*args, **named))
            p.seeds = seeds
            return made
        if Sampling.mode in ("same", "raises", "negative"): p.sample = instead
        if Sampling.mode == "without": p.sample = without
        if Sampling.mode == "twice": p.sample_hr_pass = twice
    def postprocess_batch_list(self, p, pp, **named):
        Sampling.seen.append(len(pp.images))
"""

HIRES = HiresRequest(scale=2, upscaler="Latent", steps=2)


def test_a_script_replaces_sample_and_calls_the_one_that_stood_there(stage: Callable[..., Stage]) -> None:
    here = stage(sampling=SAMPLING)
    script: Any = next(each.script_class for each in here.dialect.scripts_data)

    def made(mode: str, **asked: Any) -> list[Any]:
        script.mode, script.seen = mode, []
        return [numpy.asarray(image.image) for image in here.make(**asked).samples]

    plain = made("")
    assert numpy.array_equal(made("same")[0], plain[0])
    named = ["conditioning", "prompts", "seeds", "subseed_strength", "subseeds", "unconditional_conditioning"]
    assert script.seen == [(named, "Tensor", 1), 1]
    assert not numpy.array_equal(made("negative")[0], plain[0])
    assert numpy.array_equal(made("raises")[0], plain[0])
    assert any("its sample failed" in line for lines in here.dialect.errors.values() for line in lines)
    noise = made("without")
    assert not numpy.array_equal(noise[0], plain[0])
    assert numpy.array_equal(made("without", steps=5)[0], noise[0])
    assert script.seen[0] == "MulticondLearnedConditioning"

    hires = {"hires": HIRES, "denoising_strength": 0.7}
    first = made("same", **hires)
    assert script.seen == [(named, "DecodedSamples", 1), 1]
    assert numpy.array_equal(first[0], made("", **hires)[0])
    again = made("twice", **hires)
    assert script.seen == [2]
    assert numpy.array_equal(again[0], first[0])
    assert not numpy.array_equal(again[1], first[0])


def test_a_class_whose_sample_is_replaced_samples_by_it(stage: Callable[..., Stage], monkeypatch: Any) -> None:
    here = stage(sampling=SAMPLING)
    plain, original = here.make(), processing.StableDiffusionProcessingTxt2Img.sample
    monkeypatch.setattr(
        processing.StableDiffusionProcessingTxt2Img, "sample", lambda p, *args, **named: -original(p, *args, **named)
    )
    assert not numpy.array_equal(numpy.asarray(here.make().samples[0].image), numpy.asarray(plain.samples[0].image))
    monkeypatch.undo()
    with pytest.raises(NotImplementedError, match="within a run"):
        processing.StableDiffusionProcessingTxt2Img().sample(None, None, [1], [1], 0, ["a"])


def test_what_before_hr_writes_holds_for_the_second_pass(stage: Callable[..., Stage]) -> None:
    here = stage(sampling=SAMPLING)
    script: Any = next(each.script_class for each in here.dialect.scripts_data)
    script.mode = "before_hr"
    written = here.make(hires=HIRES, denoising_strength=0.7)
    script.mode = ""
    asked = replace(HIRES, steps=3, cfg_scale=2.0, prompt="a dog")
    plain = here.make(hires=asked, denoising_strength=0.9)
    assert numpy.array_equal(numpy.asarray(written.samples[0].image), numpy.asarray(plain.samples[0].image))


LOOKING = """
from modules import scripts, shared

class Looking(scripts.Script):
    seen = []
    def title(self): return "Looking"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def setup(self, p): self.look("setup", p)
    def before_process(self, p): self.look("before_process", p)
    def process(self, p):
        self.look("process", p)
        Looking.seen.append(hasattr(p.sd_model.first_stage_model, "decoder"))
    def process_batch(self, p, **named): self.look("process_batch", p)
    def look(self, moment, p):
        assert p.sd_model.sd_checkpoint_info.filename == shared.sd_model.sd_checkpoint_info.filename
        Looking.seen.append((moment, p.sd_model.sd_checkpoint_info.model_name, p.sd_model.is_sd1))
"""


def test_the_model_of_the_run_is_there_from_the_first_moment_on(stage: Callable[..., Stage]) -> None:
    here = stage(looking=LOOKING)
    script: Any = next(each.script_class for each in here.dialect.scripts_data)
    here.make()
    moments = [("setup", "tiny", True), ("before_process", "tiny", True), ("process", "tiny", True)]
    assert script.seen == [*moments, True, ("process_batch", "tiny", True)]
    # Another that the request asks for is the one that scripts see.
    folder = here.data / "models" / "Stable-diffusion"
    (folder / "other.safetensors").write_bytes((folder / "tiny.safetensors").read_bytes())
    here.application.catalogue.refresh()
    script.seen.clear()
    here.make(override_settings={"sd_model_checkpoint": "other"})
    assert {each[1] for each in script.seen if isinstance(each, tuple)} == {"other"}
    assert here.dialect.errors == {}
