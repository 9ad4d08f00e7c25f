"""The operations that make pictures ready for training, over files: from the controls' values to what is saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.application.application import Application
from modules.application.jobs.extras import submit_extras
from modules.generation.extras import ExtrasFiles, FocalCrop
from modules.settings.flags import parse_flags
from modules.webui.extras.dataset_operations import DATASET_OPERATIONS

SIZE = {"resize_how": "to", "width": 64, "height": 64}
VALUES: dict[str, dict[str, Any]] = {
    "Split oversized images": {"split": True, "split_threshold": 0.5, "split_overlap": 0.2},
    "Auto focal point crop": {
        "focal": True,
        "focal_faces": 0.9,
        "focal_entropy": 0.15,
        "focal_edges": 0.5,
        "focal_debug": False,
    },
    "Auto-sized crop": {
        "autosized": True,
        "sized_side_least": 64,
        "sized_side_most": 128,
        "sized_area_least": 4096,
        "sized_area_most": 16384,
        "sized_objective": "Maximize area",
        "sized_threshold": 1.0,
    },
    "Create flipped copies": {"flipped": True, "flips": ["Horizontal", "Both"]},
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    data = tmp_path_factory.mktemp("data")
    application = Application(parse_flags(["--data-dir", str(data), "--use-cpu", "all"]))
    yield application
    application.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A flat wide picture with a busy right end, and a broken one."""
    picture = np.full((64, 192, 3), 90, np.uint8)
    picture[16:48, 144:176] = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    (tmp_path / "in").mkdir()
    Image.fromarray(picture).save(tmp_path / "in" / "wide.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "in"


def done(app: Application, folder: Path, *names: str) -> list[Image.Image]:
    """What the operations of these names make of the folder, in the order in which they are carried out."""
    values = {**SIZE, **{key: value for name in names for key, value in VALUES[name].items()}}
    chosen = [each for each in DATASET_OPERATIONS if each.name in names]
    steps = tuple(step for each in chosen for step in each.steps({**off(), **values}))
    assert len(steps) == len(names)
    out = folder / "out"
    result = submit_extras(app, ExtrasFiles(steps=steps, input_folder=folder, output_folder=out)).wait(60)
    (failed,) = result.failed
    assert failed.source.name == "broken.png"
    made: list[Image.Image] = []
    for path in sorted(out.glob("*.png")):
        with Image.open(path) as opened:
            opened.load()
            made.append(opened.copy())
    return made


def off() -> dict[str, Any]:
    """All operations off, with values as the controls have them."""
    found = {key: value for values in VALUES.values() for key, value in values.items()}
    return {**found, "split": False, "focal": False, "autosized": False, "flipped": False}


def test_an_oversized_picture_is_split_into_parts_of_the_size(app: Application, folder: Path) -> None:
    parts = done(app, folder, "Split oversized images")
    assert len(parts) >= 3
    assert {part.size for part in parts} == {(64, 64)}


def test_a_crop_is_made_where_there_is_something_to_see(app: Application, folder: Path) -> None:
    (cut,) = done(app, folder, "Auto focal point crop")
    assert cut.size == (64, 64)
    assert float(np.asarray(cut).std()) > 20  # the busy end, not the flat one


def test_a_crop_takes_a_size_within_the_bounds(app: Application, folder: Path) -> None:
    (cut,) = done(app, folder, "Auto-sized crop")
    assert 64 <= cut.width <= 128
    assert 64 <= cut.height <= 128
    assert cut.width * cut.height <= 16384


def test_copies_are_mirrored_and_kept_beside_the_picture(app: Application, folder: Path) -> None:
    made = [np.asarray(each.convert("RGB")) for each in done(app, folder, "Create flipped copies")]
    with Image.open(folder / "wide.png") as opened:
        picture = np.asarray(opened.convert("RGB"))
    expected = [picture, picture[:, ::-1], picture[::-1, ::-1]]
    assert len(made) == 3
    for each in expected:
        assert any(np.array_equal(each, other) for other in made)


def test_operations_work_on_what_those_before_them_made(app: Application, folder: Path) -> None:
    parts = len(done(app, folder, "Split oversized images"))
    for path in (folder / "out").glob("*.png"):
        path.unlink()
    both = done(app, folder, "Split oversized images", "Create flipped copies")
    assert len(both) == 3 * parts
    assert {each.size for each in both} == {(64, 64)}


def test_switched_off_they_do_nothing() -> None:
    assert [step for each in DATASET_OPERATIONS for step in each.steps({**off(), **SIZE})] == []


def test_the_picture_that_shows_why_is_kept_beside_the_crop(app: Application, folder: Path) -> None:
    step = FocalCrop(width=64, height=64, debug=True)
    files = ExtrasFiles(steps=(step,), files=(folder / "wide.png",), output_folder=folder / "shown")
    submit_extras(app, files).wait(60)
    assert len(list((folder / "shown").glob("*.png"))) == 2
