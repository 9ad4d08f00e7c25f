from __future__ import annotations

import dataclasses
import gc
import threading
from pathlib import Path
from typing import Any, cast

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from modules.application.application import Application
from modules.application.jobs.job import JobState
from modules.foundation.errors import CheckpointError, EaselError, SettingsError, UnknownName
from modules.generation.latents import Latents
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage
from modules.hooks.events import RunEvent, StepEvent
from modules.infotext.parse import parse
from modules.infotext.picture_metadata import read_picture_metadata
from modules.pipeline.model import LoadedModel
from modules.settings.flags import parse_flags
from modules.settings.paths import Paths
from tests.pipeline.conftest import Studio
from tests.tiny_models import make_tiny_sd1


def _pixels(image: FinishedImage) -> np.ndarray:
    return np.asarray(image.image, dtype=np.int32)


def test_a_picture_is_saved_with_the_text_that_makes_it_again(studio: Studio) -> None:
    image = studio.make(prompt="a (red:1.2) cat", negative_prompt="ugly, flat", seed=77, steps=3).samples[0]
    assert image.path is not None
    assert image.path.parent.parent == studio.data / "outputs" / "txt2img-images"
    assert image.path.name.endswith("-77.png")
    carried = read_picture_metadata(image.path)
    assert carried.infotext == image.infotext
    assert carried.infotext is not None
    restored = parse(carried.infotext)
    again = studio.make(
        prompt=restored.prompt,
        negative_prompt=restored.negative_prompt,
        seed=int(restored.fields["Seed"]),
        steps=int(restored.fields["Steps"]),
        sampler=restored.fields["Sampler"],
        cfg_scale=float(restored.fields["CFG scale"]),
    ).samples[0]
    assert np.array_equal(_pixels(again), _pixels(image))


def test_numbers_of_files_go_up_and_no_file_is_left_half_written(studio: Studio) -> None:
    paths = [studio.make(seed=seed).samples[0].path for seed in (5, 6)]
    first, second = (int(path.name.split("-")[0]) for path in paths if path)
    assert second == first + 1
    assert not list(studio.data.rglob("*.part"))


def test_picture_i_of_a_batch_is_the_picture_of_seed_plus_i_alone(studio: Studio) -> None:
    batch = studio.make(seed=10, batch_size=3, batch_count=2, save_images=False)
    assert [image.seed for image in batch.samples] == [10, 11, 12, 13, 14, 15]
    for index in (0, 2, 4):
        alone = studio.make(seed=10 + index, save_images=False).samples[0]
        assert np.abs(_pixels(alone) - _pixels(batch.samples[index])).max() <= 1


def test_several_pictures_come_with_a_grid_first_which_lies_in_its_own_folder(studio: Studio) -> None:
    result = studio.make(batch_size=2, batch_count=2)
    assert [image.kind for image in result.images] == ["grid", "sample", "sample", "sample", "sample"]
    assert result.images[0].image.size == (128, 128)
    assert result.images[0].path is not None
    assert "txt2img-grids" in result.images[0].path.parts
    assert result.info["index_of_first_image"] == 1
    assert len(result.info["infotexts"]) == 5


def test_a_seed_of_minus_one_chooses_one_and_says_which(studio: Studio) -> None:
    one, other = (studio.make(seed=-1, save_images=False).samples[0] for _ in range(2))
    assert one.seed != other.seed
    assert f"Seed: {one.seed}" in one.infotext


def test_override_settings_hold_for_their_own_request_alone(studio: Studio) -> None:
    plain = studio.make(save_images=False).samples[0]
    other = studio.make(save_images=False, override_settings={"CLIP_stop_at_last_layers": 2}).samples[0]
    again = studio.make(save_images=False).samples[0]
    assert "Clip skip: 2" in other.infotext
    assert not np.array_equal(_pixels(other), _pixels(plain))
    assert np.array_equal(_pixels(again), _pixels(plain))
    assert studio.application.settings.current.CLIP_stop_at_last_layers == 1


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"sampler": "Euler b"}, UnknownName, "Did you mean 'Euler a'"),
        ({"scheduler": "Karas"}, UnknownName, "Karras"),
        ({"override_settings": {"sd_model_checkpoint": "tinny"}}, UnknownName, "tiny.safetensors"),
        ({"override_settings": {"CLIP_stop_at_last_layers": 99}}, SettingsError, "CLIP_stop_at_last_layers"),
    ],
)
def test_what_cannot_be_made_is_refused_with_what_to_do(
    studio: Studio, changes: dict[str, object], error: type[EaselError], words: str
) -> None:
    job = studio.submit(**changes)
    with pytest.raises(error, match=words):
        job.wait(60)
    assert job.state is JobState.FAILED


def test_a_size_that_no_model_can_make_is_adapted_and_said(studio: Studio) -> None:
    result = studio.make(width=70, height=61, save_images=False)
    assert result.samples[0].image.size == (64, 56)
    assert "64x56" in result.warnings[0]
    assert "Size: 64x56" in result.samples[0].infotext


def test_an_unknown_style_is_left_out_and_said(studio: Studio) -> None:
    result = studio.make(styles=("does not exist",), save_images=False)
    assert "'does not exist'" in result.warnings[0]
    assert len(result.samples) == 1


def test_a_failed_save_keeps_the_picture_and_says_why(studio: Studio) -> None:
    blocked = studio.data / "blocked"
    blocked.write_text("a file where a folder should be")
    result = studio.make(override_settings={"outdir_txt2img_samples": str(blocked / "images")})
    image = result.samples[0]
    assert image.path is None
    assert image.image.size == (64, 64)
    assert image.error is not None
    assert "could not be saved" in image.error
    assert image.error in result.warnings


def test_a_checkpoint_that_fails_to_load_leaves_the_loaded_one_working(studio: Studio) -> None:
    before = studio.make(save_images=False).samples[0]
    loaded = studio.application.engine.model
    broken = studio.data / "models" / "Stable-diffusion" / "broken.safetensors"
    broken.write_bytes(b"this is no model at all, although somebody named it so")
    with pytest.raises(CheckpointError, match=r"broken\.safetensors is not a usable model file"):
        studio.make(override_settings={"sd_model_checkpoint": "broken"})
    after = studio.make(save_images=False)
    assert np.array_equal(_pixels(after.samples[0]), _pixels(before))
    assert studio.application.engine.model is loaded


def test_an_interrupt_takes_effect_within_a_step_and_saves_nothing_unfinished(studio: Studio) -> None:
    reached = threading.Event()
    go_on = threading.Event()

    def pause(event: StepEvent) -> None:
        if event.step.index == 3:
            reached.set()
            go_on.wait(30)

    detach = studio.application.hooks.step.attach("test", pause)
    try:
        job = studio.submit(steps=50, seed=4242, batch_count=3)
        assert reached.wait(60)
        job.interrupt()
        go_on.set()
        result = job.wait(60)
    finally:
        detach()
    assert job.state is JobState.INTERRUPTED
    assert result.interrupted
    assert job.progress.step <= 5
    assert len(result.samples) == 1
    assert result.samples[0].path is None
    assert not list(studio.data.rglob("*-4242.png"))


def test_a_skip_leaves_the_batch_and_makes_the_others(studio: Studio) -> None:
    def skip_first(event: StepEvent) -> None:
        if event.run.batch == 0 and event.step.index == 1:
            job.skip()

    detach = studio.application.hooks.step.attach("test", skip_first)
    try:
        job = studio.submit(steps=6, seed=900, batch_count=2)
        result = job.wait(60)
    finally:
        detach()
    assert [image.path is not None for image in result.samples] == [False, True]
    assert result.samples[1].path is not None
    assert result.samples[1].path.name.endswith("-901.png")


def test_hooks_are_reached_in_the_order_in_which_they_are_declared(studio: Studio) -> None:
    hooks, reached = studio.application.hooks, list[str]()

    def passing(name: str):
        def attached(first: object, _event: RunEvent | None = None) -> object:
            reached.append(name)
            return first

        return attached

    names = [
        "request",
        "plan",
        "conditioning",
        "start_latents",
        "step",
        "sampled_latents",
        "picture",
        "infotext_fields",
    ]
    detaches = [getattr(hooks, name).attach("test", passing(name)) for name in [*names, "saved", "result"]]
    try:
        studio.make(steps=1)
    finally:
        for detach in detaches:
            detach()
    assert reached == [*names, "saved", "result"]


def test_a_hook_can_change_the_picture_and_its_text(studio: Studio) -> None:
    hooks = studio.application.hooks
    detaches = [
        hooks.picture.attach("test", lambda image, _: Image.new("RGB", image.size, "red")),
        hooks.infotext_fields.attach("test", lambda fields, _: {**fields, "My field": "a: b"}),
    ]
    try:
        image = studio.make(save_images=False).samples[0]
    finally:
        for detach in detaches:
            detach()
    assert _pixels(image).reshape(-1, 3).mean(0).tolist() == [255, 0, 0]
    assert 'My field: "a: b"' in image.infotext


def test_nan_from_the_unet_is_an_error_that_says_what_to_do(studio: Studio) -> None:
    def spoil(latents: Latents, _: RunEvent) -> Latents:
        return Latents(samples=latents.samples * float("nan"))

    detach = studio.application.hooks.sampled_latents.attach("test", spoil)
    try:
        with pytest.raises(EaselError, match="--no-half"):
            studio.make()
    finally:
        detach()


def test_previews_appear_while_a_picture_is_made(studio: Studio) -> None:
    studio.application.settings.change({"show_progress_every_n_steps": 1}, save=False)
    seen: list[int] = []

    def look(_: StepEvent) -> None:
        # The loop never waits for a preview, so the test has to give it the time.
        threading.Event().wait(0.05)
        seen.append(job.control.preview[0])

    detach = studio.application.hooks.step.attach("test", look)
    try:
        job = studio.submit(steps=8, save_images=False)
        job.wait(60)
    finally:
        detach()
        studio.application.settings.change({"show_progress_every_n_steps": 10}, save=False)
    assert seen[-1] > 1
    number, preview = job.control.preview
    assert number <= 8
    assert preview is not None
    assert preview.size == (8, 8), "the cheap way makes a pixel of each of the latent's"


def test_img2img_begins_with_the_picture_and_follows_its_strength(studio: Studio) -> None:
    source = studio.make(seed=3, save_images=False).samples[0].image

    def make(image: Image.Image, strength: float) -> FinishedImage:
        return studio.make(init_images=(image,), denoising_strength=strength, steps=8, save_images=False).samples[0]

    image = make(source, 0.4)
    assert "Denoising strength: 0.4" in image.infotext
    assert np.array_equal(_pixels(make(source, 0.4)), _pixels(image))
    assert not np.array_equal(_pixels(make(source, 0.8)), _pixels(image))
    assert not np.array_equal(_pixels(make(source.rotate(180), 0.4)), _pixels(image))


def test_img2img_pictures_have_a_folder_of_their_own(studio: Studio) -> None:
    source = Image.new("RGB", (64, 64), "blue")
    path = studio.make(init_images=(source,), denoising_strength=0.5).samples[0].path
    assert path is not None
    assert "img2img-images" in path.parts


def test_transparent_pictures_are_laid_on_the_background_colour(studio: Studio) -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    white = Image.new("RGB", (64, 64), "white")
    one, other = (
        studio.make(init_images=(image,), denoising_strength=0.3, save_images=False).samples[0]
        for image in (clear, white)
    )
    assert np.array_equal(_pixels(one), _pixels(other))


def test_tiling_is_entered_and_left(studio: Studio) -> None:
    before = studio.make(save_images=False).samples[0]
    tiled = studio.make(tiling=True, save_images=False).samples[0]
    after = studio.make(save_images=False).samples[0]
    assert "Tiling: True" in tiled.infotext
    assert not np.array_equal(_pixels(tiled), _pixels(before))
    assert np.array_equal(_pixels(after), _pixels(before))


def test_the_result_tells_where_the_time_went(studio: Studio) -> None:
    seconds = studio.make(save_images=False).seconds
    assert {"load", "encode", "sample", "decode", "save"} <= set(seconds)
    assert all(value > 0 for value in seconds.values())


def test_a_hundred_pictures_in_a_row_leave_memory_flat(studio: Studio) -> None:
    process = psutil.Process()

    def resident() -> int:
        gc.collect()
        return process.memory_info().rss

    def make(seeds: range) -> None:
        for seed in seeds:
            # A new prompt each time, so that what is remembered of prompts is part of what is measured.
            studio.make(prompt=f"cat number {seed}", seed=seed, steps=1, width=64, height=64)

    make(range(25))
    before = resident()
    make(range(25, 125))
    assert resident() - before < 60 * 1024 * 1024


def test_no_checkpoint_at_all_says_where_to_put_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Paths.from_flags
    monkeypatch.setattr(Paths, "from_flags", lambda flags: usual(flags, program=tmp_path))
    application = Application(parse_flags(["--data-dir", str(tmp_path), "--use-cpu", "all"]))
    try:
        with pytest.raises(CheckpointError, match=r"Put a \.safetensors file into .*Stable-diffusion"):
            application.submit(GenerationRequest(prompt="a cat", steps=1)).wait(60)
    finally:
        application.close()


def test_names_of_files_can_tell_styles_and_what_the_prompt_was_without_them(studio: Studio) -> None:
    (studio.data / "styles.csv").write_text('name,prompt,negative_prompt\nfilm,"{prompt}, film grain",\n')
    pattern = "[styles]-[prompt_no_styles]"
    image = studio.make(styles=("film",), override_settings={"samples_filename_pattern": pattern}).samples[0]
    assert image.prompt == "a cat, film grain"
    assert image.path is not None
    assert image.path.stem.endswith("-film-a cat")


def test_a_tag_without_its_network_is_said_and_a_request_can_have_tags_ignored(studio: Studio) -> None:
    told = studio.make(prompt="a cat <lora:nowhere:1>", save_images=False)
    ignored = studio.make(prompt="a cat <lora:nowhere:1>", disable_extra_networks=True, save_images=False)
    assert any("nowhere" in warning for warning in told.warnings)
    assert not ignored.warnings
    assert np.array_equal(_pixels(told.samples[0]), _pixels(ignored.samples[0]))


def _failing_decoder(model: LoadedModel, failures: int) -> list[torch.dtype]:
    """Have the first answers of a model's VAE be NaN; returns the number types it is asked in, as they come."""
    vae, asked = cast(Any, model.checkpoint.vae), list[torch.dtype]()
    decode = vae.decode

    def answer(latents: torch.Tensor, **more: object) -> tuple[torch.Tensor]:
        asked.append(latents.dtype)
        (picture,) = decode(latents, **more)
        return (picture * float("nan"),) if len(asked) <= failures else (picture,)

    vae.decode = answer
    return asked


@pytest.mark.parametrize(("failures", "mended"), [(1, True), (2, False)])
def test_a_vae_that_gives_nan_is_asked_again_in_float32(tmp_path: Path, failures: int, mended: bool) -> None:
    make_tiny_sd1(tmp_path / "models" / "Stable-diffusion" / "tiny.safetensors")
    application = Application(parse_flags(["--data-dir", str(tmp_path), "--use-cpu", "all"]))
    # Previews ask the VAE too.
    application.settings.change({"live_previews_enable": False}, save=False)
    hardware = dataclasses.replace(application.engine.hardware, vae_dtype=torch.bfloat16, unet_dtype=torch.float32)
    application.engine.hardware = hardware
    model = application.engine.load(application.catalogue.find("tiny"))
    asked = _failing_decoder(model, failures)
    try:
        job = application.submit(GenerationRequest(prompt="a cat", steps=1, width=64, height=64, save_images=False))
        if mended:
            assert np.asarray(job.wait(60).samples[0].image).std() > 0
        else:
            with pytest.raises(EaselError, match="--no-half-vae"):
                job.wait(60)
        assert asked == [torch.bfloat16, torch.float32]
    finally:
        application.close()
