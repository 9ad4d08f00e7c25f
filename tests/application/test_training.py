"""Trainings as jobs: interrupted, tried again, kept over a restart; captions edited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file

from modules.application.caption_files import describe_folder, edit_captions
from modules.application.jobs.job import JobState
from modules.application.training import KIND, submit_training, template_lines, template_names
from modules.foundation.errors import Forbidden, RequestError, UnknownName
from modules.interrogate.catalogue import AddedCaptioner
from modules.training.results import TrainingResult
from modules.training.tags import TagEdit
from tests.training.conftest import School, put_pictures


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    school = School(tmp_path)
    yield school
    school.app.close()


def test_an_interrupted_job_is_retried_from_where_it_was(school: School) -> None:
    app = school.app
    job = submit_training(app, school.options(name="mine", steps={"steps": 60}))

    def stop() -> None:
        if job.progress.step >= 3:
            job.interrupt()

    while not job.finished:
        stop()
    assert job.state is JobState.INTERRUPTED
    assert isinstance(job.result, TrainingResult)
    done = job.result.step
    assert 3 <= done < 60
    again = app.jobs.retry(job.id)
    result = again.wait(300)
    assert isinstance(result, TrainingResult)
    assert result.step == 60
    assert app.jobs.store.find(job.id) is not None
    assert again.kind == KIND
    assert load_file(result.path)
    assert app.networks.find("lora", "mine") is not None


def test_templates_are_found_by_name_and_the_users_own_go_first(school: School) -> None:
    assert "style_filewords.txt" in template_names(school.app)
    own = school.data / "textual_inversion_templates"
    own.mkdir()
    (own / "style_filewords.txt").write_text("mine [name]\n\n", "utf-8")
    assert template_lines(school.app, "style_filewords.txt") == ("mine [name]",)
    (own / "empty.txt").write_text("\n", "utf-8")
    with pytest.raises(RequestError, match="no line of text"):
        template_lines(school.app, "empty.txt")
    with pytest.raises(UnknownName):
        template_lines(school.app, "../style_filewords")


def test_captions_of_a_folder_are_shown_before_they_are_changed(school: School) -> None:
    folder = put_pictures(school.data / "set", 3)
    (folder / "notes.txt").write_text("red cat", "utf-8")  # beside no picture
    edit = TagEdit(find="red cat", replace="dog", sort=True)
    shown = edit_captions(school.app, str(folder), edit, write=False)
    assert (shown.captions, shown.changed) == (3, 3)
    assert shown.examples[0] == ("00.txt", "red cat, tag 0", "dog, tag 0")
    assert (folder / "00.txt").read_text("utf-8") == "red cat, tag 0"
    assert edit_captions(school.app, str(folder), edit, write=True).changed == 3
    assert (folder / "02.txt").read_text("utf-8") == "dog, tag 2"
    assert (folder / "notes.txt").read_text("utf-8") == "red cat"
    with pytest.raises(RequestError, match="Nothing is to be done"):
        edit_captions(school.app, str(folder), TagEdit(), write=True)
    with pytest.raises(RequestError, match="not a folder"):
        edit_captions(school.app, "/no/such", edit, write=True)


def test_nothing_is_trained_for_strangers(tmp_path: Path) -> None:
    from modules.application.application import Application
    from modules.settings.flags import parse_flags

    school = School(tmp_path)
    school.app.close()
    app = Application(parse_flags(["--data-dir", str(tmp_path), "--listen", "--use-cpu", "all"]))
    try:
        with pytest.raises(Forbidden, match="--gradio-auth"):
            submit_training(app, school.options())
        with pytest.raises(Forbidden):
            edit_captions(app, str(school.pictures), TagEdit(sort=True), write=True)
    finally:
        app.close()


def test_the_pictures_of_a_dataset_are_described_where_captions_are_edited(school: School, tmp_path: Path) -> None:
    folder = put_pictures(tmp_path / "described", 2)
    (folder / "broken.png").write_bytes(b"no picture")
    app = school.app
    added = AddedCaptioner(name="sizes", describe=lambda image, options: f"{image.width} wide")
    app.registries.captioners.register("a test", added)
    app.settings.change({"postprocessing_existing_caption_action": "Prepend"}, save=False)
    done = describe_folder(app, str(folder), "sizes").wait(60)
    assert (len(done.written), done.total, [path.name for path, _ in done.failed]) == (2, 3, ["broken.png"])
    assert all("wide" in path.read_text("utf-8") for path in done.written)
    with pytest.raises(RequestError, match="not a folder"):
        describe_folder(app, str(tmp_path / "nowhere"), "sizes")
    with pytest.raises(RequestError, match="model-resnet_custom_v3"):
        describe_folder(app, str(folder), "deepdanbooru")
