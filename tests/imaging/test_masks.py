"""Masks, fills and colour correction, against the recorded tables and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.imaging.colour_correction import with_colours_of
from modules.imaging.inpaint_fill import fill_masked
from modules.imaging.lab import from_lab, to_lab
from modules.imaging.masks import (
    blur,
    composite,
    doubled,
    expanded_region,
    kept_parts,
    overlaid,
    painted_region,
    placed,
    read_mask,
)
from modules.imaging.soft_masks import changed_mask, weighted_mean_of_ranks

TABLES = Path(__file__).parents[1] / "parity/tables"
ROWS = json.loads((TABLES / "imageops.json").read_text(encoding="utf-8"))


def picture(name: str) -> Image.Image:
    with Image.open(TABLES / "imageops" / name) as image:
        image.load()
        return image


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.mode == other.mode and np.array_equal(np.asarray(one), np.asarray(other))


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(levels)


def test_regions_of_masks_are_found_and_expanded_as_recorded() -> None:
    assert len(ROWS["crop"]) == 21
    for row in ROWS["crop"]:
        mask = Image.new("L", tuple(row["size"]))
        for box in row["boxes_x1y1x2y2"]:
            mask.paste(255, tuple(box))
        region = painted_region(mask, row["pad"])
        assert (list(region) if region else None) == row["region"], row
        for proportions, expanded in row["expanded"].items():
            assert region is not None
            width, height = map(int, proportions.split("x"))
            assert list(expanded_region(region, (width, height), mask.size)) == expanded, row


@pytest.mark.parametrize("row", ROWS["mask_blur"], ids=lambda row: row["result"])
def test_the_edge_of_a_mask_is_blurred_as_recorded(row: dict[str, Any]) -> None:
    assert same(blur(picture(row["source"]), row["blur_x"], row["blur_y"]), picture(row["result"]))


@pytest.mark.parametrize("row", ROWS["fill"], ids=lambda row: row["result"])
def test_what_a_mask_covers_is_filled_as_recorded(row: dict[str, Any]) -> None:
    filled = fill_masked(picture(row["source"]), picture(row["mask"]))
    difference = np.abs(np.asarray(filled, dtype=int) - np.asarray(picture(row["result"]), dtype=int))
    assert difference.max() <= 1


@pytest.mark.parametrize("row", ROWS["binary_mask"], ids=lambda row: row["result"])
def test_a_mask_is_read_from_alpha_or_from_levels_as_recorded(row: dict[str, Any]) -> None:
    assert same(read_mask(picture(row["source"]), rounded=row["round"]), picture(row["result"]))


@pytest.mark.parametrize("row", ROWS["overlay"], ids=lambda row: row["result"])
def test_a_part_is_put_back_and_overlaid_as_recorded(row: dict[str, Any]) -> None:
    left, top, width, height = row["paste_to_xywh"]
    overlay = picture(row["overlay"])
    part = placed(picture(row["picture"]), (left, top, left + width, top + height), overlay.size)
    assert same(part, picture(row["uncropped"]))
    assert same(overlaid(part, overlay), picture(row["result"]))


def test_colours_are_corrected_as_recorded() -> None:
    (row,) = ROWS["color_correction"]
    assert same(with_colours_of(picture(row["picture"]), picture(row["target"])), picture(row["result"]))


def test_a_picture_with_its_own_colours_stays_nearly_as_it_is() -> None:
    source = noise(32, 32)
    difference = np.asarray(with_colours_of(source, source), dtype=int) - np.asarray(source, dtype=int)
    assert np.abs(difference).mean() < 2


def test_lab_of_known_colours() -> None:
    rgb = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], dtype=np.uint8)
    # CIE Lab of these is (0, 0, 0), (100, 0, 0), (53.2, 80.1, 67.2) and (32.3, 79.2, -107.9).
    assert to_lab(rgb).tolist() == [[0, 128, 128], [255, 128, 128], [136, 208, 195], [82, 207, 20]]
    assert np.abs(from_lab(to_lab(rgb)).astype(int) - rgb).max() <= 4


def test_palettes_and_greys_with_transparency_are_masks_too() -> None:
    half = Image.new("L", (4, 2))
    half.paste(255, (0, 0, 2, 2))
    grey = Image.merge("LA", (Image.new("L", (4, 2), 9), half))
    assert same(read_mask(grey), half)
    coded = Image.new("P", (4, 2), 1)
    coded.paste(0, (2, 0, 4, 2))
    coded.putpalette([0, 0, 0, 255, 255, 255])
    coded.info["transparency"] = 0
    assert same(read_mask(coded), half)


@pytest.mark.parametrize("level", [0, 1, 100, 200, 255])
def test_an_overlay_keeps_black_parts_bit_for_bit_and_blends_grey_ones_once(level: int) -> None:
    source, painted = noise(16, 16, 1), noise(16, 16, 2)
    result = np.asarray(overlaid(painted, kept_parts(source, Image.new("L", (16, 16), level))), dtype=int)
    share = level / 255
    exact = np.asarray(source) * (1 - share) + np.asarray(painted) * share
    assert np.abs(result - exact).max() <= (0 if level in (0, 255) else 2)


def test_a_doubled_mask_is_full_from_the_middle_of_its_edge() -> None:
    edge = Image.fromarray(np.array([[0, 64, 127, 128, 255]], dtype=np.uint8))
    assert np.asarray(doubled(edge)).tolist() == [[0, 128, 254, 255, 255]]


def test_a_composite_shows_the_painted_part_alone() -> None:
    mask = Image.new("L", (8, 8))
    mask.paste(255, (2, 2, 6, 6))
    part = composite(noise(8, 8), mask)
    assert part.mode == "RGBA"
    assert part.getchannel("A").getbbox() == (2, 2, 6, 6)
    assert part.getpixel((3, 3))[:3] == noise(8, 8).getpixel((3, 3))  # type: ignore[index]
    assert part.getpixel((0, 0)) == (0, 0, 0, 0)


def test_ranks_are_those_of_the_neighbours_inside_the_picture() -> None:
    flat = np.full((5, 7), 3.0)
    assert np.allclose(weighted_mean_of_ranks(flat, low=0.25, high=0.75), 3.0)
    spike = np.zeros((7, 7))
    spike[3, 3] = 1.0
    # A single place that stands out is gone from the median, and most of the maximum around it.
    assert weighted_mean_of_ranks(spike, low=0.5, high=0.5).max() < 0.6
    assert weighted_mean_of_ranks(spike, low=1.0, high=1.0)[3, 3] == 1.0
    assert weighted_mean_of_ranks(spike, low=0.0, high=0.0, least=0.1).max() == 0.0


def test_where_latents_have_changed_the_painting_is_seen() -> None:
    distance = np.zeros((8, 8))
    distance[:, 4:] = 5.0
    options = {"strength": 0.5, "influence": 0.0, "threshold": 0.5, "contrast": 2.0}
    mask = changed_mask(distance, np.ones((8, 8)), (64, 64), **options)
    assert mask.size == (64, 64)
    levels = np.asarray(mask)
    assert levels[:, :8].max() < 20
    assert levels[:, -8:].min() > 235
    nothing = changed_mask(np.zeros((8, 8)), np.ones((8, 8)), (64, 64), **{**options, "threshold": 0.0})
    assert np.asarray(nothing).max() == 0
