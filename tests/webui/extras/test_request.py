"""What the controls of the Extras tab ask for, and what a run of it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from modules.application.application import Application
from modules.foundation.errors import EaselError, Forbidden, RequestError
from modules.generation.extras import ExtrasFile, ExtrasResult, FaceRestoring, SavedExtra, Upscaling
from modules.settings.flags import Flags
from modules.webui.extras.operations import operations
from modules.webui.extras.request import DrawnOperation, extras_files, in_words
from modules.webui.extras.results import MOST_SHOWN, finished, info_html
from modules.webui.extras.source import source_html
from modules.webui.extras.wiring import chosen_picture

VALUES: dict[str, object] = {
    "mode": "single",
    "image": "/pictures/a.png",
    "files": ["/pictures/a.png", "/pictures/b.png"],
    "input_dir": "",
    "output_dir": "",
    "show_results": True,
    "upscale": True,
    "upscaler_1": "Lanczos",
    "upscaler_2": "Nearest",
    "upscaler_2_visibility": 0.25,
    "resize_how": "by",
    "scale": 4,
    "max_side": 1000,
    "width": 512,
    "height": 768,
    "crop": True,
    "gfpgan": False,
    "gfpgan_visibility": 1,
    "codeformer": True,
    "codeformer_visibility": 0.5,
    "codeformer_weight": 0.2,
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    application = Application(Flags(data_dir=tmp_path / "data"))
    yield application
    application.close()


def drawn(app: Application) -> list[DrawnOperation]:
    return [DrawnOperation(operation=each, components={}) for each in operations(app)]


def test_a_picture_with_its_steps_in_order(app: Application) -> None:
    asked = extras_files(app, VALUES, drawn(app), [])
    assert asked.files == (Path("/pictures/a.png"),)
    assert not asked.several
    assert asked.steps == (
        Upscaling(upscaler="Lanczos", second_upscaler="Nearest", second_visibility=0.25, scale=4, max_side=1000),
        FaceRestoring(restorer="CodeFormer", visibility=0.5, weight=0.2),
    )
    to_size = {**VALUES, "resize_how": "to", "codeformer": False, "gfpgan": True}
    assert extras_files(app, to_size, drawn(app), []).steps == (
        Upscaling(
            upscaler="Lanczos", second_upscaler="Nearest", second_visibility=0.25, scale=1.0, width=512, height=768
        ),
        FaceRestoring(restorer="GFPGAN"),
    )
    assert extras_files(app, {**VALUES, "upscale": False, "codeformer": False}, drawn(app), []).steps == ()


def test_files_and_folders(app: Application) -> None:
    asked = extras_files(app, {**VALUES, "mode": "batch"}, drawn(app), [])
    assert [path.name for path in asked.files] == ["a.png", "b.png"]
    assert asked.several
    folders = {**VALUES, "mode": "folder", "input_dir": "in", "output_dir": "/out"}
    asked = extras_files(app, folders, drawn(app), [])
    assert (asked.input_folder, asked.output_folder, asked.files) == (app.paths.data / "in", Path("/out"), ())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"image": None}, "image"),
        ({"mode": "batch", "files": None}, "files"),
        ({"mode": "folder", "input_dir": " "}, "input_dir"),
        ({"scale": None}, "scale"),
        ({"upscaler_2_visibility": 2}, "extras_upscaler_2_visibility"),
    ],
)
def test_what_is_missing_or_makes_no_sense_is_said(app: Application, changes: dict[str, object], field: str) -> None:
    with pytest.raises(RequestError) as caught:
        extras_files(app, {**VALUES, **changes}, drawn(app), [])
    assert caught.value.field == field


def test_strangers_choose_no_folders(tmp_path: Path) -> None:
    application = Application(Flags(data_dir=tmp_path / "open", listen=True))
    try:
        folders = {**VALUES, "mode": "folder", "input_dir": "in"}
        with pytest.raises(Forbidden):
            extras_files(application, folders, drawn(application), [])
    finally:
        application.close()


def test_a_picture_says_what_it_is(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "A <camera>"
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    told = source_html(str(tmp_path / "a.jpg"))
    assert "30x20 JPEG" in told
    assert "A &lt;camera&gt;" in told
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert "note error" in source_html(str(tmp_path / "b.png"))
    assert source_html(None) == ""


def test_a_run_shows_its_pictures_and_names_what_failed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (30, 20)).save(path)
    saved = SavedExtra(path=path, size=(30, 20), done="Postprocess upscaler: Lanczos", infotext="a <cat>")
    large = SavedExtra(path=path, size=(24576, 18432), done="")
    files = (
        ExtrasFile(source=path, saved=(saved,) * MOST_SHOWN),
        ExtrasFile(source=Path("b.png"), error="b.png is no picture."),
        ExtrasFile(source=path, saved=(large,)),
    )
    shown = finished(ExtrasResult(files=files, total=3, interrupted=True))
    assert len(shown.pictures or ()) == MOST_SHOWN
    assert "b.png is no picture." in (shown.html_log or "")
    assert "24576x18432" in (shown.html_log or "")
    assert "Interrupted" in (shown.html_log or "")
    assert "a &lt;cat&gt;" in (shown.html_info or "")
    assert chosen_picture(shown.info or "", 0) == path
    assert finished(ExtrasResult(files=files, total=3), show=False).pictures is None


def test_what_a_browser_sends_back_is_not_trusted() -> None:
    for text in ("", "[]", "{}", '{"paths": ["/etc/passwd"]}', '{"paths": 3}', "no json"):
        assert chosen_picture(text, 0) is None
        assert info_html(text, 0) == ""


def test_messages_speak_of_the_controls_as_the_page_does() -> None:
    error = EaselError("upscaling_resize_w must be at least 1; it is 0.")
    assert in_words(str(error)) == "Width must be at least 1; it is 0."
