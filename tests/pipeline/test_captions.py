from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.application.application import Application
from modules.application.jobs.extras import submit_extras
from modules.application.jobs.interrogate import submit_captions, submit_interrogation
from modules.foundation.errors import RequestError, SaveError, UnknownName
from modules.generation.captions import CaptionFiles, CaptionResult, ExistingCaption
from modules.generation.extras import Captioning, ExtrasFiles
from modules.interrogate.catalogue import AddedCaptioner
from modules.interrogate.options import InterrogateOptions
from modules.pipeline.captions import merged_caption, write_caption
from modules.settings.flags import parse_flags
from tests.interrogate import tiny

ACTIONS: tuple[ExistingCaption, ...] = ("Ignore", "Keep", "Prepend", "Append")


def size_of(image: Image.Image, options: InterrogateOptions) -> str:
    return f"{image.width} wide"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    application = Application(parse_flags(["--data-dir", str(tmp_path / "data"), "--use-cpu", "all"]))
    application.captioners.added.register("test", AddedCaptioner(name="size", describe=size_of))
    application.captioners.added.register("test", AddedCaptioner(name="word", describe=lambda image, options: "word"))
    yield application
    application.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures and one that is cut off."""
    folder = tmp_path / "in"
    folder.mkdir()
    tiny.picture(40, 30).save(folder / "a.png")
    tiny.picture(20, 30).save(folder / "b.jpg")
    (folder / "c.png").write_bytes((folder / "a.png").read_bytes()[:60])
    return folder


def captions(app: Application, model: str = "size", **fields: Any) -> CaptionResult:
    return submit_captions(app, CaptionFiles(model=model, **fields)).wait(60)


def test_a_folder_gets_captions_beside_its_pictures_and_a_broken_one_is_named(app: Application, folder: Path) -> None:
    result = captions(app, input_folder=folder)
    assert (folder / "a.txt").read_text() == "40 wide"
    assert (folder / "b.txt").read_text() == "20 wide"
    assert not (folder / "c.txt").exists()
    assert result.total == 3
    ((path, reason),) = result.failed
    assert path == folder / "c.png"
    assert "c.png is no picture" in reason


def test_captions_go_into_another_folder_where_one_is_named(app: Application, folder: Path, tmp_path: Path) -> None:
    result = captions(app, input_folder=folder, output_folder=tmp_path / "out" / "texts")
    assert result.written == (tmp_path / "out" / "texts" / "a.txt", tmp_path / "out" / "texts" / "b.txt")
    assert list(folder.glob("*.txt")) == []


@pytest.mark.parametrize(
    ("action", "text"),
    [("Ignore", "40 wide"), ("Keep", "mine"), ("Prepend", "mine 40 wide"), ("Append", "40 wide mine")],
)
def test_the_caption_that_is_there_is_dealt_with_as_the_settings_say(
    app: Application, folder: Path, action: ExistingCaption, text: str
) -> None:
    (folder / "a.txt").write_text(" mine\n")
    app.settings.change({"postprocessing_existing_caption_action": action})
    captions(app, input_folder=folder)
    assert (folder / "a.txt").read_text() == text


def test_a_caption_in_another_encoding_is_named_and_kept(app: Application, folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"caf\xe9")
    app.settings.change({"postprocessing_existing_caption_action": "Append"})
    result = captions(app, input_folder=folder)
    assert "a.txt holds a caption that is not in UTF-8" in dict(result.failed)[folder / "a.png"]
    assert (folder / "a.txt").read_bytes() == b"caf\xe9"
    assert (folder / "b.txt").read_text() == "20 wide"


def test_what_cannot_be_done_is_told_before_anything_is_written(app: Application, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        submit_captions(app, CaptionFiles(model="nobody", input_folder=folder))
    with pytest.raises(RequestError, match="model-resnet_custom_v3"):
        submit_captions(app, CaptionFiles(model="deepdanbooru", input_folder=folder))
    with pytest.raises(RequestError, match="no pictures"):
        captions(app, input_folder=tmp_path / "data")
    with pytest.raises(RequestError, match="not a folder"):
        captions(app, input_folder=tmp_path / "nowhere")
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(SaveError, match=r"could not be written to .*a\.txt"):
        captions(app, input_folder=folder, output_folder=blocked)


def test_extras_write_a_caption_beside_each_result(app: Application, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = ExtrasFiles(steps=(Captioning(models=("size", "word")),), input_folder=folder, output_folder=out)
    submit_extras(app, asked).wait(60)
    assert (out / "a.txt").read_text() == "40 wide, word"
    assert (out / "b.txt").read_text() == "20 wide, word"
    (folder / "a.txt").write_text("of the source")
    (out / "b.txt").write_text("of the result")
    app.settings.change({"postprocessing_existing_caption_action": "Prepend", "save_images_replace_action": "Replace"})
    (out / "a.txt").unlink()
    submit_extras(app, asked).wait(60)
    assert (out / "a.txt").read_text() == "of the source 40 wide, word"
    assert (out / "b.txt").read_text() == "of the result 20 wide, word"
    with pytest.raises(RequestError, match="wd-vit-tagger-v3"):
        submit_extras(app, ExtrasFiles(steps=(Captioning(models=("wd14-vit-v3",)),), input_folder=folder))


def test_one_picture_is_described_as_a_job_and_models_are_let_go_of_with_the_engine(app: Application) -> None:
    tiny.write_booru(app.paths.models / "torch_deepdanbooru")
    app.settings.change({"interrogate_keep_models_in_memory": True, "interrogate_deepbooru_score_threshold": 0})
    words = submit_interrogation(app, tiny.picture(), "deepbooru").wait(60)
    assert words == r"1girl, long hair, saber \(fate\), solo"
    assert app.engine.interrogators.loaded == ("deepdanbooru",)
    app.engine.unload()
    assert app.engine.interrogators.loaded == ()


@given(st.text(max_size=10), st.text(max_size=10), st.sampled_from(ACTIONS))
def test_nothing_of_either_caption_is_lost_but_what_is_to_be(
    former: str, caption: str, action: ExistingCaption
) -> None:
    former, caption = former.strip(), caption.strip()
    merged = merged_caption(former, caption, action)
    assert caption in merged or (action == "Keep" and merged == former)
    assert former in merged or action == "Ignore"


def test_no_empty_file_is_written_for_a_picture_without_words(tmp_path: Path) -> None:
    write_caption(tmp_path / "a.txt", "", "Ignore")
    assert not (tmp_path / "a.txt").exists()
