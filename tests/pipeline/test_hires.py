"""Hires fix and the refiner, on tiny checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from modules.foundation.errors import RequestError, UnknownName
from modules.generation.request import GenerationRequest, HiresRequest
from modules.generation.result import FinishedImage
from modules.hooks.events import RunEvent
from modules.infotext.parse import parse
from modules.pipeline.plan_hires_refiner import sizes_asked
from modules.sampling.latent_upscale import LATENT_UPSCALERS, crop_latents, upscale_latents
from modules.settings.model import Settings
from tests.parity import make_tiny
from tests.pipeline.conftest import Studio
from tests.tiny_models import make_tiny_checkpoint


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("hires"))
    checkpoints = studio.data / "models" / "Stable-diffusion"
    make_tiny.write(str(checkpoints / "second.safetensors"), make_tiny.sd1(102))
    make_tiny_checkpoint(checkpoints / "large.safetensors", "sdxl")
    studio.application.settings.change({"live_previews_enable": False}, save=False)
    yield studio
    studio.application.close()


def _hires(studio: Studio, **changes: Any) -> FinishedImage:
    asked = {key: changes.pop(key) for key in [*changes] if key in HiresRequest.__dataclass_fields__ and key != "steps"}
    asked["steps"] = changes.pop("hires_steps", 0)
    changes = {"denoising_strength": 0.5, "save_images": False, **changes}
    return studio.make(hires=HiresRequest(**asked), **changes).samples[0]


def _pixels(image: FinishedImage) -> np.ndarray:
    return np.asarray(image.image, dtype=np.int32)


@pytest.mark.parametrize("upscaler", [*LATENT_UPSCALERS, "None", "Lanczos", "Nearest"])
def test_every_upscaler_leads_to_a_picture_of_the_second_size(studio: Studio, upscaler: str) -> None:
    image = _hires(studio, upscaler=upscaler, scale=1.5, steps=1, hires_steps=1)
    assert image.image.size == (96, 96)
    assert parse(image.infotext).fields["Hires upscaler"] == upscaler


@pytest.mark.parametrize(
    ("sampler", "scheduler", "written"),
    [
        ("Heun Karras", None, "Karras"),
        ("Heun Karras", "Use same scheduler", "Karras"),
        ("Heun Karras", "Exponential", "Exponential"),
        ("Heun Karras", "Automatic", None),
        ("Heun", None, None),
    ],
)
def test_an_explicit_schedule_of_the_second_pass_goes_before_one_in_the_name_of_its_sampler(
    studio: Studio, sampler: str, scheduler: str | None, written: str | None
) -> None:
    image = _hires(studio, scale=1.5, hires_steps=1, steps=1, sampler=sampler, scheduler=scheduler, upscaler="Latent")
    fields = parse(image.infotext).fields
    assert fields["Hires sampler"] == "Heun"
    assert fields.get("Hires schedule type") == written


def test_only_what_differs_from_the_first_pass_is_written_down(studio: Studio) -> None:
    image = _hires(
        studio,
        scale=1.5,
        hires_steps=1,
        sampler="DDIM",
        cfg_scale=3.0,
        checkpoint="second",
        prompt="a dog, big",
        negative_prompt="ugly",
        upscaler="Latent (nearest)",
    )
    fields = parse(image.infotext).fields
    assert fields["Size"] == "64x64"
    assert fields["Denoising strength"] == "0.5"
    assert fields["Hires checkpoint"].startswith("second [")
    assert list(fields)[list(fields).index("Hires checkpoint") : list(fields).index("Version")] == [
        "Hires checkpoint",
        "Hires sampler",
        "Hires prompt",
        "Hires negative prompt",
        "Hires CFG Scale",
        "Hires upscale",
        "Hires steps",
        "Hires upscaler",
    ]
    plain = parse(_hires(studio, scale=1.5, steps=1, sampler="Euler", prompt="a cat").infotext).fields
    assert [label for label in plain if label.startswith("Hires")] == ["Hires upscale"]


def test_a_schedule_of_its_own_is_written_for_the_second_pass_only(studio: Studio) -> None:
    fields = parse(_hires(studio, scale=1.5, scheduler="Karras", hires_steps=2).infotext).fields
    assert (fields["Schedule type"], fields["Hires schedule type"]) == ("Automatic", "Karras")


def test_each_picture_of_a_batch_comes_out_as_it_does_alone(studio: Studio) -> None:
    request = HiresRequest(scale=1.5, upscaler="Lanczos", steps=2)
    batch = studio.make(hires=request, denoising_strength=0.5, seed=10, batch_size=2, save_images=False)
    alone = studio.make(hires=request, denoising_strength=0.5, seed=11, save_images=False)
    assert np.abs(_pixels(batch.samples[1]) - _pixels(alone.samples[0])).max() <= 1


def test_without_denoising_the_second_pass_only_enlarges(studio: Studio) -> None:
    first = studio.make(save_images=False).samples[0]
    larger = _hires(studio, scale=2, upscaler="Nearest", denoising_strength=0.0)
    small = _pixels(larger).reshape(64, 2, 64, 2, 3).mean((1, 3))
    # What a VAE of random weights makes of its own pictures is no copy, but it is the same picture every time.
    again = _hires(studio, scale=2, upscaler="Nearest", denoising_strength=0.0, hires_steps=7)
    assert np.array_equal(_pixels(larger), _pixels(again))
    assert small.shape == _pixels(first).shape


def test_a_finished_picture_takes_the_place_of_the_first_pass(studio: Studio) -> None:
    first = studio.make(save_images=False).samples[0]
    whole = _hires(studio, scale=1.5, upscaler="Lanczos", hires_steps=2)
    from_picture = _hires(studio, scale=1.5, upscaler="Lanczos", hires_steps=2, first_picture=first.image)
    assert np.array_equal(_pixels(whole), _pixels(from_picture))
    assert whole.infotext == from_picture.infotext


def test_the_picture_before_the_second_pass_is_saved_when_asked(studio: Studio) -> None:
    studio.make(
        hires=HiresRequest(scale=1.5, steps=1),
        denoising_strength=0.5,
        seed=4242,
        override_settings={"save_images_before_highres_fix": True},
    )
    names = sorted(path.name for path in studio.data.rglob("*-4242*.png"))
    assert [name.split("-", 1)[1] for name in names] == ["4242-before-highres-fix.png", "4242.png"]


def test_stages_are_told_apart_in_hooks_and_progress_counts_both_passes(studio: Studio) -> None:
    stages: list[tuple[str, int]] = []
    hooks = studio.application.hooks

    def note(latents: Any, event: RunEvent) -> Any:
        stages.append((event.stage, latents.samples.shape[-1]))
        return latents

    detach = hooks.start_latents.attach("test", note)
    try:
        job = studio.submit(hires=HiresRequest(scale=1.5, steps=3), denoising_strength=0.5, save_images=False)
        job.wait(120)
    finally:
        detach()
    assert stages == [("first pass", 8), ("second pass", 12)]
    assert (job.control.snapshot().step, job.control.snapshot().steps) == (5, 5)


def test_the_refiner_takes_over_where_it_is_told_to(studio: Studio) -> None:
    def make(**changes: Any) -> FinishedImage:
        return studio.make(steps=4, save_images=False, **changes).samples[0]

    alone = make()
    late = make(refiner_checkpoint="second", refiner_switch_at=1.0)
    half = make(refiner_checkpoint="second", refiner_switch_at=0.5)
    assert np.array_equal(_pixels(alone), _pixels(late))
    assert "Refiner" not in late.infotext
    assert not np.array_equal(_pixels(alone), _pixels(half))
    assert parse(half.infotext).fields["Refiner"].startswith("second [")
    by_steps = make(
        refiner_checkpoint="second",
        refiner_switch_at=0.5,
        override_settings={"refiner_switch_by_sample_steps": True},
    )
    assert "Refiner switch by sampling steps: True" in by_steps.infotext
    assert np.array_equal(_pixels(make()), _pixels(alone))


def test_the_refiner_works_in_the_pass_that_the_setting_names(studio: Studio) -> None:
    def make(where: str) -> str:
        return _hires(
            studio,
            scale=1.5,
            refiner_checkpoint="second",
            refiner_switch_at=0.0,
            override_settings={"hires_fix_refiner_pass": where},
            steps=1,
        ).infotext

    assert "Hires refiner" not in make("second pass")
    assert "Hires refiner: first pass, Refiner: second [" in make("first pass")


def test_latents_do_not_go_to_a_model_that_reads_them_otherwise(studio: Studio) -> None:
    with pytest.raises(RequestError, match="cannot refine"):
        studio.make(refiner_checkpoint="large", refiner_switch_at=0.5, save_images=False)
    with pytest.raises(RequestError, match="cannot be upscaled"):
        _hires(studio, scale=1.5, checkpoint="large", upscaler="Latent")
    assert _hires(studio, scale=1.5, checkpoint="large", upscaler="None", steps=1).image.size == (96, 96)


def test_twice_the_size_keeps_the_layout_with_the_starter_model(studio: Studio) -> None:
    starter = {"sd_model_checkpoint": "easel-starter"}
    asked: dict[str, Any] = {
        "prompt": "a red circle on a blue background",
        "width": 128,
        "height": 128,
        "steps": 12,
        "sampler": "DPM++ 2M",
        "save_images": False,
        "override_settings": starter,
    }
    first = _pixels(studio.make(**asked).samples[0])
    larger = studio.make(hires=HiresRequest(upscaler="Lanczos"), denoising_strength=0.3, **asked).samples[0].image
    assert larger.size == (256, 256)
    small = np.asarray(larger.resize((128, 128), Image.Resampling.BOX), dtype=np.int32)
    assert _similarity(first.mean(-1), small.mean(-1)) > 0.8


def _similarity(a: np.ndarray, b: np.ndarray, window: int = 8) -> float:
    """Structural similarity over windows: Wang et al. 2004, "Image Quality Assessment"."""

    def windows(image: np.ndarray) -> np.ndarray:
        rows, columns = image.shape[0] // window, image.shape[1] // window
        return image.reshape(rows, window, columns, window).swapaxes(1, 2).reshape(rows * columns, -1)

    a, b = windows(a), windows(b)
    one, two = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    means = a.mean(1), b.mean(1)
    together = ((a - means[0][:, None]) * (b - means[1][:, None])).mean(1)
    luminance = (2 * means[0] * means[1] + one) / (means[0] ** 2 + means[1] ** 2 + one)
    return float((luminance * (2 * together + two) / (a.var(1) + b.var(1) + two)).mean())


def test_old_sizes_mean_the_second_pass_when_the_setting_says_so() -> None:
    asked = GenerationRequest(width=1920, height=1080, hires=HiresRequest())
    assert sizes_asked(asked, Settings()) is asked
    sized = sizes_asked(asked, Settings(use_old_hires_fix_width_height=True))
    assert (sized.width, sized.height) == (704, 384)
    assert sized.hires is not None
    assert (sized.hires.resize_width, sized.hires.resize_height) == (1920, 1080)


def test_an_unknown_upscaler_is_named_with_its_neighbours(studio: Studio) -> None:
    with pytest.raises(UnknownName, match="Lanczos"):
        _hires(studio, upscaler="Lanczosh")


def test_latents_are_interpolated_and_cropped_from_both_sides() -> None:
    latents = torch.arange(16.0).reshape(1, 1, 4, 4)
    larger = upscale_latents(latents, 8, 8, LATENT_UPSCALERS["Latent (nearest)"])
    assert torch.equal(larger[0, 0, ::2, ::2], latents[0, 0])
    assert torch.equal(crop_latents(latents, 1, 2), latents[..., 1:3, :3])
