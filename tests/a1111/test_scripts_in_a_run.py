"""Scripts as A1111's extensions write them, working on real runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy
import pytest

from modules.foundation.errors import RequestError
from tests.a1111.conftest import Stage

ALWAYS = """
import gradio as gr
from modules import scripts, shared
from modules.processing import StableDiffusionProcessing

class Always(scripts.Script):
    calls = []
    def title(self): return "Always Here"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def ui(self, is_img2img):
        with gr.Accordion("x", open=False):
            enabled = gr.Checkbox(False, label="Enabled", elem_id=self.elem_id("enabled"))
            word = gr.Textbox("dog", label="Word")
        return [enabled, word]
    def before_process(self, p, enabled, word):
        if enabled:
            p.n_iter = 2
            p.extra_generation_params["Word"] = word
            p.extra_generation_params["Number"] = lambda p, index, **_: index + 1
            p.extra_generation_params["Listed"] = ["x", "y"]
    def process(self, p, enabled, word):
        self.calls.append(("process", list(p.all_prompts), list(p.all_seeds)))
        if enabled:
            p.all_prompts = [f"a {word} number {i}" for i in range(len(p.all_prompts))]
            p.all_seeds = [100, 7]
    def before_process_batch(self, p, enabled, word, **kwargs):
        self.calls.append(("before_process_batch", kwargs["batch_number"], list(kwargs["prompts"])))
        if enabled and kwargs["batch_number"] == 1:
            kwargs["prompts"][0] += ", changed"
    def process_batch(self, p, enabled, word, **kwargs):
        self.calls.append(("process_batch", list(p.prompts)))
    def post_sample(self, p, ps, *args):
        self.calls.append(("post_sample", tuple(ps.samples.shape)))
    def postprocess_batch(self, p, *args, images, **kwargs):
        self.calls.append(("postprocess_batch", tuple(images.shape)))
        if args[0]:
            images[:, 0] = 1.0
    def postprocess_image(self, p, pp, *args):
        self.calls.append(("postprocess_image", pp.image.size))
    def postprocess(self, p, processed, *args):
        self.calls.append(("postprocess", len(processed.images), processed.all_seeds))
"""

SELECTABLE = """
import copy
import gradio as gr
from modules import scripts
from modules.processing import Processed, process_images
from modules.shared import opts, state

class Twice(scripts.Script):
    def title(self): return "Make it Twice"
    def ui(self, is_img2img):
        times = gr.Slider(1, 4, 2, step=1, label="Times")
        return [times, gr.Radio(["up", "down"], value="down", type="index", label="Way")]
    def run(self, p, times, way):
        state.job_count = times
        images, texts = [], []
        first = None
        for number in range(times):
            if state.interrupted:
                break
            mine = copy.copy(p)
            mine.seed = p.seed + (number if way == 1 else -number)
            done = process_images(mine)
            first = first or done
            images += done.images
            texts += done.infotexts
        first.images, first.infotexts = images, texts
        return first
"""


def test_an_always_on_script_that_is_not_enabled_changes_nothing(stage: Callable[..., Stage]) -> None:
    with_script, plain = stage(always=ALWAYS), None
    made = with_script.make()
    plain = stage().make()
    assert numpy.array_equal(numpy.asarray(made.images[0].image), numpy.asarray(plain.images[0].image))
    assert made.images[0].infotext == plain.images[0].infotext


def test_what_a_script_writes_into_p_holds_for_what_follows(stage: Callable[..., Stage]) -> None:
    here = stage(always=ALWAYS)
    made = here.make(script_arguments={"always here": (True, "fox")})
    samples = made.samples
    assert [image.prompt for image in samples] == ["a fox number 0", "a fox number 1, changed"]
    assert [image.seed for image in samples] == [100, 7]
    assert "Word: fox, Number: 1, Listed: x" in samples[0].infotext
    assert "Number: 2, Listed: y" in samples[1].infotext
    # Red in all pixels, which the script wrote into the decoded tensor.
    assert numpy.asarray(samples[0].image)[..., 0].min() == 255
    calls = here.dialect.scripts_data[0].script_class.calls
    assert [call[0] for call in calls] == [
        "process",
        *["before_process_batch", "process_batch", "post_sample", "postprocess_batch", "postprocess_image"] * 2,
        "postprocess",
    ]
    assert calls[0] == ("process", ["a cat", "a cat"], [1, 2])
    alone = here.make(prompt="a fox number 1, changed", seed=7)
    red = numpy.asarray(samples[1].image)
    assert numpy.array_equal(numpy.asarray(alone.samples[0].image)[..., 1:], red[..., 1:])


def test_a_selectable_script_makes_several_runs_in_one_job(stage: Callable[..., Stage]) -> None:
    here = stage(twice=SELECTABLE)
    script = here.application.registries.scripts.find("make it twice")
    assert script is not None
    assert [argument.label for argument in script.arguments] == ["Times", "Way"]
    assert script.with_defaults() == (2, 1)
    job = here.submit(script="make it twice", script_arguments={"make it twice": (3, 1)}, seed=5)
    made = job.wait(120)
    assert [image.seed for image in made.samples] == [5, 6, 7]
    assert job.control.snapshot().fraction == 1
    assert len(made.info["infotexts"]) == 3
    assert "Seed: 7" in made.info["infotexts"][2]


def test_a_script_that_raises_is_named_and_the_picture_is_made(stage: Callable[..., Stage]) -> None:
    source = ALWAYS.replace(
        "def process(self, p, enabled, word):", "def process(self, p, enabled, word):\n        1 / 0"
    )
    here = stage(always=source)
    assert len(here.make().samples) == 1
    (errors,) = [what for file, what in here.dialect.errors.items() if file.endswith("always.py")]
    assert "failed in process" in errors[0]


def test_a_script_that_is_not_there_is_said_so(stage: Callable[..., Stage]) -> None:
    here = stage()
    with pytest.raises(RequestError, match="'no such thing' is not here"):
        here.make(script="no such thing")


def test_a_file_that_cannot_be_loaded_is_named_and_the_others_are_there(stage: Callable[..., Stage]) -> None:
    here = stage(broken="import nothing_of_this_name", twice=SELECTABLE)
    assert here.dialect.scripts_txt2img.titles == ["Make it Twice"]
    assert any("ModuleNotFoundError" in what[0] for file, what in here.dialect.errors.items() if "broken" in file)


SETTING = """
from modules import script_callbacks, shared

def on_ui_settings():
    section = ("mine", "My Extension")
    shared.opts.add_option("my_word", shared.OptionInfo("hello", "A word", section=section).info("said often"))
    slider = {"minimum": 1, "maximum": 9}
    shared.opts.add_option("my_number", shared.OptionInfo(3, "A number", component_args=slider, section=section))

script_callbacks.on_ui_settings(on_ui_settings)
"""


def test_settings_of_an_extension_are_settings_like_all_others(stage: Callable[..., Stage]) -> None:
    here = stage(setting=SETTING)
    assert here.dialect.shared.opts.my_word == "hello"
    here.application.settings.change({"my_word": "bye"})
    assert here.dialect.shared.opts.my_word == "bye"
    assert here.dialect.shared.opts.data["my_number"] == 3
    assert here.application.settings.declared["my_number"].title == "A number"
    here.dialect.shared.opts.my_number = 4
    assert here.dialect.shared.opts.my_number == 4
    assert here.application.settings.current.model_dump()["my_number"] == 4
    with pytest.raises(AttributeError, match="no setting 'missing'"):
        _ = here.dialect.shared.opts.missing


SAVES = """
from modules import images, scripts

class Saves(scripts.Script):
    folders = []
    def title(self): return "Saves"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def postprocess(self, p, processed, *args):
        self.folders.append((p.outpath_samples, p.outpath_grids))
        images.save_image(processed.images[0], p.outpath_samples, "", p.seed, p.prompt, "png", p=p)
"""


def test_p_knows_the_folders_of_pictures_also_where_none_is_saved(stage: Callable[..., Stage]) -> None:
    here = stage(saves=SAVES)
    made = here.make(save_images=False)
    assert "outdir" not in str(made.info["infotexts"])
    outputs = here.application.paths.outputs
    folders = here.dialect.scripts_data[0].script_class.folders
    assert folders == [(str(outputs / "txt2img-images"), str(outputs / "txt2img-grids"))]
    assert len(list((outputs / "txt2img-images").rglob("*.png"))) == 1
