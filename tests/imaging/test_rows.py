"""Pictures read and written from top to bottom."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.foundation.errors import RequestError, SaveError
from modules.imaging.encode import PictureText
from modules.imaging.png_stream import write_png_rows
from modules.imaging.rows import ArrayRows, StripRows, open_rows, resized_rows, texts_of
from modules.infotext.picture_metadata import read_picture_metadata

MODES = ("L", "LA", "P", "RGB", "RGBA")


def photo(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Smooth and noisy parts, so that a PNG writer uses every kind of filter."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 90 * np.sin(x / (7 + k) + y / (11 + 2 * k)) for k in range(4)]
    pixels = np.stack(waves, axis=2) + random.normal(0, 12, (height, width, 4)) * (x > width // 2)[:, :, None]
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGBA")
    return image if mode == "RGBA" else image.convert(mode)


def strips_of(pixels: np.ndarray[Any, Any], height: int) -> Iterator[np.ndarray[Any, Any]]:
    for top in range(0, len(pixels), height):
        yield pixels[top : top + height]


@pytest.mark.parametrize("mode", MODES)
def test_a_png_is_read_in_bands_as_pillow_reads_it_whole(tmp_path: Path, mode: str) -> None:
    image = photo(61, 150, mode)
    image.save(tmp_path / "a.png")
    rows = open_rows(tmp_path / "a.png", "RGBA")
    assert isinstance(rows, StripRows)
    bands = [rows.rows(top, min(top + 37, 150)) for top in range(0, 150, 30)]
    whole = np.asarray(image.convert("RGBA"))
    assert all(np.array_equal(band, whole[30 * i : 30 * i + 37]) for i, band in enumerate(bands))


@pytest.mark.parametrize(("name", "options"), [("a.jpg", {}), ("a.webp", {"lossless": True}), ("a.bmp", {})])
def test_other_files_are_read_whole(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    photo(30, 20).save(tmp_path / name, **options)
    with Image.open(tmp_path / name) as image:
        assert np.array_equal(open_rows(tmp_path / name).rows(3, 9), np.asarray(image.convert("RGB"))[3:9])


def test_a_png_of_16_bits_is_read_whole(tmp_path: Path) -> None:
    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100).save(tmp_path / "a.png")
    pixels = open_rows(tmp_path / "a.png").rows(0, 20)
    assert pixels.shape == (20, 30, 3)
    assert pixels[-1, -1].tolist() == [599 * 100 // 256] * 3


def test_a_picture_that_breaks_off_is_reported_with_how_far_it_goes(tmp_path: Path) -> None:
    photo(200, 300).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    rows = open_rows(tmp_path / "a.png")
    with pytest.raises(RequestError, match=r"a\.png breaks off after \d+ of 300 rows"):
        rows.rows(0, 300)


def test_what_is_no_picture_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(RequestError, match=r"a\.png is no picture"):
        open_rows(tmp_path / "a.png")


def test_rows_that_were_let_go_are_not_made_up() -> None:
    rows = StripRows(strips_of(np.zeros((40, 3, 3), dtype=np.uint8), 10), 3, 40)
    rows.rows(25, 30)
    with pytest.raises(ValueError, match="let go"):
        rows.rows(5, 30)


@pytest.mark.parametrize("size", [(90, 70), (31, 301), (200, 150), (61, 149)])
def test_resizing_in_strips_is_resizing(size: tuple[int, int]) -> None:
    image = photo(61, 150)
    strips = list(resized_rows(ArrayRows(np.asarray(image)), size, strip=16))
    ours = np.concatenate(strips).astype(int)
    assert np.abs(ours - np.asarray(image.resize(size, Image.Resampling.LANCZOS))).max() <= 1


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_png_written_in_strips_holds_the_picture_and_its_texts(tmp_path: Path, mode: str) -> None:
    image = photo(97, 64, mode)
    pixels = np.asarray(image).reshape(64, 97, -1)
    texts = {"parameters": "a cat\nSteps: 5", "other": "é 猫"}
    write_png_rows(tmp_path / "a.png", (97, 64), strips_of(pixels, 10), text=PictureText(chunks=texts))
    with Image.open(tmp_path / "a.png") as written:
        written.load()
        assert written.mode == mode
        assert np.array_equal(np.asarray(written).reshape(64, 97, -1), pixels)
        assert {key: written.info[key] for key in texts} == texts


def test_a_png_written_in_strips_is_hardly_larger_than_pillows(tmp_path: Path) -> None:
    image = photo(400, 300)
    write_png_rows(tmp_path / "a.png", image.size, strips_of(np.asarray(image), 50))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    assert (tmp_path / "a.png").stat().st_size < 1.05 * len(buffer.getvalue())


def test_a_picture_that_is_not_finished_leaves_no_file(tmp_path: Path) -> None:
    def strips() -> Iterator[np.ndarray[Any, Any]]:
        yield np.zeros((10, 8, 3), dtype=np.uint8)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_png_rows(tmp_path / "a.png", (8, 20), strips())
    with pytest.raises(SaveError, match="10 rows instead of 20"):
        write_png_rows(tmp_path / "b.png", (8, 20), [np.zeros((10, 8, 3), dtype=np.uint8)])
    assert list(tmp_path.iterdir()) == []


def test_texts_are_read_without_the_pixels(tmp_path: Path) -> None:
    chunks = PngInfo()
    chunks.add_text("parameters", "a cat")
    chunks.add_itxt("note", "猫", zip=True)
    photo(50, 40).save(tmp_path / "a.png", pnginfo=chunks)
    carried = read_picture_metadata(texts_of(tmp_path / "a.png"))
    assert carried.infotext == "a cat"
    assert carried.others == {"note": "猫"}


def test_no_more_than_a_few_strips_are_held(tmp_path: Path) -> None:
    def strips() -> Iterator[np.ndarray[Any, Any]]:
        for _ in range(100):
            yield np.zeros((20, 2000, 3), dtype=np.uint8)

    tracemalloc.start()
    try:
        write_png_rows(tmp_path / "a.png", (2000, 2000), strips(), level=1)
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        rows = open_rows(tmp_path / "a.png")
        for top in range(0, 1950, 50):
            rows.rows(top, top + 80)
        read = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written < 12_000_000  # of a picture of 12 MB; what is filtered together is below 2
    assert read < 6_000_000
