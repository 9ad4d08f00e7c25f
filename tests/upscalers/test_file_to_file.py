"""Files enlarged into files."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.foundation.errors import Interrupted, RequestError
from modules.generation.progress import RunControl
from modules.imaging.resize import enlarge
from modules.imaging.tiles import Pixels
from modules.settings.model import Settings
from modules.upscalers.cache import Upscalers
from modules.upscalers.file_to_file import upscale_file
from modules.upscalers.upscale import Tiling
from tests.upscalers.test_upscale import DEFAULT, difference, noise


@pytest.mark.parametrize("scale", [2, 4, 5])
@pytest.mark.parametrize("alpha", [False, True])
def test_a_file_becomes_what_the_picture_becomes(
    tmp_path: Path, upscalers: Upscalers, scale: float, alpha: bool
) -> None:
    settings = DEFAULT.changed({"ESRGAN_tile": 48})
    image, texts = noise(*((70, 50) if scale != 5 else (30, 20))), PngInfo()
    if alpha:
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    texts.add_text("parameters", "a cat\nSteps: 5")
    image.save(tmp_path / "source.png", pnginfo=texts)
    name = "tiny-esrgan-x4" if scale != 5 else "tiny-swinir-x2"
    size = upscalers.upscale_file(tmp_path / "source.png", tmp_path / "target.png", scale, name, settings)
    with Image.open(tmp_path / "target.png") as target:
        target.load()
        assert target.size == size
        assert target.info["parameters"] == "a cat\nSteps: 5"
        assert difference(target.copy(), upscalers.upscale(image, scale, name, settings)) <= 1


@given(width=st.integers(1, 70), height=st.integers(1, 200), scale=st.floats(0.2, 6))
@settings(max_examples=40, deadline=None)
def test_a_file_enlarged_by_lanczos_becomes_what_the_picture_becomes(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, scale: float
) -> None:
    assume(
        max(height, int(height * scale)) <= 90 * max(min(width, int(width * scale)), 1)
    )  # Pillow then takes columns first
    folder, image = tmp_path_factory.mktemp("lanczos"), noise(width, height)
    image.save(folder / "source.png")
    upscale_file(folder / "source.png", folder / "target.png", scale, None, Tiling(tile=0, blend=0))
    with Image.open(folder / "target.png") as target:
        assert difference(target.copy(), enlarge(image, scale)) <= 1


def test_a_stopped_file_leaves_nothing(tmp_path: Path, upscalers: Upscalers) -> None:
    noise(60, 60).save(tmp_path / "source.png")
    control = RunControl()
    control.interrupt()
    with pytest.raises(Interrupted):
        upscalers.upscale_file(
            tmp_path / "source.png", tmp_path / "target.png", 2, "tiny-esrgan-x4", DEFAULT, control=control
        )
    assert [path.name for path in tmp_path.iterdir()] == ["source.png"]


def test_what_makes_no_sense_is_refused(tmp_path: Path, upscalers: Upscalers) -> None:
    noise(16, 16).save(tmp_path / "source.png")
    for scale, name in ((0, "tiny-esrgan-x4"), (2, "Nearest")):
        with pytest.raises(RequestError):
            upscalers.upscale_file(tmp_path / "source.png", tmp_path / "target.png", scale, name, Settings())


class Doubling:
    """Enlarges as nearest neighbour does, and takes no time."""

    scale, align, margin = 2, 1, 4

    def enlarge(self, pixels: Pixels) -> Pixels:
        return pixels.repeat(2, axis=0).repeat(2, axis=1)


def test_a_large_picture_passes_through_little_memory(tmp_path: Path) -> None:
    image = noise(128, 2048)
    image.save(tmp_path / "source.png")
    tracemalloc.start()
    try:
        size = upscale_file(tmp_path / "source.png", tmp_path / "target.png", 4, Doubling(), Tiling(tile=32, blend=4))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == (512, 8192)
    assert peak < 5_000_000  # of 12.6 MB: rows of tiles alone are held, however many there are
    with Image.open(tmp_path / "target.png") as target:
        assert np.array_equal(np.asarray(target), np.asarray(image).repeat(4, axis=0).repeat(4, axis=1))
