"""Pictures of more than 8 bits a level count as their 8-bit twins, wherever they come in."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from modules.application.jobs.serialise import from_text, to_text
from modules.generation.inpaint import InpaintRequest
from modules.generation.request import GenerationRequest
from modules.imaging.depth import eight_bits
from modules.imaging.encode import encode
from modules.imaging.masks import read_mask
from modules.imaging.resize import flatten, with_colours
from modules.pipeline.init_pictures import init_pictures

PICTURES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))
WIDER: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "16 bits": lambda levels: levels.astype(np.uint16) * 257,
    "16 bits, lower byte empty": lambda levels: levels.astype(np.uint16) * 256,
    "16 bits, big-endian": lambda levels: (levels.astype(np.uint16) * 257).astype(">u2"),
    "32 bits with 16 in use": lambda levels: levels.astype(np.int32) * 257,
    "32 bits": lambda levels: (levels.astype(np.uint32) * 0x01010101).view(np.int32),
    "floats of 16 bits": lambda levels: levels.astype(np.float32) * 257,
    "floats up to 1": lambda levels: levels.astype(np.float32) / 255,
}
FILES = {"I;16": ("PNG", "TIFF"), "I;16B": ("TIFF",), "I": ("TIFF",), "F": ("TIFF",)}


def twins(levels: np.ndarray) -> list[tuple[str, Image.Image]]:
    """The picture `levels` in every deep mode, in memory and as files give it back."""
    found: list[tuple[str, Image.Image]] = []
    for name, widen in WIDER.items():
        picture = Image.fromarray(widen(levels))
        found.append((name, picture))
        for file in FILES[picture.mode]:
            buffer = io.BytesIO()
            picture.save(buffer, file)
            found.append((f"{name} in {file}", Image.open(buffer)))
    return found


@given(levels=PICTURES)
def test_a_deep_picture_is_what_its_8_bit_twin_is(levels: np.ndarray) -> None:
    twin = Image.fromarray(levels)
    for name, picture in twins(levels):
        for read in (eight_bits, flatten, with_colours, read_mask):
            result, wanted = read(picture), read(twin)
            assert (name, result.mode, result.tobytes()) == (name, wanted.mode, wanted.tobytes())


@pytest.mark.parametrize("rotated", [False, True])
@given(levels=PICTURES)
def test_pictures_and_masks_of_img2img_may_be_deep(rotated: bool, levels: np.ndarray) -> None:
    twin = Image.fromarray(levels)
    for name, picture in twins(levels):
        made = [_started_from(each, rotated=rotated) for each in (picture, twin)]
        assert made[0] == made[1], name


def _started_from(picture: Image.Image, *, rotated: bool) -> tuple[bytes, bytes]:
    picture = picture.copy()
    if rotated:
        picture.getexif()[0x0112] = 6
    inpaint = InpaintRequest(mask=picture, blur_x=0, blur_y=0)
    request = GenerationRequest(prompt="", init_images=(picture,), inpaint=inpaint)
    begun = init_pictures(request, size=(16, 16), count=1, background="#ffffff", warnings=[])
    assert begun.inpaint is not None
    return begun.pictures[0].tobytes(), begun.inpaint.pictures[0].mask.tobytes()


@given(levels=PICTURES)
def test_a_deep_picture_that_waits_in_the_queue_is_kept_as_its_twin(levels: np.ndarray) -> None:
    for name, picture in twins(levels):
        text, pictures = to_text(GenerationRequest(prompt="", init_images=(picture,)))
        kept: GenerationRequest = from_text(text, pictures.__getitem__)
        assert kept.init_images[0].convert("L").tobytes() == levels.tobytes(), name


@pytest.mark.parametrize("extension", ["bmp", "gif", "webp"])
@given(levels=PICTURES)
def test_a_deep_picture_is_saved_as_its_twin_where_the_format_has_8_bits(extension: str, levels: np.ndarray) -> None:
    wanted = encode(Image.fromarray(levels), extension, lossless=True)
    for name, picture in twins(levels):
        assert encode(picture, extension, lossless=True) == wanted, name


def test_a_level_that_stands_for_nothing_is_transparent() -> None:
    levels = np.array([[0, 257 * 3, 257 * 200]], dtype=np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG", transparency=257 * 3)
    assert list(with_colours(Image.open(buffer)).getchannel("A").tobytes()) == [255, 0, 255]
    assert list(flatten(Image.open(buffer), "#ffffff").getchannel(0).tobytes()) == [0, 255, 200]


def test_levels_that_are_no_numbers_are_black() -> None:
    levels = np.array([[np.nan, np.inf, -np.inf, -4.0, 1.0]], dtype=np.float32)
    assert list(eight_bits(Image.fromarray(levels)).tobytes()) == [0, 0, 0, 0, 255]


def test_the_largest_level_tells_how_wide_the_levels_of_mode_i_are() -> None:
    assert list(eight_bits(Image.fromarray(np.array([[0, 40, 255]], dtype=np.int32))).tobytes()) == [0, 40, 255]
    assert list(eight_bits(Image.fromarray(np.array([[-9, 0, 65535]], dtype=np.int32))).tobytes()) == [0, 0, 255]
