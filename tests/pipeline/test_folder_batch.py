"""img2img over the files of a folder: names, masks, parameters, and what happens when one fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.application.jobs.folder_batch import submit_folder_batch
from modules.application.jobs.serialise import from_text, to_text
from modules.foundation.errors import RequestError
from modules.generation.folder_batch import FolderBatch, FolderBatchResult
from modules.generation.inpaint import InpaintOptions
from modules.generation.request import GenerationRequest
from modules.infotext.picture_metadata import save_arguments
from modules.pipeline.folder_batch import picture_files
from tests.pipeline.conftest import Studio
from tests.pipeline.test_inpaint import box_mask, scene

REQUEST = GenerationRequest(
    prompt="a cat",
    seed=1,
    steps=1,
    width=64,
    height=64,
    sampler="Euler",
    denoising_strength=0.5,
    override_settings={"sd_model_checkpoint": "tiny"},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, and one that is cut off."""
    for index, name in enumerate(("b10.png", "b2.jpg", "a.webp")):
        scene(seed=index).save(tmp_path / name)
    (tmp_path / "b3.png").write_bytes((tmp_path / "b10.png").read_bytes()[:200])
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def make(studio: Studio, **fields: Any) -> FolderBatchResult:
    return submit_folder_batch(studio.application, FolderBatch(**{"request": REQUEST, **fields})).wait(120)


def test_files_come_in_the_order_people_count_in(folder: Path) -> None:
    assert [path.name for path in picture_files(folder)] == ["a.webp", "b2.jpg", "b3.png", "b10.png"]
    results = folder / "results"
    results.mkdir()
    scene().save(results / "old.png")
    assert [path.name for path in picture_files(folder, without=(results, None, folder))][-1] == "b10.png"


def test_results_get_the_names_of_their_files_and_failures_are_listed(studio: Studio, folder: Path) -> None:
    job = submit_folder_batch(
        studio.application, FolderBatch(request=REQUEST, input_folder=folder, output_folder=folder / "out")
    )
    result = job.wait(120)
    assert (result.total, len(result.files)) == (4, 4)
    assert [file.source.name for file in result.failed] == ["b3.png"]
    assert "b3.png is no picture that can be read" in str(result.failed[0].error)
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.png", "b10.png", "b2.png"]
    assert [path.name for file in result.files for path in file.saved] == ["a.png", "b2.png", "b10.png"]
    assert len(result.images) == 3
    assert job.progress.batches == 4
    again = make(studio, files=(folder / "a.webp",), output_folder=folder / "out")
    assert [path.name for path in again.files[0].saved] == ["a-1.png"]


def test_each_file_has_the_mask_of_its_name(studio: Studio, folder: Path) -> None:
    masks = folder / "masks"
    masks.mkdir()
    box_mask().save(masks / "a.png")
    Image.new("L", (64, 64), 255).save(masks / "other.png")
    options = InpaintOptions(blur_x=0, blur_y=0)
    files = (folder / "a.webp", folder / "b2.jpg")
    result = make(studio, files=files, output_folder=folder / "out", mask_folder=masks, inpaint=options)
    assert [file.error is None for file in result.files] == [True, False]
    assert "has no mask called b2" in str(result.failed[0].error)
    kept = np.asarray(box_mask()) == 0
    with Image.open(folder / "a.webp") as source, Image.open(folder / "out" / "a.png") as painted:
        assert np.array_equal(np.asarray(painted)[kept], np.asarray(source.convert("RGB"))[kept])
    (masks / "other.png").unlink()
    shared = make(studio, files=files, output_folder=folder / "out", mask_folder=masks, inpaint=options)
    assert not shared.failed


def test_parameters_of_each_file_replace_those_of_the_request(studio: Studio, folder: Path) -> None:
    text = "in a hat\nNegative prompt: fog\nSteps: 2, Sampler: DDIM, CFG scale: 3.5, Seed: 42, Size: 8x8"
    scene().save(folder / "said.png", **save_arguments("PNG", text))
    shared: dict[str, Any] = {"files": (folder / "said.png",), "output_folder": folder / "out", "scale": 0.5}
    (image,) = make(studio, **shared, png_info=("Prompt", "Negative prompt", "Seed", "CFG scale")).images
    assert image.infotext.startswith("a cat in a hat\nNegative prompt: fog\nSteps: 1, Sampler: Euler,")
    assert "CFG scale: 3.5, Seed: 42, Size: 32x32" in image.infotext
    (plain,) = make(studio, **shared).images
    assert plain.infotext.startswith("a cat\nSteps: 1")
    elsewhere = folder / "infos"
    elsewhere.mkdir()
    scene().save(elsewhere / "said.png", **save_arguments("PNG", "with a dog\nSteps: 2, Sampler: DDIM, Seed: 5"))
    (other,) = make(studio, **shared, png_info=("Prompt", "Steps", "Sampler"), png_info_folder=elsewhere).images
    assert other.infotext.startswith("a cat with a dog\nSteps: 2, Sampler: DDIM")


def test_a_batch_can_be_stopped_and_keeps_what_is_done(studio: Studio, folder: Path) -> None:
    job = None

    def stop(image: object) -> None:
        assert job is not None
        job.interrupt()

    asked = FolderBatch(request=REQUEST, input_folder=folder, output_folder=folder / "out")
    detach = studio.application.hooks.saved.attach("test", stop)
    studio.application.queue.pause(paused=True)
    try:
        job = submit_folder_batch(studio.application, asked)
        studio.application.queue.pause(paused=False)
        result = job.wait(120)
    finally:
        detach()
    assert result.interrupted
    assert len(result.files) == 1
    assert (folder / "out" / "a.png").exists()


def test_what_cannot_be_done_is_said_before_it_is_queued(studio: Studio, folder: Path) -> None:
    gone = folder / "gone"
    for fields in (
        {"input_folder": gone},
        {"input_folder": folder, "mask_folder": gone},
        {"input_folder": folder, "png_info_folder": gone},
    ):
        with pytest.raises(RequestError, match="gone is not a folder that exists"):
            make(studio, **fields)
    gone.mkdir()
    with pytest.raises(RequestError, match="no picture files in"):
        make(studio, input_folder=gone)
    with pytest.raises(RequestError, match="no masks in"):
        make(studio, input_folder=folder, mask_folder=gone)
    with pytest.raises(RequestError, match=r"Size.*Known: Prompt"):
        FolderBatch(request=REQUEST, png_info=("Size",))
    with pytest.raises(RequestError, match="scale_by"):
        FolderBatch(request=REQUEST, scale=0)


def test_a_batch_can_be_kept_over_a_restart(folder: Path) -> None:
    asked = FolderBatch(request=REQUEST, input_folder=folder, inpaint=InpaintOptions(blur_x=2), png_info=("Seed",))
    text, pictures = to_text(asked)
    again = from_text(text, pictures.__getitem__)
    assert again.input_folder == folder
    assert again.inpaint.blur_x == 2
    assert again.request.prompt == "a cat"
