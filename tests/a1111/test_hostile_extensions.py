"""Extensions that do what they should not: the picture is made all the same, and they are named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest

from modules import images, sd_samplers, sd_samplers_common
from modules.a1111.dialect import RUN_METHODS
from modules.a1111.sampler_objects import CFGDenoiser, KDiffusionSampler
from tests.a1111.conftest import Stage

RAISING = """
from modules import script_callbacks, scripts

class Raising(scripts.Script):
    on = False
    def title(self): return "Raising"
    def show(self, is_img2img): return scripts.AlwaysVisible

def raising(name):
    def method(self, *args, **kwargs):
        if Raising.on:
            raise RuntimeError(f"no {name}")
    return method

for name in METHODS:
    setattr(Raising, name, raising(name))
"""

NESTED = """
import copy
from modules import scripts, shared
from modules.processing import process_images

class Nested(scripts.Script):
    on = False
    made = []
    def title(self): return "Nested"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def postprocess_image(self, p, pp):
        if not Nested.on or getattr(p, "inner", False):
            return
        inner = copy.copy(p)
        inner.inner, inner.seed, inner.all_prompts, inner.all_seeds = True, 99, None, None
        inner.do_not_save_samples = True
        done = process_images(inner)
        Nested.made.append((done.seed, done.images[0].size))
    def before_process(self, p):
        if Nested.on:
            shared.opts.samples_format = "jpg"
            shared.opts.data["CLIP_stop_at_last_layers"] = 2
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    raising = RAISING.replace("METHODS", repr(RUN_METHODS))
    made = Stage(tmp_path_factory.mktemp("hostile"), {"raising.py": raising, "nested.py": NESTED})
    yield made
    made.close()


def script(here: Stage, name: str) -> Any:
    return next(data.script_class for data in here.dialect.scripts_data if data.script_class.__name__ == name)


def pixels(here: Stage, **asked: Any) -> Any:
    return numpy.asarray(here.make(**asked).samples[0].image)


def test_one_that_raises_in_every_method_is_named_for_each_and_changes_nothing(here: Stage) -> None:
    plain, kind = pixels(here), script(here, "Raising")
    kind.on = True
    try:
        assert numpy.array_equal(pixels(here), plain)
    finally:
        kind.on = False
    told = " ".join(what for each in here.dialect.errors.values() for what in each)
    called = set(RUN_METHODS) - {
        "before_hr",
        "on_mask_blend",
        "postprocess_maskoverlay",
        "postprocess_image_after_composite",
    }
    assert [name for name in sorted(called) if f"failed in {name}" not in told] == []


def test_a_function_that_is_replaced_by_one_that_raises_is_left_out(
    here: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bad(*_: Any, **__: Any) -> Any:
        raise RuntimeError("replaced badly")

    plain = pixels(here)
    for place, name in (
        (KDiffusionSampler, "callback_state"),
        (CFGDenoiser, "combine_denoised"),
        (sd_samplers, "create_sampler"),
        (sd_samplers_common, "store_latent"),
        (images, "save_image"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, bad)
            made = here.make()
        assert numpy.array_equal(numpy.asarray(made.samples[0].image), plain), name
        assert made.samples[0].path is not None, name
        assert any("replaced badly" in warning for warning in made.warnings), name


def test_runs_within_a_run_and_settings_written_in_it_leave_the_outer_run_as_it_was(here: Stage) -> None:
    plain, kind = pixels(here, seed=3), script(here, "Nested")
    kind.on = True
    try:
        made = here.make(seed=3)
    finally:
        kind.on = False
        here.application.settings.change({"samples_format": "png", "CLIP_stop_at_last_layers": 1}, save=False)
    assert kind.made == [(99, (64, 64))]
    assert [image.seed for image in made.samples] == [3]
    assert numpy.array_equal(numpy.asarray(made.samples[0].image), plain)


NAMELESS = """
from modules import scripts

class Nameless(scripts.Script):
    def title(self): pass
    def show(self, is_img2img): return scripts.AlwaysVisible

class Older(scripts.Script):
    folder = scripts.current_basedir
    def title(self): return "Older"
    def show(self, is_img2img): return scripts.AlwaysVisible
"""


def test_a_script_without_a_name_is_left_out_and_named(stage: Callable[..., Stage]) -> None:
    there = stage(nameless=NAMELESS)
    titles = [each.title() for each in there.dialect.scripts_txt2img.alwayson_scripts]
    assert "Older" in titles
    assert None not in titles
    assert there.make().samples
    file = str(there.data / "extensions" / "some" / "scripts" / "nameless.py")
    assert any("title()" in each for each in there.dialect.errors[file])
    found = next(each.script_class for each in there.dialect.scripts_data if each.script_class.__name__ == "Older")
    assert found.folder == str(there.data / "extensions" / "some")
