"""What stands under the pictures."""

from __future__ import annotations

import io
import json
from pathlib import Path

from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from modules.application.application import Application
from modules.application.jobs.job import GenerationJob, JobState
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage, GenerationResult
from modules.settings.flags import Flags
from modules.webui.panel import info_text
from modules.webui.pictures import add_unsaved_route


def finished(seed: int, *, kind: str = "sample", error: str | None = None) -> FinishedImage:
    return FinishedImage(
        image=Image.new("RGB", (8, 8)),
        infotext=f"a <b>cat</b>\nSteps: 1, Seed: {seed}",
        seed=seed,
        subseed=seed + 100,
        prompt="a cat",
        negative_prompt="",
        kind=kind,
        error=error,
    )


RESULT = GenerationResult(images=(finished(5, kind="grid"), finished(5), finished(6)), info={"seed": 5})


def test_each_picture_has_its_own_parameters() -> None:
    info = info_text.generation_info(RESULT)
    assert info_text.info_of_picture(info, 2) == "<p>a &lt;b&gt;cat&lt;/b&gt;\nSteps: 1, Seed: 6</p>"
    assert info_text.info_of_picture(info, 9) == ""


def test_the_gallery_knows_the_job_of_its_pictures() -> None:
    assert info_text.job_of(info_text.generation_info(RESULT, "task(1)")) == "task(1)"
    assert info_text.job_of("") == ""


def test_the_seed_of_a_grid_is_that_of_its_first_picture() -> None:
    info = info_text.generation_info(RESULT)
    assert [info_text.seed_of_picture(info, index, "all_seeds") for index in range(3)] == [5, 5, 6]
    assert info_text.seed_of_picture(info, 2, "all_subseeds") == 106


def test_before_the_first_picture_reusing_its_seed_gives_a_random_one() -> None:
    assert info_text.seed_of_picture("", 0, "all_seeds") == -1
    assert info_text.seed_of_picture("[broken", 0, "all_seeds") == -1


def test_the_info_is_what_clients_know_from_the_api() -> None:
    info = json.loads(info_text.generation_info(RESULT))
    assert info["seed"] == 5
    assert info["index_of_first_image"] == 1
    assert len(info["infotexts"]) == 3


def test_each_trouble_is_said_once_and_escaped() -> None:
    error = "No space left in <here>."
    result = GenerationResult(
        images=(finished(1, error=error), finished(2, error=error)),
        info={},
        warnings=("The LoRA x is unknown.",),
        seconds={"sampling": 61.0, "decoding": 1.5},
        interrupted=True,
    )
    html = info_text.log_html(result)
    assert html.count("No space left in &lt;here&gt;.") == 1
    assert "The LoRA x is unknown." in html
    assert "Interrupted" in html
    assert "1 min 2.5 s" in html


def test_a_picture_that_is_in_no_file_is_served_from_memory_with_its_parameters(tmp_path: Path) -> None:
    app, api = Application(Flags(data_dir=tmp_path)), FastAPI()
    app.queue.submit = None  # type: ignore[method-assign] - nothing is run here
    job = GenerationJob(GenerationRequest(), "task(1)")
    job.finish(JobState.DONE, result=GenerationResult(images=(finished(7),), info={}))
    app.queue._finished.append(job)
    add_unsaved_route(api, app)
    try:
        with TestClient(api) as client:
            answer = client.get("/easel/picture/task%281%29/0.png")
            assert answer.headers["content-type"] == "image/png"
            assert Image.open(io.BytesIO(answer.content)).info["parameters"] == finished(7).infotext
            assert client.get("/easel/picture/task%281%29/1.png").status_code == 404
            assert client.get("/easel/picture/unknown/0.png").status_code == 404
    finally:
        app.close()
