"""Pictures and masks of any size: they come to the size of the plan, and what is not masked comes out as it went in."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from modules.generation.inpaint import InpaintRequest, MaskedContent, MaskedPicture
from modules.generation.request import GenerationRequest
from modules.imaging.masks import Box, composite, kept_parts, overlaid, painted_region, placed
from modules.imaging.resize import ResizeMode
from modules.pipeline.init_pictures import BLANK_MASK, InitPictures, init_pictures, masked_region

Size = tuple[int, int]
SIZES = st.tuples(st.integers(1, 100), st.integers(1, 100))
PLANS = st.tuples(st.integers(1, 12), st.integers(1, 12)).map(lambda cells: (cells[0] * 8, cells[1] * 8))


@st.composite
def boxes(draw: st.DrawFn, size: Size) -> Box:
    """A box of at least a pixel, often at a border."""
    left, top = (draw(st.one_of(st.just(0), st.integers(0, side - 1))) for side in size)
    right = draw(st.one_of(st.just(size[0]), st.just(left + 1), st.integers(left + 1, size[0])))
    bottom = draw(st.one_of(st.just(size[1]), st.just(top + 1), st.integers(top + 1, size[1])))
    return left, top, right, bottom


def noise(size: Size, seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def boxed(size: Size, box: Box) -> Image.Image:
    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask


def begun(source: Image.Image, inpaint: InpaintRequest, mode: ResizeMode, size: Size) -> tuple[InitPictures, list[str]]:
    request = GenerationRequest(init_images=(source,), inpaint=inpaint, resize_mode=mode)
    warnings: list[str] = []
    return init_pictures(request, size=size, count=1, background="#ffffff", warnings=warnings), warnings


def put_back(made: Image.Image, masked: MaskedPicture) -> Image.Image:
    if masked.region is not None:
        made = placed(made, masked.region, masked.source.size)
    return overlaid(made, kept_parts(masked.source, masked.overlay_mask))


@given(st.data(), SIZES, PLANS, st.sampled_from(ResizeMode), st.booleans())
def test_a_mask_of_any_box_keeps_the_rest_of_any_picture(
    data: st.DataObject, source_size: Size, plan_size: Size, mode: ResizeMode, only_masked: bool
) -> None:
    source = noise(source_size, 1)
    inpaint = InpaintRequest(
        mask=boxed(source_size, data.draw(boxes(source_size))),
        blur_x=data.draw(st.integers(0, 4)),
        blur_y=data.draw(st.integers(0, 4)),
        content=data.draw(st.sampled_from(MaskedContent)),
        only_masked=only_masked,
        padding=data.draw(st.integers(0, 64)),
    )
    begin, warnings = begun(source, inpaint, mode, plan_size)
    encoded = source_size if mode == ResizeMode.LATENT and (not only_masked or begin.inpaint is None) else plan_size
    assert begin.pictures[0].size == encoded
    if begin.inpaint is None:  # what a blur leaves of a single pixel may be nothing
        assert warnings == [BLANK_MASK]
        return
    masked = begin.inpaint.pictures[0]
    assert masked.mask.size == masked.latent_mask.size == plan_size
    assert masked.overlay_mask.size == masked.source.size
    result = put_back(noise(plan_size, 2), masked)
    assert result.size == (source_size if only_masked else plan_size)
    width, height = (min(sides) for sides in zip(result.size, masked.source.size, strict=True))
    shown = (0, 0, width, height)
    kept = np.asarray(masked.overlay_mask.crop(shown)) == 0
    assert np.array_equal(np.asarray(result.crop(shown))[kept], np.asarray(masked.source.crop(shown))[kept])
    assert composite(result, masked.overlay_mask).size == result.size


@given(st.data(), SIZES, PLANS, st.integers(0, 64))
@example(None, (512, 768), (512, 768), 32)
def test_the_region_around_a_mask_holds_it_and_lies_within_the_picture(
    data: st.DataObject | None, source_size: Size, plan_size: Size, padding: int
) -> None:
    box = data.draw(boxes(source_size)) if data else (134, 703, 389, 725)
    mask = boxed(source_size, box)
    inpaint = InpaintRequest(mask=mask, blur_x=0, blur_y=0, only_masked=True, padding=padding)
    begin, _ = begun(noise(source_size, 1), inpaint, ResizeMode.STRETCH, plan_size)
    assert begin.inpaint is not None
    padded = painted_region(mask, padding)
    region = begin.inpaint.pictures[0].region
    assert padded is not None
    assert region is not None
    assert 0 <= region[0] <= padded[0] < padded[2] <= region[2] <= source_size[0]
    assert 0 <= region[1] <= padded[1] < padded[3] <= region[3] <= source_size[1]


@given(st.data(), SIZES, PLANS, st.booleans())
def test_the_region_that_is_told_is_the_one_that_is_worked_on(
    data: st.DataObject, source_size: Size, plan_size: Size, inverted: bool
) -> None:
    asked = InpaintRequest(
        mask=boxed(source_size, data.draw(boxes(source_size))),
        blur_x=data.draw(st.integers(0, 4)),
        blur_y=data.draw(st.integers(0, 4)),
        padding=data.draw(st.integers(0, 40)),
        inverted=inverted,
        only_masked=True,
    )
    pictures, _ = begun(noise(source_size, 1), asked, ResizeMode.STRETCH, plan_size)
    worked_on = None if pictures.inpaint is None else pictures.inpaint.pictures[0].region
    assert masked_region(source_size, asked, plan_size) == worked_on
