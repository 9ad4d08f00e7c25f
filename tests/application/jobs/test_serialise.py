from __future__ import annotations

import dataclasses
import enum
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.application.jobs.serialise import NotKeepable, from_text, to_text
from modules.generation.inpaint import InpaintRequest
from modules.generation.request import GenerationRequest, HiresRequest
from modules.imaging.resize import ResizeMode


def again(value: Any) -> Any:
    text, pictures = to_text(value)
    return from_text(text, pictures.__getitem__)


def test_a_request_comes_back_with_every_field() -> None:
    request = GenerationRequest(
        prompt="a cat 🐈",
        styles=("ink", "bare"),
        seed=2**63 + 5,
        cfg_scale=0.1 + 0.2,
        tiling=None,
        override_settings={"CLIP_stop_at_last_layers": 2, "$odd": [1, (2, 3)], "nested": {"a": None}},
    )
    back = again(request)
    assert dataclasses.asdict(back) == dataclasses.asdict(request)
    assert type(back) is GenerationRequest


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1"])
def test_pictures_come_back_pixel_for_pixel_and_are_kept_once(mode: str) -> None:
    picture = Image.effect_noise((23, 17), 90).convert(mode)
    request = GenerationRequest(init_images=(picture, picture.copy()))
    text, pictures = to_text(request)
    assert len(pictures) == 1
    back = from_text(text, pictures.__getitem__)
    assert [(image.mode, image.tobytes()) for image in back.init_images] == [(mode, picture.tobytes())] * 2


def test_masks_and_the_parts_of_a_request_come_back_too() -> None:
    picture, mask = Image.effect_noise((16, 16), 90).convert("RGB"), Image.effect_noise((16, 16), 60)
    request = GenerationRequest(
        init_images=(picture,),
        resize_mode=ResizeMode.CROP,
        inpaint=InpaintRequest(mask=mask),
        hires=HiresRequest(scale=1.5, upscaler="Latent", first_picture=picture),
        refiner_checkpoint="other",
    )
    text, pictures = to_text(request)
    assert len(pictures) == 2
    back: GenerationRequest = from_text(text, pictures.__getitem__)
    assert back.inpaint is not None
    assert back.hires is not None
    assert back.inpaint.mask.tobytes() == mask.tobytes()
    assert (back.hires.scale, back.hires.upscaler, back.resize_mode) == (1.5, "Latent", ResizeMode.CROP)
    assert back.hires.first_picture is not None
    assert back.hires.first_picture.tobytes() == picture.tobytes()


def test_a_photograph_is_kept_upright_and_a_palette_keeps_its_transparency() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(buffer, "JPEG", exif=exif)
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.info["transparency"] = 0
    photograph, logo = again(GenerationRequest(init_images=(Image.open(buffer), palette))).init_images
    assert photograph.size == (10, 20)
    assert (logo.mode, logo.getpixel((0, 0))[3]) == ("RGBA", 0)


def test_other_values_that_requests_may_hold_come_back_as_they_were() -> None:
    value = {"mode": ResizeMode.FILL, "path": Path("a/b"), "raw": b"\x00\xff", 3: frozenset({1}), "set": {2}}
    assert again(value) == value
    assert again([float("inf"), -1.5, True, "x"]) == [float("inf"), -1.5, True, "x"]


def test_fields_that_this_version_does_not_know_are_passed_over() -> None:
    text, pictures = to_text(GenerationRequest(prompt="a cat"))
    newer = text.replace('"prompt":', '"from_the_future": [1], "prompt":', 1)
    assert from_text(newer, pictures.__getitem__).prompt == "a cat"


def test_values_of_others_are_refused_both_ways() -> None:
    class Colour(enum.Enum):
        RED = 1

    with pytest.raises(NotKeepable, match="Colour"):
        to_text(GenerationRequest(override_settings={"colour": Colour.RED}))
    with pytest.raises(NotKeepable, match="function"):
        to_text([test_values_of_others_are_refused_both_ways])
    for name in ("os:system", "builtins:eval", "modules.foundation.log:configure_logging"):
        with pytest.raises(TypeError):
            from_text(f'{{"$data": ["{name}", {{}}]}}', {}.__getitem__)
