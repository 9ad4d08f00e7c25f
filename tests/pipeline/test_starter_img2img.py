"""The shipped checkpoint inpaints what it is asked for, and img2img goes as far as its strength says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import uniform_filter

from modules.application.application import Application
from modules.generation.inpaint import InpaintRequest
from modules.generation.request import GenerationRequest
from modules.settings.flags import parse_flags

Make = Callable[..., Image.Image]
SIDE = 256
MIDDLE = slice(SIDE // 4, SIDE * 3 // 4)


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    data = tmp_path_factory.mktemp("starter")
    application = Application(parse_flags(["--data-dir", str(data), "--no-half", "--use-cpu", "all"]))
    application.settings.change({"live_previews_enable": False}, save=False)

    def made(prompt: str, **changes: Any) -> Image.Image:
        asked: dict[str, Any] = {"seed": 1, "steps": 8, "width": SIDE, "height": SIDE, "sampler": "Euler", **changes}
        return (
            application.submit(GenerationRequest(prompt=prompt, save_images=False, **asked)).wait(300).samples[0].image
        )

    yield made
    application.close()


def similarity(one: Image.Image, other: Image.Image) -> float:
    """SSIM of the brightness: Wang et al. 2004, "Image Quality Assessment", with windows of 7 pixels."""
    a, b = (np.asarray(image.convert("L"), dtype=float) for image in (one, other))
    mean_a, mean_b = uniform_filter(a, 7), uniform_filter(b, 7)
    variances = uniform_filter(a * a, 7) - mean_a**2 + uniform_filter(b * b, 7) - mean_b**2
    covariance = uniform_filter(a * b, 7) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    measure = (2 * mean_a * mean_b + c1) * (2 * covariance + c2) / ((mean_a**2 + mean_b**2 + c1) * (variances + c2))
    return float(measure.mean())


def test_the_masked_middle_of_a_red_scene_becomes_blue_and_nothing_else_does(make: Make) -> None:
    red = Image.new("RGB", (SIDE, SIDE), (200, 30, 30))
    mask = Image.new("L", red.size)
    mask.paste(255, (MIDDLE.start, MIDDLE.start, MIDDLE.stop, MIDDLE.stop))
    painted = np.asarray(
        make(
            "a blue circle",
            init_images=(red,),
            denoising_strength=0.9,
            inpaint=InpaintRequest(mask=mask, blur_x=0, blur_y=0),
        )
    )
    r, g, b = painted[MIDDLE, MIDDLE].reshape(-1, 3).mean(axis=0)
    assert b > 1.3 * max(r, g)
    outside = np.asarray(mask) == 0
    assert (painted[outside] == (200, 30, 30)).all()


def test_a_low_strength_keeps_the_layout_and_a_high_one_follows_the_prompt(make: Make) -> None:
    source = make("a red circle on a white background")
    little = make("a blue star on a white background", init_images=(source,), denoising_strength=0.3)
    much = make("a blue star on a black background", init_images=(source,), denoising_strength=0.9)
    assert similarity(little, source) > 0.6
    assert similarity(little, source) > similarity(much, source) + 0.2
    pixels = np.asarray(much, dtype=float)
    corner, middle = pixels[:24, :24].mean(), pixels[MIDDLE, MIDDLE].reshape(-1, 3).mean(axis=0)
    assert corner < 90
    assert middle[2] > 1.2 * middle[0]
