"""Every callback and every method of a script, walked through from the start to the end of a program, in its order."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastapi
import pytest
from PIL import Image

from modules.a1111.callbacks import MOMENTS
from modules.a1111.page import ScriptsOnPage
from modules.a1111.script import Script
from modules.application.infotexts import parameters_of
from modules.generation.inpaint import InpaintRequest
from modules.generation.request import HiresRequest
from modules.hooks.events import PageEvent
from modules.webui.page import build_page
from modules.webui.tokens import TokenCounter
from tests.a1111.conftest import Stage

RECORDER = """
import gradio as gr
from modules import script_callbacks, scripts, shared

told = []
MOMENTS = @MOMENTS@
METHODS = @METHODS@

def noting(moment):
    def note(*args, **named):
        told.append((moment, [type(each).__name__ for each in args], sorted(named)))
        if moment == "image_saved":
            told.append(("saved for", [type(args[0].p).__name__], []))
        if moment == "ui_settings":
            changed = lambda: told.append(("onchange", [], []))
            info = shared.OptionInfo(3, "Own number", section=("own", "Own"), onchange=changed)
            shared.opts.add_option("own_number", info)
        if moment == "ui_tabs":
            with gr.Blocks() as blocks:
                gr.Textbox("x", elem_id="own_box")
            return [(blocks, "Own", "own")]
        if moment == "ui_train_tabs":
            with gr.Tab("Own training"):
                gr.Textbox("x", elem_id="own_training")
    return note

for moment in MOMENTS:
    getattr(script_callbacks, f"on_{moment}")(noting(moment))

class Recorder(scripts.Script):
    def __init__(self):
        told.append(("__init__", [], []))
        def telling(moment):
            return lambda on: told.append((f"by id, {moment}", [type(on).__name__], []))
        self.on_before_component(telling("before"), elem_id="txt2img_steps")
        self.on_after_component(telling("after"), elem_id="txt2img_steps")
    def title(self): return "Recorder"
    def show(self, is_img2img):
        told.append(("show", [type(is_img2img).__name__], []))
        return scripts.AlwaysVisible
    def ui(self, is_img2img):
        told.append(("ui", [type(is_img2img).__name__], []))
        return [gr.Textbox("an argument", label="Argument")]

def recording(name):
    def method(self, *args, **named):
        told.append((name, [type(each).__name__ for each in args], sorted(named)))
    return method

for name in METHODS:
    setattr(Recorder, name, recording(name))

class Chosen(scripts.Script):
    def title(self): return "Chosen"
    def run(self, p, *args):
        told.append(("run", [type(each).__name__ for each in (p, *args)], []))
"""

METHODS = [
    "setup",
    "before_process",
    "process",
    "before_process_batch",
    "after_extra_networks_activate",
    "process_before_every_sampling",
    "process_batch",
    "postprocess_batch",
    "postprocess_batch_list",
    "on_mask_blend",
    "post_sample",
    "postprocess_image",
    "postprocess_maskoverlay",
    "postprocess_image_after_composite",
    "postprocess",
    "before_component",
    "after_component",
    "before_hr",
]

NOT_RECORDED = {"title", "on_before_component", "on_after_component", "describe", "elem_id"}
"""Methods that a script calls itself, or that only answer."""

BATCH = ["batch_number", "prompts", "seeds", "subseeds"]
TXT2IMG, IMG2IMG = "StableDiffusionProcessingTxt2Img", "StableDiffusionProcessingImg2Img"
EVALUATION = ["cfg_denoiser", "cfg_denoised", "cfg_after_cfg"]
PICTURE = ["postprocess_image", "postprocess_image_after_composite"]
SAVING = ("before_image_saved", "image_saved")

Told = tuple[str, list[str], list[str]]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Told]]]:
    """What was recorded, by the part of the walk."""
    source = RECORDER.replace("@MOMENTS@", repr(MOMENTS)).replace("@METHODS@", repr(METHODS))
    there = Stage(tmp_path_factory.mktemp("moments"), {"recorder.py": source}, drawn=False)
    parts: dict[str, list[Told]] = {}
    try:
        told: list[Told] = there.dialect.scripts_data[0].module.told

        def part(name: str) -> None:
            parts[name] = told.copy()
            told.clear()

        app = there.application
        app.registries.page_guests.register("a1111", ScriptsOnPage(there.dialect))
        part("start")

        async def build() -> Any:
            return build_page(app)

        page, _ = asyncio.run(build())
        ids = {each.elem_id for each in page.blocks.values()}
        assert {"own_box", "own_training", "train_tabs"} <= ids
        app.hooks.app_started(PageEvent(page=page, api=fastapi.FastAPI()))
        part("page")
        there.make()
        part("first run")
        there.make(batch_count=2, hires=HiresRequest(scale=2.0))
        part("txt2img")
        source_picture, mask = Image.new("RGB", (64, 64), "teal"), Image.new("L", (64, 64))
        mask.paste(255, (16, 16, 48, 48))
        there.make(
            init_images=(source_picture,),
            inpaint=InpaintRequest(mask=mask),
            denoising_strength=0.8,
            override_settings={"sd_model_checkpoint": "tiny", "img2img_extra_noise": 0.1},
        )
        part("img2img")
        there.make(script="Chosen")
        part("chosen script")
        parameters_of("a cat\nSteps: 3, Seed: 1, Size: 64x64", app)
        part("paste")
        TokenCounter(app).html("a cat", 20, [], negative=False)
        part("count")
        app.settings.change({"own_number": 4})
        part("setting")
        app.shutdown.restart()
        app.close()
        part("end")
        yield parts
    finally:
        there.close()
        shutil.rmtree(there.data, ignore_errors=True)


def names(told: list[Told]) -> list[str]:
    """What was called, without what comes twice in a row."""
    return [name for name, _ in itertools.groupby(each[0] for each in told)]


def sampling(steps: int) -> list[str]:
    return ["process_before_every_sampling", *EVALUATION * steps]


def test_at_the_start_settings_are_asked_for_and_scripts_are_made(walked: dict[str, list[Told]]) -> None:
    assert names(walked["start"]) == [
        "ui_settings", "__init__", "show", "__init__", "show", "list_optimizers", "list_unets",
    ]  # fmt: skip


def test_the_page_tells_of_itself_of_its_components_and_of_its_tabs(walked: dict[str, list[Told]]) -> None:
    seen = names([each for each in walked["page"] if "component" not in each[0]])
    assert seen == ["before_ui", "by id, before", "by id, after", "ui", "ui_train_tabs", "ui_tabs", "app_started"]
    components = [each for each in walked["page"] if each[0] in ("before_component", "after_component")]
    assert {name for name, *_ in components} == {"before_component", "after_component"}
    assert all(len(given) == 1 for _, given, _ in components)
    assert ("by id, before", ["OnComponent"], []) in walked["page"]
    assert next(each for each in walked["page"] if each[0] == "ui_train_tabs")[1] == ["UiTrainTabParams"]


def test_a_run_with_hires_reaches_each_moment_in_the_order_of_the_reference(walked: dict[str, list[Told]]) -> None:
    assert "model_loaded" in names(walked["first run"])
    batch = [
        *("before_process_batch", "after_extra_networks_activate", "process_batch"),
        *sampling(2),
        "before_hr",
        *sampling(2),
        *("post_sample", "postprocess_batch", "postprocess_batch_list"),
        *PICTURE,
    ]
    # Files are written beside the next batch, each after it was told of.
    order = names([each for each in walked["txt2img"] if each[0] not in (*SAVING, "saved for")])
    assert order == ["setup", "before_process", "process", *batch, *batch, "image_grid", "postprocess"]
    saved = [each[0] for each in walked["txt2img"] if each[0] in SAVING]
    assert [saved.count(name) for name in SAVING] == [3, 3]
    assert saved[0] == "before_image_saved"


def test_inpainting_reaches_the_masks_too(walked: dict[str, list[Told]]) -> None:
    order = names(walked["img2img"])
    assert order[:3] == ["setup", "before_process", "process"]
    assert order.index("extra_noise") < order.index("process_before_every_sampling")
    assert order.index("cfg_denoiser") < order.index("on_mask_blend") < order.index("post_sample")
    end = ["postprocess_image", "postprocess_maskoverlay", "postprocess_image_after_composite"]
    assert [each for each in order if each in end] == end


def test_each_is_handed_its_own_parameters(walked: dict[str, list[Told]]) -> None:
    for part, kind in (("txt2img", TXT2IMG), ("img2img", IMG2IMG)):
        given = {name: (arguments, named) for name, arguments, named in walked[part]}
        for name in ("setup", "before_process", "process"):
            assert given[name] == ([kind, "str"], []), name
        for name in ("before_process_batch", "process_batch"):
            assert given[name] == ([kind, "str"], BATCH), name
        assert given["after_extra_networks_activate"] == (
            [kind, "str"],
            ["batch_number", "extra_network_data", *BATCH[1:]],
        )
        assert given["process_before_every_sampling"] == ([kind, "str"], ["c", "noise", "uc", "x"])
        assert given["post_sample"] == ([kind, "PostSampleArgs", "str"], [])
        assert given["postprocess_batch"] == ([kind, "str"], ["batch_number", "images"])
        assert given["postprocess_batch_list"] == ([kind, "PostprocessBatchListArgs", "str"], ["batch_number"])
        assert given["postprocess_image"] == ([kind, "PostprocessImageArgs", "str"], [])
        assert given["postprocess"] == ([kind, "Processed", "str"], [])
        assert given["cfg_denoiser"] == (["CFGDenoiserParams"], [])
        assert given["cfg_denoised"] == (["CFGDenoisedParams"], [])
        assert given["cfg_after_cfg"] == (["AfterCFGCallbackParams"], [])
        assert given["saved for"] == ([kind], [])
        assert given["before_image_saved"] == given["image_saved"] == (["ImageSaveParams"], [])
    given = {name: arguments for name, arguments, _ in walked["img2img"]}
    assert given["on_mask_blend"] == [IMG2IMG, "MaskBlendArgs", "str"]
    assert given["postprocess_maskoverlay"] == [IMG2IMG, "PostProcessMaskOverlayArgs", "str"]
    assert given["postprocess_image_after_composite"] == [IMG2IMG, "PostprocessImageArgs", "str"]
    assert given["extra_noise"] == ["ExtraNoiseParams"]
    given = {name: arguments for name, arguments, _ in walked["txt2img"]}
    assert given["before_hr"] == [TXT2IMG, "str"]
    assert given["image_grid"] == ["ImageGridLoopParams"]


def test_the_rest_is_told_when_it_happens(walked: dict[str, list[Told]]) -> None:
    chosen = names(walked["chosen script"])
    assert chosen.index("setup") < chosen.index("run") < chosen.index("process")
    assert walked["paste"] == [("infotext_pasted", ["str", "dict"], [])]
    assert walked["count"] == [("before_token_counter", ["BeforeTokenCounterParams"], [])]
    assert walked["setting"] == [("onchange", [], [])]
    assert names(walked["end"]) == ["before_reload", "script_unloaded"]


EASELS_OWN = {"concerns"}
"""What a script of A1111 does not have: whether it concerns a request at all."""


def test_nothing_of_the_reference_is_left_out(walked: dict[str, list[Told]]) -> None:
    seen = {name for told in walked.values() for name, *_ in told}
    methods = {name for name in vars(Script) if callable(vars(Script)[name])} - NOT_RECORDED - EASELS_OWN
    assert (methods | set(MOMENTS)) - seen == set()
    recorded = json.loads((Path(__file__).parent / "recorded" / "names.json").read_text(encoding="utf-8"))
    assert {name.removeprefix("on_") for name in recorded["callbacks"]} == set(MOMENTS)
    assert set(recorded["methods"]) == methods | NOT_RECORDED
