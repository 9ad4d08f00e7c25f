"""The component: what handlers are given of it, and which files a browser may name."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import gradio as gr
import pytest
from gradio.utils import get_upload_folder, set_static_paths

from modules.foundation.errors import Forbidden
from modules.webui.canvas import component
from modules.webui.canvas.component import Canvas
from modules.webui.canvas.value import CanvasValue, RefusedCanvas
from modules.webui.panel.control_values import ControlValues


@pytest.fixture
def canvas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Canvas:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))

    async def build() -> Canvas:
        with gr.Blocks():
            return Canvas(paints="mask", grows=True, label='A "mask"', elem_id="here")

    # Outside a running event loop Gradio makes loops of its own and leaves them open.
    return asyncio.run(build())


def file(folder: Path, name: str = "a.png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"")
    return folder / name


def test_uploads_and_pictures_made_here_are_taken(canvas: Canvas, tmp_path: Path) -> None:
    uploaded = file(Path(get_upload_folder()) / "hash")
    made = file(tmp_path / "outputs")
    set_static_paths([tmp_path / "outputs"])
    for path in (uploaded, made):
        assert canvas.preprocess(canvas.postprocess(path)) == CanvasValue(picture=path)
    assert canvas.preprocess(canvas.postprocess(None)) is None


@pytest.mark.parametrize("name", ["secret.png", "uploads/../secret.png", "uploads/link.png"])
def test_any_other_file_is_refused_when_it_is_asked_for(canvas: Canvas, tmp_path: Path, name: str) -> None:
    secret = file(tmp_path, "secret.png")
    file(tmp_path / "uploads")
    (tmp_path / "uploads" / "link.png").symlink_to(secret)
    value = canvas.preprocess(json.dumps({"picture": str(tmp_path / name)}))
    assert isinstance(value, RefusedCanvas)
    with pytest.raises(Forbidden, match="neither an uploaded picture"):
        ControlValues({"sketch": value}).canvas("sketch")


def test_what_it_is_stands_in_its_element(canvas: Canvas) -> None:
    template = canvas.get_config()["html_template"]
    assert 'data-paints="mask"' in template
    assert 'data-grows="true"' in template
    assert 'data-name="here"' in template
    assert "A &quot;mask&quot;" in template


def test_no_file_is_written_beside_its_source(canvas: Canvas) -> None:
    assert not Path(component.__file__).with_suffix(".pyi").exists()
