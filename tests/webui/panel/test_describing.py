from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from modules.application.application import Application
from modules.foundation.errors import Forbidden, RequestError
from modules.generation.captions import CaptionResult
from modules.settings.flags import parse_flags
from modules.webui.panel import img2img_controls as own
from modules.webui.panel.describing import described, summary
from tests.interrogate import tiny

TAGS = r"1girl, long hair, saber \(fate\), solo"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    application = Application(parse_flags(["--data-dir", str(tmp_path / "data"), "--use-cpu", "all"]))
    tiny.write_booru(application.paths.models / "torch_deepdanbooru")
    application.settings.change({"interrogate_deepbooru_score_threshold": 0})
    yield application
    application.close()


def words(app: Application, values: dict[str, object], model: str = "deepdanbooru") -> Any:
    return asyncio.run(described(app, values, model))


def test_the_picture_of_the_open_sub_tab_is_described_with_or_without_a_mask(app: Application, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    tiny.picture().save(path)
    for mode in ("img2img", "inpaint_upload"):
        control = own.PICTURES[mode].name
        assert words(app, {"mode": mode, control: str(path)}) == TAGS
    with pytest.raises(RequestError):
        words(app, {"mode": "img2img"})
    with pytest.raises(RequestError, match="blip-image-captioning-base"):
        words(app, {"mode": "img2img"}, "clip")


def test_a_batch_gets_text_files_and_the_prompt_stays(app: Application, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    tiny.picture().save(folder / "a.png")
    values: dict[str, object] = {"mode": "batch", "batch_source": "directory", "batch_input": str(folder)}
    assert words(app, values) == gr.skip()
    assert (folder / "a.txt").read_text() == TAGS
    out = tmp_path / "out"
    words(app, {**values, "batch_output": str(out)})
    assert (out / "a.txt").read_text() == TAGS
    words(app, {"mode": "batch", "batch_source": "upload", "batch_files": [str(folder / "a.png")]})
    assert (app.paths.outputs / "captions" / "a.txt").read_text() == TAGS


def test_strangers_choose_no_folders(tmp_path: Path) -> None:
    application = Application(parse_flags(["--data-dir", str(tmp_path), "--use-cpu", "all", "--listen"]))
    tiny.write_booru(application.paths.models / "torch_deepdanbooru")
    try:
        with pytest.raises(Forbidden):
            words(application, {"mode": "batch", "batch_source": "directory", "batch_input": str(tmp_path)})
    finally:
        application.close()


def test_a_batch_is_told_of_in_a_sentence(tmp_path: Path) -> None:
    written = (tmp_path / "a.txt",)
    failed = ((tmp_path / "b.png", "It is broken."),)
    text = summary(CaptionResult(written=written, failed=failed, total=2))
    assert (
        text == f"Captions for 1 of 2 pictures were written into {tmp_path}. 1 failed, b.png the first: It is broken."
    )
