from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modules.a1111.xyz import plot as plotting
from modules.application.jobs.job import JobState
from modules.foundation.errors import RequestError, UnknownName
from tests.scripts.conftest import Scripts

XYZ = "x/y/z plot"
NOTHING = [0, "", []]


def arguments(
    x: list[Any],
    y: list[Any] = NOTHING,
    z: list[Any] = NOTHING,
    *,
    legend: bool = False,
    lone: bool = True,
    **more: Any,
) -> list[Any]:
    return [
        *x,
        *y,
        *z,
        legend,
        lone,
        more.get("sub_grids", False),
        more.get("keep", False),
        *more.get("vary", (False, False, False)),
        more.get("margin", 0),
        more.get("as_text", True),
    ]


def axis(scripts: Scripts, label: str, *, img2img: bool = False) -> int:
    found: Any = (scripts.dialect.scripts_img2img if img2img else scripts.dialect.scripts_txt2img).script(XYZ)
    assert found is not None
    return [each.label for each in found.current_axis_options].index(label)


def test_numbers_of_axes_are_those_of_a1111_on_both_tabs(scripts: Scripts) -> None:
    assert (axis(scripts, "Sampler"), axis(scripts, "Schedule type"), axis(scripts, "Size")) == (9, 17, 41)
    assert (axis(scripts, "Image CFG Scale", img2img=True), axis(scripts, "Denoising", img2img=True)) == (6, 24)


@pytest.mark.parametrize(
    ("label", "text", "labels"),
    [
        ("CFG Scale", "3-5(+2)", ["CFG scale: 3.0", "CFG scale: 5.0"]),
        ("Sampler", "Euler,Heun", ["Sampler: Euler", "Sampler: Heun"]),
        ("Clip skip", "1,2", ["Size: 64x64", "Clip skip: 2"]),
        ("Size", "64x72, 72x64", ["Size: 64x72", "Size: 72x64"]),
        ("Checkpoint name", "tiny-sd1,tiny-sd1-b", ["Model: tiny-sd1,", "Model: tiny-sd1-b"]),
        ("VAE", "None,tiny-vae", ["Seed: 1", "VAE: tiny-vae"]),
        ("RNG source", "CPU,NV", ["RNG: CPU", "RNG: NV"]),
        ("Always discard next-to-last sigma", "False,True", ["Seed: 1", "Discard penultimate sigma: True"]),
        ("Token merging ratio", "0,0.5", ["Seed: 1", "Token merging ratio: 0.5"]),
    ],
)
def test_an_axis_changes_what_its_name_says(scripts: Scripts, label: str, text: str, labels: list[str]) -> None:
    made = scripts.make(XYZ, *arguments([axis(scripts, label), text, []]))
    grid, *cells = made.images
    assert len(cells) == 2
    for cell, expected in zip(cells, labels, strict=True):
        assert expected in cell.infotext
    assert f"Script: X/Y/Z plot, X Type: {label}" in grid.infotext
    assert (
        (np.asarray(cells[0].image) != np.asarray(cells[1].image)).any()
        if cells[0].image.size == cells[1].image.size
        else True
    )


def test_a_grid_holds_its_cells_and_a_plot_makes_what_a_run_makes(scripts: Scripts) -> None:
    made = scripts.make(XYZ, *arguments([1, "3,4", []], [4, "1,2", []]))
    grid, *cells = (np.asarray(each.image) for each in made.images)
    for number, cell in enumerate(cells):
        top, left = number // 2 * 64, number % 2 * 64
        assert (grid[top : top + 64, left : left + 64] == cell).all()
    assert [each.seed for each in made.images[1:]] == [3, 4, 3, 4]


def test_values_that_cannot_be_are_said_before_a_picture_is_made(scripts: Scripts) -> None:
    for label, text, message in (
        ("Steps", "1,x", "neither a number"),
        ("Steps", "", "has no values"),
        ("Prompt S/R", "dog,fox", "'dog' is neither in the prompt"),
        ("Size", "64", "'64' is none"),
        ("FP8 mode", "Enable", "FP8"),
    ):
        with pytest.raises(RequestError, match=message):
            scripts.make(XYZ, *arguments([axis(scripts, label), text, []]))
    for label in ("Sampler", "Checkpoint name", "Schedule type", "VAE"):
        with pytest.raises(UnknownName, match="no such"):
            scripts.make(XYZ, *arguments([axis(scripts, label), "no such", []]))
    with pytest.raises(RequestError, match="megapixels"):
        scripts.make(XYZ, *arguments([1, "1-9999", []], [4, "1-50", []]))
    with pytest.raises(RequestError, match="no axis 99"):
        scripts.make(XYZ, *arguments([99, "1", []]))


def test_axes_of_extensions_are_there_as_soon_as_they_are_added(scripts: Scripts) -> None:
    module = sys.modules["xyz_grid.py"]
    option = module.AxisOption("Ending", str, lambda p, x, xs: setattr(p, "prompt", f"{p.prompt}, {x}"))
    module.axis_options.append(option)
    try:
        made = scripts.make(XYZ, *arguments([axis(scripts, "Ending"), "red, blue", []]))
    finally:
        module.axis_options.remove(option)
    assert [each.prompt for each in made.images[1:]] == ["a photo of a cat, red", "a photo of a cat, blue"]


def test_what_is_finished_when_somebody_stops_the_job_is_kept(scripts: Scripts, monkeypatch: Any) -> None:
    made, real = [0], sys.modules["xyz_grid.py"].process_images

    def stopping(p: Any) -> Any:
        made[0] += 1
        if made[0] == 3:
            scripts.dialect.shared.state.interrupt()
        return real(p)

    monkeypatch.setattr(sys.modules["xyz_grid.py"], "process_images", stopping)
    result = scripts.make(XYZ, *arguments([1, "1-4", []]))
    assert result.interrupted
    cells = [np.asarray(each.image) for each in result.images[1:]]
    assert [bool(cell.any()) for cell in cells] == [True, True, False, False]
    assert result.images[0].image.size == (256, 64)
    # One and the same, which is encoded and noted once, however many are missing.
    assert result.images[3].image is result.images[4].image


def test_a_plot_that_is_stopped_before_its_first_cell_is_interrupted_and_empty(
    scripts: Scripts, monkeypatch: Any
) -> None:
    made = plotting.Plot.make

    def stopping(plot: plotting.Plot) -> None:
        scripts.dialect.shared.state.interrupt()
        made(plot)

    monkeypatch.setattr(plotting.Plot, "make", stopping)
    job = scripts.submit(XYZ, *arguments([1, "1-4", []]))
    assert job.wait(300).images == ()
    assert job.state is JobState.INTERRUPTED


def test_a_job_that_is_tried_again_makes_no_finished_cell_anew(scripts: Scripts, monkeypatch: Any) -> None:
    folder = scripts.application.paths.data / "cache" / "plots"
    shutil.rmtree(folder, ignore_errors=True)
    whole = scripts.make(XYZ, *arguments([1, "-1,-1,7", []], legend=True))
    assert not list(folder.glob("*"))
    real, calls = sys.modules["xyz_grid.py"].process_images, [0]

    def dying(p: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise RuntimeError("killed")
        return real(p)

    monkeypatch.setattr(sys.modules["xyz_grid.py"], "process_images", dying)
    job = scripts.submit(XYZ, *arguments([1, "-1,-1,7", []], legend=True))
    with pytest.raises(Exception, match="killed"):
        job.wait(300)
    assert len(list(folder.glob("*/*.png"))) == 2
    monkeypatch.setattr(sys.modules["xyz_grid.py"], "process_images", real)
    again = scripts.application.jobs.retry(job.id)
    counted = [0]

    def counting(p: Any) -> Any:
        counted[0] += 1
        return real(p)

    monkeypatch.setattr(sys.modules["xyz_grid.py"], "process_images", counting)
    result = again.wait(300)
    assert counted[0] == 1
    assert len(result.images) == len(whole.images) == 4
    assert (np.asarray(result.images[3].image) == np.asarray(whole.images[3].image)).all()
    assert result.images[3].infotext == whole.images[3].infotext
    assert "Fixed X Values" in result.images[0].infotext
    assert not list(folder.glob("*"))
    shutil.rmtree(folder, ignore_errors=True)


def test_cells_that_cannot_be_written_stay_in_memory(scripts: Scripts, monkeypatch: Any) -> None:
    def full(path: Path, *, durable: bool = True) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("modules.a1111.xyz.cells.atomic_write", full)
    assert len(scripts.make(XYZ, *arguments([1, "1,2", []])).images) == 3


def test_sub_grids_and_titles_come_with_a_third_axis(scripts: Scripts) -> None:
    made = scripts.make(XYZ, *arguments([1, "1,2", []], z=[6, "3,4,5", []], lone=False, sub_grids=True))
    assert [each.image.size for each in made.images] == [(384, 64), (128, 64), (128, 64), (128, 64)]
    titled = scripts.make(XYZ, *arguments([1, "1,2", []], z=[6, "3,4,5", []], lone=False, legend=True))
    assert titled.images[0].image.height > 64 + 8


def test_each_cell_expands_its_own_template(scripts: Scripts) -> None:
    folder = scripts.application.paths.data / "wildcards"
    folder.mkdir()
    (folder / "colours.txt").write_text("red\n")
    (folder / "shapes.txt").write_text("ball\n")
    try:
        x = [axis(scripts, "Prompt S/R"), "__colours__, __shapes__, {wooden|wooden}", []]
        made = scripts.make(XYZ, *arguments(x, lone=True), prompt="a __colours__ toy", steps=1)
    finally:
        shutil.rmtree(folder)
    prompts = [image.prompt for image in made.images if image.kind == "sample"]
    assert prompts == ["a red toy", "a ball toy", "a wooden toy"]
    texts = [image.infotext for image in made.images if image.kind == "sample"]
    assert ["Template: a __colours__ toy" in texts[0], "Template: a __shapes__ toy" in texts[1]] == [True, True]
