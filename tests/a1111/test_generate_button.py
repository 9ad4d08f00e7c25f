"""The Generate button as extensions look for it, and its function, which they call with values that they kept."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest
from gradio.context import Context

from modules import img2img, txt2img
from modules.a1111.attachments.program import old_demo
from modules.a1111.gradio3.classes import old_class
from tests.a1111.conftest import Stage
from tests.a1111.test_page import ALWAYS, drawn


def event_of(demo: Any, elem_id: str) -> Any:
    """Of the events of a button of this id, the one with four outputs."""
    button = next(each for each in demo.blocks.values() if each.elem_id == elem_id)
    events = [each for each in demo.dependencies if each["trigger"] == "click" and button._id in each["targets"]]
    return next(each for each in events if len(each["outputs"]) == 4)


def test_an_extension_sends_what_generate_sends_and_makes_the_pictures_later(stage: Callable[..., Stage]) -> None:
    there = stage(always=ALWAYS)
    page, _, _ = drawn(there)
    demo: Any = old_demo(page)
    event = event_of(demo, "txt2img_generate")
    function = next(each for each in demo.fns if [one._id for one in each.inputs] == event["inputs"])
    create: Any = txt2img.txt2img_create_processing
    names = inspect.getfullargspec(create).args
    assert names[:5] == ["id_task", "request", "prompt", "negative_prompt", "prompt_styles"]
    assert {"n_iter", "enable_hr", "override_settings_texts", "sampler_name", "steps", "seed"} <= set(names)

    values = dict(zip(names[2:], [each.value for each in function.inputs[1:]], strict=False))
    scripts = [each.value for each in function.inputs[len(names) - 1 :]]
    changed = {"prompt": "a kept cat", "width": 64, "height": 64, "steps": 2, "seed": 5, "sampler_name": "Euler"}
    kept = json.loads(json.dumps({**values, **changed, "override_settings_texts": ["Clip skip: 2"]}))
    p = create("task(a)", None, *kept.values(), *scripts)
    assert (p.prompt, p.width, p.steps, p.seed) == ("a kept cat", 64, 2, 5)

    images, info, _, _ = txt2img.txt2img("task(kept)", None, *kept.values(), *scripts)
    assert [each.size for each in images] == [(64, 64)]
    text = json.loads(info)["infotexts"][0]
    assert text.startswith("a kept cat")
    assert "Seed: 5" in text
    assert "Clip skip: 2" in text
    assert there.application.queue.find("task(kept)") is not None


def test_img2img_has_its_mode_first_and_its_canvases_after_what_can_be_written_down(
    stage: Callable[..., Stage],
) -> None:
    page, _, _ = drawn(stage(none="from modules import scripts\n"))
    demo: Any = old_demo(page)
    event = event_of(demo, "img2img_generate")
    names = inspect.getfullargspec(img2img.img2img_create_processing).args
    assert names[:4] == ["id_task", "request", "mode", "prompt"]
    inputs = [page.blocks[each] for each in event["inputs"]]
    json.dumps([each.value for each in inputs[1 : len(names) - 1]])
    assert "img2img_image" in [each.elem_id for each in inputs[len(names) - 1 :]]


def test_events_are_tied_to_a_page_that_is_drawn_already(stage: Callable[..., Stage]) -> None:
    page, _, _ = drawn(stage(none="from modules import scripts\n"))
    demo: Any = old_demo(page)
    assert isinstance(demo, gr.Blocks)
    assert isinstance(demo, old_class(gr.Blocks))
    button = next(each for each in page.blocks.values() if each.elem_id == "txt2img_generate")
    page.describe()
    count = len(page.fns)
    with demo:
        button.click(fn=None, inputs=None, outputs=None, js="() => {}")
    assert (len(page.fns), Context.root_block) == (count + 1, None)
    assert len(page.config["dependencies"]) == count + 1


def test_without_a_page_it_is_said_what_is_missing(stage: Callable[..., Stage]) -> None:
    stage(none="from modules import scripts\n")
    with pytest.raises(RuntimeError, match="no page, so txt2img has no Generate button"):
        txt2img.txt2img("task(a)", None)
    with pytest.raises(AttributeError, match="no 'other'"):
        _ = txt2img.other
