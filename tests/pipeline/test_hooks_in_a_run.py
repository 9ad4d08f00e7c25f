"""Every point within a run is reached, in the order in which it is declared, with live values that may be changed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from modules.generation.batch import BatchPlan
from modules.generation.inpaint import InpaintRequest
from modules.generation.plan import Plan
from modules.generation.request import HiresRequest
from modules.hooks.events import (
    BlendEvent,
    EvaluationEvent,
    GridLayout,
    MaskOverlay,
    PictureEvent,
    PictureToSave,
    RunEvent,
    StartEvent,
    StepEvent,
)
from modules.hooks.point import Around, Collect, Observe, Transform
from modules.infotext.picture_metadata import read_picture_metadata
from modules.sampling.guidance_hooks import GuidanceInput, GuidanceOutput
from tests.pipeline.conftest import Studio

OWNER = "test"


@pytest.fixture
def attached(studio: Studio) -> Iterator[Any]:
    """The hooks of the application, which nothing of the test is attached to afterwards."""
    hooks = studio.application.hooks
    yield hooks
    hooks.detach_owner(OWNER)
    for point in hooks.all():
        assert not point.failures
        point.failures.clear()


def _pixels(studio: Studio, index: int = 0, **asked: object) -> np.ndarray:
    image = studio.make(save_images=False, **asked).samples[index].image
    return np.asarray(image, dtype=np.int32)


def test_a_run_reaches_every_point_in_the_order_in_which_they_are_declared(studio: Studio, attached: Any) -> None:
    reached: dict[str, None] = {}

    def watch(point: Any) -> None:
        def transform(value: object, event: object) -> object:
            reached.setdefault(point.name)
            return value

        def observe(event: object) -> None:
            reached.setdefault(point.name)

        def collect(event: object) -> list[object]:
            reached.setdefault(point.name)
            return []

        def around(event: object) -> contextlib.AbstractContextManager[None]:
            reached.setdefault(point.name)
            return contextlib.nullcontext()

        functions = {Transform: transform, Observe: observe, Collect: collect, Around: around}
        point.attach(OWNER, functions[type(point)], order=-1000)

    for point in attached.all():
        watch(point)
    source = Image.new("RGB", (64, 64), "red")
    mask = Image.new("L", (64, 64))
    mask.paste(255, (16, 16, 48, 48))
    studio.application.engine.unload()
    studio.make(
        batch_size=2,
        init_images=[source],
        denoising_strength=0.7,
        inpaint=InpaintRequest(mask=mask),
        override_settings={"img2img_extra_noise": 0.1},
        steps=4,
    )
    order = [point.name for point in attached.all()]
    missing = {"page_built", "app_started", "infotext_pasted", "prompt_counted", "ending"}
    missing |= {"second_sampling", "second_pass", "around_pass"}  # a picture has one pass
    # The model is read within the run, in which that is not a stage.
    reached.pop("model_loaded")
    assert list(reached) == [name for name in order if name not in missing | {"model_loaded"}]
    studio.make(hires=HiresRequest(scale=1.5, upscaler="Latent"), denoising_strength=0.6)
    assert reached.keys() >= {"second_pass", "around_pass"}


def test_prompts_and_seeds_of_a_batch_may_change_before_it_begins(studio: Studio, attached: Any) -> None:
    def other(batch: BatchPlan, event: RunEvent) -> BatchPlan:
        if event.batch == 0:
            return batch
        return dataclasses.replace(batch, prompts=("a dog",), seeds=(99,), width=72)

    expected = _pixels(studio, prompt="a dog", seed=99, width=72)
    attached.batch.attach(OWNER, other)
    result = studio.make(batch_count=2)
    second = result.samples[1]
    assert (second.prompt, second.seed, second.image.size) == ("a dog", 99, (72, 64))
    assert second.path is not None
    assert second.path.stem.endswith("-99")
    assert np.array_equal(np.asarray(second.image, dtype=np.int32), expected)
    assert result.info["all_seeds"] == [1, 99]
    assert result.info["all_prompts"] == ["a cat", "a dog"]


def test_a_batch_cannot_get_another_number_of_pictures(studio: Studio, attached: Any) -> None:
    attached.batch_begins.attach(OWNER, lambda batch, event: dataclasses.replace(batch, seeds=(1, 2)))
    with pytest.raises(Exception, match="Batch 1 has 1 pictures, but 2 seeds"):
        studio.make()


def test_the_noise_level_that_the_network_is_told_may_change(studio: Studio, attached: Any) -> None:
    former = _pixels(studio)
    calls: list[tuple[int, int, bool]] = []

    def louder(given: GuidanceInput, event: RunEvent) -> GuidanceInput:
        assert event.plan is not None
        calls.append((given.call, given.total_calls, given.uncond is not None))
        return dataclasses.replace(given, level=given.level * 0.8)

    attached.guidance_input.attach(OWNER, louder)
    assert not np.array_equal(_pixels(studio), former)
    assert calls == [(0, 2, True), (1, 2, True)]


def test_estimates_may_be_written_to_before_they_are_combined(studio: Studio, attached: Any) -> None:
    former = _pixels(studio, cfg_scale=3.0)

    def swapped(output: GuidanceOutput, event: RunEvent) -> GuidanceOutput:
        cond = output.cond.clone()
        output.cond.copy_(output.uncond)
        output.uncond.copy_(cond)
        return output

    detach = attached.guidance_output.attach(OWNER, swapped)
    changed = _pixels(studio, cfg_scale=3.0)
    detach()
    assert not np.array_equal(changed, former)
    # uncond + s (cond - uncond) with both swapped is the combination at 1 - s.
    attached.combination.attach(OWNER, _combined_at(-2.0))
    assert np.abs(_pixels(studio, cfg_scale=3.0) - changed).max() <= 1


def _combined_at(scale: float) -> Any:
    def combined(guided: Tensor, event: EvaluationEvent) -> Tensor:
        output = event.output
        assert torch.allclose(guided, output.uncond + event.scale * (output.cond - output.uncond), atol=1e-4)
        return output.uncond + scale * (output.cond - output.uncond)

    return combined


def test_the_guided_estimate_may_be_replaced_or_written_to(studio: Studio, attached: Any) -> None:
    former = _pixels(studio)
    detach = attached.guided.attach(OWNER, lambda guided, event: guided * 0.5)
    halved = _pixels(studio)
    detach()
    attached.guided.attach(OWNER, lambda guided, event: guided.mul_(0.5))
    assert not np.array_equal(halved, former)
    assert np.array_equal(_pixels(studio), halved)


@pytest.mark.parametrize(
    ("sampler", "counts"), [("Euler", False), ("DPM++ 2M", True), ("Euler a", True), ("Heun", False)]
)
def test_what_is_written_to_a_steps_latents_counts_and_to_its_estimate_where_the_sampler_still_needs_it(
    studio: Studio, attached: Any, sampler: str, counts: bool
) -> None:
    former = _pixels(studio, sampler=sampler)

    def on(name: str) -> Any:
        def write(event: StepEvent) -> None:
            assert event.step.sigma > 0
            if event.step.index == 0:
                getattr(event.step, name).mul_(0.5)

        return write

    detach = attached.step.attach(OWNER, on("x"))
    assert not np.array_equal(_pixels(studio, sampler=sampler), former)
    detach()
    attached.step.attach(OWNER, on("denoised"))
    assert np.array_equal(_pixels(studio, sampler=sampler), former) is not counts


def test_attention_processors_are_changed_for_a_pass_and_put_back(studio: Studio, attached: Any) -> None:
    former = _pixels(studio)
    model = studio.application.engine.model
    assert model is not None
    before = dict(model.checkpoint.unet.attn_processors)

    class Louder:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __call__(self, attn: Any, hidden_states: Tensor, *rest: Any, **more: Any) -> Tensor:
            return self.inner(attn, hidden_states, *rest, **more) * 3

    def louder(processors: dict[str, Any], event: RunEvent) -> dict[str, Any]:
        return {path: Louder(inner) if "attn2" in path else inner for path, inner in processors.items()}

    detach = attached.attention.attach(OWNER, louder)
    assert not np.array_equal(_pixels(studio), former)
    detach()
    assert dict(model.checkpoint.unet.attn_processors) == before
    assert np.array_equal(_pixels(studio), former)


def test_the_plan_of_the_second_pass_may_change_and_each_batch_begins_with_the_decided_one(
    studio: Studio, attached: Any
) -> None:
    seen: list[str] = []

    def other(plan: Plan, event: RunEvent) -> Plan:
        assert event.stage == "second pass"
        seen.append(plan.prompts[event.batch])
        return dataclasses.replace(plan, prompts=tuple(f"{prompt}, sharp" for prompt in plan.prompts))

    attached.second_pass.attach(OWNER, other)
    result = studio.make(batch_count=2, hires=HiresRequest(scale=1.5, upscaler="Latent"), denoising_strength=0.6)
    assert seen == ["a cat", "a cat"]
    assert all('Hires prompt: "a cat, sharp"' in image.infotext for image in result.samples)


def test_pixels_and_the_list_of_pictures_may_change(studio: Studio, attached: Any) -> None:
    former = _pixels(studio)

    def inverted(pixels: Tensor, event: RunEvent) -> Tensor:
        assert pixels.shape == (1, 3, 64, 64)
        assert 0 <= float(pixels.min()) <= float(pixels.max()) <= 1
        return pixels.mul_(-1).add_(1)

    attached.decoded.attach(OWNER, inverted)
    assert np.abs((255 - _pixels(studio)) - former).max() <= 1
    attached.pictures.attach(OWNER, lambda pictures, event: [*pictures, ImageOps.mirror(pictures[0])])
    one, other = studio.make(save_images=False).samples
    assert np.array_equal(np.asarray(ImageOps.mirror(one.image)), np.asarray(other.image))
    assert one.infotext == other.infotext


def test_what_inpainting_lays_over_a_picture_may_change(studio: Studio, attached: Any) -> None:
    green = Image.new("RGBA", (64, 64), (0, 255, 0, 255))
    blended: list[float | None] = []

    def covered(over: MaskOverlay, event: PictureEvent) -> MaskOverlay:
        assert over.overlay.mode == "RGBA"
        return dataclasses.replace(over, overlay=green)

    def watch(latent: Tensor, event: BlendEvent) -> Tensor:
        blended.append(event.level)
        assert event.latent.shape == latent.shape
        return latent

    attached.mask_overlay.attach(OWNER, covered)
    attached.mask_blend.attach(OWNER, watch)
    attached.composed.attach(OWNER, lambda picture, event: ImageOps.invert(picture))
    mask = Image.new("L", (64, 64))
    mask.paste(255, (16, 16, 48, 48))
    image = studio.make(
        init_images=[Image.new("RGB", (64, 64), "red")],
        denoising_strength=0.7,
        inpaint=InpaintRequest(mask=mask),
        save_images=False,
    ).samples[0]
    assert np.asarray(image.image).reshape(-1, 3).tolist() == [[255, 0, 255]] * 4096
    assert blended[-1] is None
    assert all(level is not None for level in blended[:-1])


def test_a_picture_its_text_and_its_name_may_change_on_the_way_to_the_file(studio: Studio, attached: Any) -> None:
    def other(going: PictureToSave, event: RunEvent) -> PictureToSave:
        options = dataclasses.replace(going.options, filename_pattern="changed-[seed]")
        return dataclasses.replace(
            going,
            image=ImageOps.invert(going.image),
            infotext=going.infotext + ", Hooked: yes",
            chunks={"extra": "more"},
            options=options,
        )

    detach = attached.before_save.attach(OWNER, other)
    image = studio.make(seed=5).samples[0]
    detach()
    assert image.path is not None
    assert image.path.stem.endswith("changed-5")
    assert read_picture_metadata(image.path).infotext == f"{image.infotext}, Hooked: yes"
    with Image.open(image.path) as saved:
        assert saved.info["extra"] == "more"
        assert np.array_equal(np.asarray(ImageOps.invert(saved)), np.asarray(image.image))


def test_saving_may_be_refused_and_the_picture_is_still_in_the_result(studio: Studio, attached: Any) -> None:
    attached.before_save.attach(OWNER, lambda going, event: dataclasses.replace(going, wanted=going.kind == "grid"))
    result = studio.make(batch_size=2)
    assert [(image.kind, image.path is not None, image.error) for image in result.images] == [
        ("grid", True, None),
        ("sample", False, None),
        ("sample", False, None),
    ]


def test_the_grid_may_get_another_shape(studio: Studio, attached: Any) -> None:
    def row(layout: GridLayout, event: RunEvent) -> GridLayout:
        return dataclasses.replace(layout, rows=1, columns=len(layout.images))

    attached.grid.attach(OWNER, row)
    assert studio.make(batch_size=4, save_images=False).images[0].image.size == (256, 64)


def test_the_start_is_told_with_its_noise_and_conditioning(studio: Studio, attached: Any) -> None:
    def check(latents: Any, event: StartEvent) -> Any:
        scale = (latents.samples / event.noise).flatten()
        assert torch.allclose(scale, scale[0], rtol=1e-3)
        assert len(event.conditioning.positive) == 1
        return latents

    attached.start_latents.attach(OWNER, check)
    studio.make(save_images=False)
