"""Inpainting and img2img: what changes, what stays, what is said about it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.foundation.errors import RequestError
from modules.generation.inpaint import InpaintRequest, MaskedContent, SoftInpainting
from modules.generation.latents import ExtraNoise
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from modules.imaging.resize import ResizeMode
from modules.sampling.samplers import SAMPLERS
from tests.pipeline.conftest import Studio


def scene(width: int = 64, height: int = 64, seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def box_mask(width: int = 64, height: int = 64) -> Image.Image:
    mask = Image.new("L", (width, height))
    mask.paste(255, (width // 4, height // 4, width * 3 // 4, height * 3 // 4))
    return mask


def pixels(image: Image.Image) -> Any:
    return np.asarray(image, dtype=int)


def paint(studio: Studio, source: Image.Image, mask: Image.Image, **changes: Any) -> GenerationResult:
    options = {name: changes.pop(name) for name in list(changes) if name in InpaintRequest.__dataclass_fields__}
    asked = {"denoising_strength": 0.7, "save_images": False, "width": source.width, "height": source.height, **changes}
    return studio.make(init_images=(source,), inpaint=InpaintRequest(mask=mask, **options), **asked)


@pytest.mark.parametrize("content", MaskedContent)
def test_unmasked_pixels_are_those_of_the_source(studio: Studio, content: MaskedContent) -> None:
    source, mask = scene(72, 88), box_mask(72, 88)
    result = paint(studio, source, mask, blur_x=0, blur_y=0, content=content).samples[0]
    kept = np.asarray(mask) == 0
    assert np.array_equal(pixels(result.image)[kept], pixels(source)[kept])
    assert not np.array_equal(pixels(result.image)[~kept], pixels(source)[~kept])
    words = {0: "fill", 2: "latent noise", 3: "latent nothing"}
    assert (f"Masked content: {words.get(content)}" in result.infotext) == (content != MaskedContent.ORIGINAL)
    assert "Mask blur" not in result.infotext


def test_an_inverted_mask_keeps_the_other_half(studio: Studio) -> None:
    source, mask = scene(), box_mask()
    result = paint(studio, source, mask, blur_x=0, blur_y=0, inverted=True).samples[0]
    kept = np.asarray(mask) == 255
    assert np.array_equal(pixels(result.image)[kept], pixels(source)[kept])
    assert "Mask mode: Inpaint not masked" in result.infotext


@pytest.mark.parametrize("sampler", ["DDIM", "UniPC"])
def test_every_kind_of_sampler_inpaints_a_batch(studio: Studio, sampler: str) -> None:
    source, mask = scene(), box_mask()
    result = paint(studio, source, mask, blur_x=0, blur_y=0, sampler=sampler, batch_size=2)
    kept = np.asarray(mask) == 0
    first, second = (pixels(sample.image) for sample in result.samples)
    assert np.array_equal(first[kept], second[kept])
    assert np.array_equal(first[kept], pixels(source)[kept])
    assert not np.array_equal(first, second)


def test_only_the_masked_part_is_made_at_the_size_asked_for(studio: Studio) -> None:
    source, mask = scene(160, 120), Image.new("L", (160, 120))
    mask.paste(255, (100, 70, 130, 90))
    result = paint(studio, source, mask, blur_x=2, blur_y=2, only_masked=True, padding=8, width=64, height=64).samples[
        0
    ]
    assert result.image.size == source.size
    changed = (pixels(result.image) != pixels(source)).any(axis=-1)
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 62
    assert columns.min() >= 92
    assert changed[72:88, 102:128].mean() > 0.8
    assert "Mask blur: 2, Inpaint area: Only masked, Masked area padding: 8" in result.infotext


def test_a_blank_mask_means_the_whole_picture(studio: Studio) -> None:
    blank = Image.new("L", (64, 64))
    result = paint(studio, scene(), blank, only_masked=True)
    plain = studio.make(init_images=(scene(),), denoising_strength=0.7, save_images=False)
    assert np.array_equal(pixels(result.samples[0].image), pixels(plain.samples[0].image))
    assert any("mask is blank" in warning for warning in result.warnings)
    assert "Inpaint area" not in result.samples[0].infotext


@pytest.mark.parametrize("only_masked", [True, False])
@pytest.mark.parametrize("mode", [ResizeMode.STRETCH, ResizeMode.CROP])
def test_a_mask_of_another_size_is_stretched_to_the_picture(
    studio: Studio, mode: ResizeMode, only_masked: bool
) -> None:
    source, large = scene(96, 64), box_mask(192, 96)
    options = {"blur_x": 0, "blur_y": 0, "only_masked": only_masked, "padding": 0}
    result = paint(studio, source, large, **options, width=96, height=64, resize_mode=mode)
    changed = (pixels(result.samples[0].image) != pixels(source)).any(axis=-1)
    rows, columns = np.nonzero(changed)
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert np.abs(np.array(found) - (24, 16, 72, 48)).max() <= 4
    assert any("192x96" in warning and "96x64" in warning for warning in result.warnings)
    fitting = paint(studio, source, box_mask(96, 64), **options, resize_mode=mode)
    assert not fitting.warnings


def test_masks_and_what_was_painted_can_be_had_and_saved(studio: Studio) -> None:
    wanted = dict.fromkeys(("return_mask", "return_mask_composite", "save_mask", "save_mask_composite"), True)
    mask = box_mask()
    result = paint(studio, scene(), mask, blur_x=0, blur_y=0, save_images=True, override_settings=wanted)
    assert [image.kind for image in result.images] == ["sample", "mask", "mask-composite"]
    sample, shown, painted = result.images
    assert np.array_equal(np.asarray(shown.image.convert("L")), np.asarray(mask))
    assert painted.image.mode == "RGBA"
    assert painted.image.getchannel("A").getbbox() == mask.getbbox()
    assert result.info["infotexts"] == [sample.infotext] * 3
    assert sample.path is not None
    names = {path.name[path.name.index("-") :] for path in sample.path.parent.iterdir()}
    assert {"-1.png", "-1-mask.png", "-1-mask-composite.png"} <= names


def test_soft_inpainting_leaves_no_hard_border(studio: Studio) -> None:
    source, mask = scene(), box_mask()
    soft = SoftInpainting(schedule_bias=1, preservation_strength=0.5)
    result = paint(studio, source, mask, soft_inpainting=soft, denoising_strength=0.8, steps=4).samples[0]
    hard = paint(studio, source, mask, denoising_strength=0.8, steps=4).samples[0]
    assert not np.array_equal(pixels(result.image), pixels(hard.image))
    assert (
        "Soft inpainting enabled: True, Soft inpainting schedule bias: 1, Soft inpainting preservation strength: 0.5, "
        "Soft inpainting transition contrast boost: 4, Soft inpainting mask influence: 0, "
        "Soft inpainting difference threshold: 0.5, Soft inpainting difference contrast: 2, Mask blur: 4"
    ) in result.infotext
    part = paint(studio, scene(96, 96), box_mask(96, 96), soft_inpainting=soft, only_masked=True, width=64, height=64)
    assert part.samples[0].image.size == (96, 96)


def test_without_an_overlay_the_model_has_the_last_word(studio: Studio) -> None:
    source, mask = scene(), box_mask()
    result = paint(studio, source, mask, override_settings={"overlay_inpaint": False}).samples[0]
    assert not np.array_equal(pixels(result.image)[0], pixels(source)[0])


def test_several_pictures_are_taken_in_turn(studio: Studio) -> None:
    sources = tuple(scene(seed=seed) for seed in (1, 2))
    shared: dict[str, Any] = {"denoising_strength": 0.3, "save_images": False}
    both = studio.make(init_images=sources, batch_size=2, **shared).samples
    for index, source in enumerate(sources):
        alone = studio.make(init_images=(source,), seed=1 + index, **shared).samples[0]
        assert np.abs(pixels(alone.image) - pixels(both[index].image)).max() <= 1
    fewer = studio.make(init_images=sources, batch_size=4, **shared)
    assert len(fewer.samples) == 2
    assert any("batch size was changed to 2" in warning for warning in fewer.warnings)
    after_another = studio.make(init_images=sources, batch_count=2, **shared).samples
    assert len(after_another) == 2
    for one_by_one, together in zip(after_another, both, strict=True):
        assert np.abs(pixels(one_by_one.image) - pixels(together.image)).max() <= 1
    with pytest.raises(RequestError, match="more than the 1 pictures"):
        studio.make(init_images=sources, **shared)


def test_latents_are_stretched_instead_of_the_picture(studio: Studio) -> None:
    asked: dict[str, Any] = {"width": 96, "height": 64, "denoising_strength": 0.2, "save_images": False}
    latent, stretched = (
        studio.make(init_images=(scene(),), resize_mode=mode, **asked).samples[0].image
        for mode in (ResizeMode.LATENT, ResizeMode.STRETCH)
    )
    assert latent.size == (96, 64)
    assert not np.array_equal(pixels(latent), pixels(stretched))
    inpainted = paint(
        studio, scene(), box_mask(), blur_x=0, blur_y=0, resize_mode=ResizeMode.LATENT, width=96, height=64
    ).samples[0]
    assert inpainted.image.size == (96, 64)
    # As in A1111 the source itself is not stretched where it is kept.
    assert np.array_equal(pixels(inpainted.image)[:8, :64], pixels(scene())[:8])
    soft = paint(
        studio,
        scene(),
        box_mask(),
        soft_inpainting=SoftInpainting(),
        resize_mode=ResizeMode.LATENT,
        width=96,
        height=64,
        override_settings={"return_mask": True, "return_mask_composite": True},
    )
    assert [image.image.size for image in soft.images] == [(96, 64)] * 3


@pytest.mark.parametrize("sampler", [each.name for each in SAMPLERS if each.brownian_noise])
@pytest.mark.parametrize("source", ["CPU", "NV"])
def test_a_picture_of_an_sde_sampler_from_a_picture_is_the_same_alone_and_in_a_batch(
    studio: Studio, sampler: str, source: str
) -> None:
    asked: dict[str, Any] = {"sampler": sampler, "steps": 5, "override_settings": {"randn_source": source}}
    both = paint(studio, scene(), box_mask(), batch_size=2, seed=7, **asked).samples
    alone = paint(studio, scene(), box_mask(), seed=8, **asked).samples[0]
    assert np.abs(pixels(both[1].image) - pixels(alone.image)).max() <= 1


def test_noise_can_be_scaled_by_request_and_by_setting(studio: Studio) -> None:
    shared: dict[str, Any] = {"init_images": (scene(),), "denoising_strength": 0.6, "save_images": False}
    plain = studio.make(**shared).samples[0]
    asked = studio.make(**shared, initial_noise_multiplier=0.8).samples[0]
    setting = studio.make(**shared, override_settings={"initial_noise_multiplier": 0.8}).samples[0]
    assert np.array_equal(pixels(asked.image), pixels(setting.image))
    assert not np.array_equal(pixels(asked.image), pixels(plain.image))
    assert "Noise multiplier: 0.8" in asked.infotext
    assert "Noise multiplier" not in plain.infotext


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_extra_noise_is_added_and_can_be_changed_by_a_hook(studio: Studio, sampler: str) -> None:
    shared: dict[str, Any] = {
        "init_images": (scene(),),
        "denoising_strength": 0.4,
        "save_images": False,
        "sampler": sampler,
    }
    plain = studio.make(**shared).samples[0]
    seen: list[ExtraNoise] = []

    def silence(extra: ExtraNoise, event: object) -> ExtraNoise:
        seen.append(extra)
        return dataclasses.replace(extra, noise=extra.noise * 0)

    more = studio.make(**shared, override_settings={"img2img_extra_noise": 0.5}).samples[0]
    detach = studio.application.hooks.extra_noise.attach("test", silence)
    try:
        silenced = studio.make(**shared, override_settings={"img2img_extra_noise": 0.5}).samples[0]
    finally:
        detach()
    assert not np.array_equal(pixels(more.image), pixels(plain.image))
    assert np.array_equal(pixels(silenced.image), pixels(plain.image))
    assert "Extra noise: 0.5" in more.infotext
    (extra,) = seen
    assert extra.noise.shape == extra.clean.shape == extra.noised.shape == (1, 4, 8, 8)


def test_colours_are_corrected_and_the_uncorrected_picture_saved(studio: Studio) -> None:
    settings = {"img2img_color_correction": True, "save_images_before_color_correction": True}
    source = Image.new("RGB", (64, 64), (180, 90, 60))
    source.paste((160, 100, 70), (0, 0, 32, 64))
    shared: dict[str, Any] = {"init_images": (source,), "denoising_strength": 0.7, "seed": 77}
    plain = studio.make(**shared, save_images=False).samples[0]
    corrected = studio.make(**shared, override_settings=settings).samples[0]
    assert corrected.path is not None
    (before,) = corrected.path.parent.glob("*-77-before-color-correction.png")
    with Image.open(before) as image:
        assert np.array_equal(pixels(image), pixels(plain.image))
    spread = [pixels(image.image).reshape(-1, 3).std(axis=0).mean() for image in (plain, corrected)]
    assert spread[1] != spread[0]
    # Red lies above blue in the source, whatever the model made of it.
    red, _, blue = pixels(corrected.image).reshape(-1, 3).mean(axis=0)
    assert red > blue


def test_init_images_are_kept_by_name_when_the_settings_say_so(studio: Studio) -> None:
    settings = {"save_init_img": True}
    result = studio.make(init_images=(scene(),), denoising_strength=0.3, override_settings=settings).samples[0]
    (kept,) = (studio.data / "outputs" / "init-images").iterdir()
    assert f"Init image hash: {kept.stem}" in result.infotext
    with Image.open(kept) as image:
        assert np.array_equal(pixels(image), pixels(scene()))


def test_pictures_are_turned_as_their_exif_says(studio: Studio, tmp_path: Path) -> None:
    upright = scene(96, 64)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    upright.rotate(90, expand=True).save(tmp_path / "lying.png", exif=exif)
    shared: dict[str, Any] = {"width": 96, "height": 64, "denoising_strength": 0.3, "save_images": False}
    with Image.open(tmp_path / "lying.png") as lying:
        turned = studio.make(init_images=(lying,), **shared).samples[0]
    straight = studio.make(init_images=(upright,), **shared).samples[0]
    assert np.array_equal(pixels(turned.image), pixels(straight.image))


def test_smaller_pictures_are_enlarged_by_the_upscaler_of_the_settings(studio: Studio) -> None:
    shared: dict[str, Any] = {"init_images": (scene(32, 32),), "denoising_strength": 0.2, "save_images": False}
    plain, nearest, missing = (
        studio.make(**shared, override_settings={"upscaler_for_img2img": name}) for name in ("None", "Nearest", "gone")
    )
    assert not np.array_equal(pixels(plain.samples[0].image), pixels(nearest.samples[0].image))
    assert np.array_equal(pixels(plain.samples[0].image), pixels(missing.samples[0].image))
    assert any("upscaler_for_img2img" in warning and "gone" in warning for warning in missing.warnings)
    part = paint(studio, scene(160, 160), box_mask(160, 160), only_masked=True, width=64, height=64)
    assert part.samples[0].image.size == (160, 160)


def test_what_makes_no_sense_is_refused_with_the_field() -> None:
    mask = Image.new("L", (8, 8))
    with pytest.raises(RequestError, match="mask_blur_x") as caught:
        InpaintRequest(mask=mask, blur_x=-1)
    assert caught.value.field == "mask_blur_x"
    with pytest.raises(RequestError, match="padding"):
        InpaintRequest(mask=mask, padding=-1)
    with pytest.raises(RequestError, match="needs a picture"):
        GenerationRequest(inpaint=InpaintRequest(mask=mask))
