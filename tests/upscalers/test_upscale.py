"""Pictures enlarged by models: against the recorded ones, in tiles and whole, stopped and failing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from modules.foundation.errors import CheckpointError, EaselError, Interrupted, OutOfMemory, UnknownName
from modules.generation.progress import RunControl
from modules.hardware.device import HardwareOptions, choose_hardware
from modules.settings.model import Settings
from modules.upscalers.cache import Upscalers
from modules.upscalers.catalogue import UpscalerInfo
from modules.upscalers.model import UpscalerModel

TABLES = Path(__file__).parents[1] / "parity/tables"
ROWS = json.loads((TABLES / "imageops.json").read_text(encoding="utf-8"))["upscale"]
DEFAULT = Settings()


def picture(name: str) -> Image.Image:
    with Image.open(TABLES / "imageops" / name) as image:
        return image.convert("RGB")


def noise(width: int, height: int) -> Image.Image:
    """Soft random colours: detail everywhere, as in a photograph, and no symmetry."""
    coarse = np.random.default_rng(3).integers(0, 256, (height // 6 + 2, width // 6 + 2, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def difference(one: Image.Image, other: Image.Image) -> int:
    assert one.size == other.size
    return int(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).max())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['upscaler']}-{row['scale']}")
def test_pictures_come_out_as_recorded(row: dict[str, Any], upscalers: Upscalers) -> None:
    ours = upscalers.upscale(picture(row["source"]), row["scale"], row["upscaler"], DEFAULT)
    assert difference(ours, picture(row["result"])) <= 1


def test_none_returns_the_picture_itself(upscalers: Upscalers) -> None:
    image = picture("src_40x24.png")
    assert upscalers.upscale(image, 2, "None", DEFAULT) is image
    assert upscalers.enlarger("None", DEFAULT) is None
    assert upscalers.enlarger(None, DEFAULT) is None


def test_a_model_is_repeated_until_the_scale_is_reached(upscalers: Upscalers) -> None:
    result = upscalers.upscale(picture("src_40x24.png").crop((0, 0, 16, 8)), 6, "tiny-swinir-x2", DEFAULT)
    assert result.size == (96, 48)


def test_a_scale_of_one_still_applies_the_model_once(upscalers: Upscalers) -> None:
    image = picture("src_40x24.png")
    result = upscalers.upscale(image, 1, "tiny-esrgan-x4", DEFAULT)
    assert result.size == image.size
    assert difference(result, image) > 0


def test_transparency_is_enlarged_beside_the_colours(upscalers: Upscalers) -> None:
    image = picture("src_40x24.png")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    result = upscalers.upscale(image, 2, "tiny-esrgan-x4", DEFAULT)
    assert result.mode == "RGBA"
    assert result.size == (80, 48)
    assert difference(result.getchannel("A"), image.getchannel("A").resize((80, 48))) < 40


def test_a_run_hears_of_each_tile_and_can_stop_before_the_next(upscalers: Upscalers) -> None:
    settings = DEFAULT.changed({"ESRGAN_tile": 64})
    seen: list[tuple[int, int]] = []

    class Watching(RunControl):
        def at_tile(self, done: int, total: int) -> None:
            super().at_tile(done, total)
            seen.append((done, total))
            if done == 2:
                self.interrupt()

    with pytest.raises(Interrupted):
        upscalers.upscale(noise(160, 100), 4, "tiny-esrgan-x4", settings, Watching())
    assert [done for done, _ in seen] == [1, 2]
    assert seen[0][1] > 2


def test_unknown_names_are_reported_before_any_work(upscalers: Upscalers) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'tiny-esrgan-x4'"):
        upscalers.enlarger("tiny-esrgan", DEFAULT)


def test_a_loaded_model_is_kept(upscalers: Upscalers) -> None:
    info = upscalers.find("tiny-esrgan-x4")
    assert upscalers.model(info) is upscalers.model(info)


def test_a_file_that_holds_something_else_is_remembered_as_broken(upscalers: Upscalers, tiny_esrgan: Path) -> None:
    path = tiny_esrgan.parent / "other.pth"
    torch.save({"some.weight": torch.zeros(2, 2)}, path)
    upscalers.catalogue.refresh()
    with pytest.raises(CheckpointError, match=r"other\.pth was read, but it is no upscaler"):
        upscalers.upscale(noise(16, 16), 2, "other", DEFAULT)
    (info,) = [info for info in upscalers.catalogue.all() if info.name == "other"]
    assert "no upscaler" in (info.problem or "")
    path.unlink()
    upscalers.catalogue.refresh()


@pytest.mark.parametrize(("name", "key"), [("tiny-esrgan-x4", "ESRGAN_tile"), ("tiny-swinir-x2", "SWIN_tile")])
def test_tiles_make_the_picture_that_the_whole_makes(upscalers: Upscalers, name: str, key: str) -> None:
    scale = upscalers.model(upscalers.find(name)).scale
    image = noise(150, 110)
    tiled, whole = (upscalers.upscale(image, scale, name, DEFAULT.changed({key: tile})) for tile in (96, 512))
    if key == "ESRGAN_tile":  # a tile larger than the picture is filled up in black, as A1111 does
        whole = upscalers.upscale(image, scale, name, DEFAULT.changed({key: 0}))
    assert difference(tiled, whole) <= 2


class Failing:
    """A network that enlarges by two, and does what `trouble` does for what it is given."""

    scale, input_channels = 2, 3
    architecture = SimpleNamespace(id="test", name="test")
    size_requirements = SimpleNamespace(multiple_of=1)
    supports_half = True
    model = torch.nn.Identity()

    def __init__(self, trouble: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._trouble, self.dtype = trouble, torch.float16

    def to(self, device: torch.device, dtype: torch.dtype) -> Failing:
        self.dtype = dtype
        return self

    def eval(self) -> Failing:
        return self

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        return self._trouble(picture).repeat_interleave(2, 2).repeat_interleave(2, 3)


def failing(trouble: Callable[[torch.Tensor], torch.Tensor], *, half: bool = False) -> UpscalerModel:
    hardware = choose_hardware(HardwareOptions(use_cpu=frozenset({"all"}), full_precision=True))
    if half:
        hardware = replace(hardware, unet_dtype=torch.float16)
    return UpscalerModel(Failing(trouble), UpscalerInfo(name="test", path=Path("test.pth")), hardware)


def test_what_does_not_fit_the_memory_is_done_in_smaller_pieces(caplog: pytest.LogCaptureFixture) -> None:
    sides: list[int] = []

    def trouble(picture: torch.Tensor) -> torch.Tensor:
        sides.append(max(picture.shape))
        if max(picture.shape) > 64:
            raise torch.OutOfMemoryError
        return picture

    model, pixels = failing(trouble), np.asarray(noise(200, 120))
    assert np.array_equal(model.enlarge(pixels), pixels.repeat(2, axis=0).repeat(2, axis=1))
    assert max(sides[2:]) <= 64
    assert "go on with 50" in caplog.text
    before = len(sides)
    model.enlarge(pixels)
    assert max(sides[before:]) <= 64  # what was learnt is kept


def test_a_device_without_any_room_is_reported() -> None:
    def trouble(picture: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError

    with pytest.raises(OutOfMemory, match="has no room for the upscaler 'test'"):
        failing(trouble).enlarge(np.asarray(noise(200, 120)))


def test_what_overflows_in_half_precision_is_done_again_in_float32(caplog: pytest.LogCaptureFixture) -> None:
    def trouble(picture: torch.Tensor) -> torch.Tensor:
        return picture * torch.nan if picture.dtype == torch.float16 else picture

    pixels = np.asarray(noise(40, 20))
    assert np.array_equal(failing(trouble, half=True).enlarge(pixels), pixels.repeat(2, axis=0).repeat(2, axis=1))
    assert "goes on in float32" in caplog.text


def test_a_model_that_gives_no_numbers_is_reported() -> None:
    with pytest.raises(EaselError, match=r"gives no numbers \(NaN\).*test\.pth"):
        failing(lambda picture: picture * torch.nan).enlarge(np.asarray(noise(40, 20)))
