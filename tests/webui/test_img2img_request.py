"""What the controls of img2img ask for."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from modules.application.application import Application
from modules.foundation.errors import Forbidden, RequestError
from modules.generation.inpaint import MaskedContent
from modules.imaging.resize import ResizeMode
from modules.settings.flags import Flags
from modules.webui.canvas.value import CanvasValue
from modules.webui.panel.control_values import ControlValues
from modules.webui.panel.img2img_events import region_text
from modules.webui.panel.img2img_request import folder_batch, img2img_request
from modules.webui.panel.img2img_source import picture_size, source
from modules.webui.tabs.registry import TABS, hidden_tabs, ordered_tabs
from tests.webui.panels import built_page


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    application = Application(Flags(data_dir=tmp_path))
    yield application
    application.close()


@pytest.fixture(scope="module")
def first_values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    application = Application(Flags(data_dir=tmp_path_factory.mktemp("page")))
    panel = built_page(application).panels["img2img"]
    values: dict[str, object] = {name: getattr(component, "value", None) for name, component in panel.controls.items()}
    application.close()
    return values


@pytest.fixture
def values(first_values: dict[str, object]) -> dict[str, object]:
    """The values that the page begins with."""
    return copy.deepcopy(first_values)


@pytest.fixture
def picture(tmp_path: Path) -> str:
    Image.new("RGB", (300, 200), "green").save(tmp_path / "picture.png")
    return str(tmp_path / "picture.png")


def test_the_values_that_the_page_begins_with_make_a_request(values: dict[str, object], picture: str) -> None:
    request = img2img_request(values, source(ControlValues({**values, "picture": picture})))
    assert (request.width, request.height, request.denoising_strength) == (512, 512, 0.75)
    assert request.init_images[0].size == (300, 200)
    assert request.resize_mode is ResizeMode.STRETCH
    assert request.inpaint is None


def test_resize_by_takes_the_size_of_the_picture(values: dict[str, object], picture: str) -> None:
    asked = {**values, "picture": picture, "resize_how": "by", "scale": 1.5}
    request = img2img_request(asked, source(ControlValues(asked)))
    assert (request.width, request.height) == (450, 300)
    with pytest.raises(RequestError, match="larger scale"):
        img2img_request({**asked, "scale": 0.02}, source(ControlValues(asked)))


def test_each_choice_of_inpainting_reaches_the_request(values: dict[str, object], picture: str, tmp_path: Path) -> None:
    Image.new("L", (300, 200), 255).save(tmp_path / "mask.png")
    asked = {
        **values,
        "mode": "inpaint_upload",
        "upload_picture": picture,
        "upload_mask": str(tmp_path / "mask.png"),
        "mask_blur": 7,
        "mask_mode": "Inpaint not masked",
        "masked_content": "latent noise",
        "inpaint_area": "Only masked",
        "padding": 64,
        "soft_inpainting": True,
    }
    request = img2img_request(asked, source(ControlValues(asked)))
    inpaint = request.inpaint
    assert inpaint is not None
    assert (inpaint.blur_x, inpaint.inverted, inpaint.content) == (7, True, MaskedContent.LATENT_NOISE)
    assert (inpaint.only_masked, inpaint.padding) == (True, 64)
    assert request.soft_inpainting is not None
    assert request.soft_inpainting.transition_contrast_boost == 4


def test_a_transparent_part_is_the_mask_of_inpaint(values: dict[str, object], tmp_path: Path) -> None:
    image = Image.new("RGBA", (64, 64), "red")
    image.paste((0, 0, 0, 0), (0, 0, 32, 64))
    image.save(tmp_path / "cut.png")
    mask = source(ControlValues({**values, "mode": "inpaint", "inpaint_picture": str(tmp_path / "cut.png")})).mask
    assert mask is not None
    assert (mask.getpixel((5, 5)), mask.getpixel((40, 5))) == (255, 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "picture"),
        ({"mode": "sketch"}, "sketch"),
        ({"mode": "inpaint_upload"}, "upload_picture"),
        ({"mode": "inpaint"}, "inpaint_picture"),
        ({"picture": "/nowhere/gone.png"}, "picture"),
    ],
)
def test_what_is_missing_is_named(values: dict[str, object], changes: dict[str, object], field: str) -> None:
    with pytest.raises(RequestError) as raised:
        source(ControlValues({**values, **changes}))
    assert raised.value.field == field


def test_a_batch_reads_uploads_or_a_folder(app: Application, values: dict[str, object], picture: str) -> None:
    batch = {**values, "mode": "batch"}
    with pytest.raises(RequestError, match="no files yet"):
        folder_batch(app, batch)
    assert folder_batch(app, {**batch, "batch_files": [picture]}).files == (Path(picture),)
    with pytest.raises(RequestError, match="Input directory"):
        folder_batch(app, {**batch, "batch_source": "folder"})
    asked = folder_batch(app, {**batch, "batch_source": "folder", "batch_input": "in", "batch_masks": "masks"})
    assert asked.input_folder == app.paths.data / "in"
    assert asked.inpaint is not None


def test_on_an_open_network_no_folder_is_chosen(tmp_path: Path, values: dict[str, object]) -> None:
    app = Application(Flags(data_dir=tmp_path, listen=True))
    try:
        with pytest.raises(Forbidden):
            folder_batch(app, {**values, "mode": "batch", "batch_source": "folder", "batch_input": "/etc"})
    finally:
        app.close()


def test_tabs_are_ordered_and_hidden_as_the_settings_say(app: Application) -> None:
    after = app.settings.change({"ui_tab_order": ["PNG Info", "gone"], "hidden_tabs": ["img2img", "Settings"]})
    assert [tab.name for tab in ordered_tabs(TABS, after)][:2] == ["pnginfo", "txt2img"]
    assert hidden_tabs(TABS, after) == ["img2img"]


def test_the_sections_of_a_panel_are_ordered_as_the_settings_say(app: Application) -> None:
    names = list(built_page(app).panels["txt2img"].controls)
    assert names.index("sampler") < names.index("cfg_scale") < names.index("seed")
    app.settings.change({"ui_reorder_list": ["Seed", " cfg"]})
    names = list(built_page(app).panels["txt2img"].controls)
    assert names.index("seed") < names.index("cfg_scale") < names.index("sampler")


def painted(folder: Path, size: tuple[int, int], box: tuple[int, int, int, int], colour: str = "#ff0000") -> Path:
    paint = Image.new("RGBA", size)
    paint.paste(colour, box)
    paint.save(folder / "paint.png")
    return folder / "paint.png"


def test_what_is_painted_is_the_mask_of_inpaint(values: dict[str, object], picture: str, tmp_path: Path) -> None:
    drawn = CanvasValue(picture=Path(picture), paint=painted(tmp_path, (300, 200), (10, 20, 30, 40)))
    begun = source(ControlValues({**values, "mode": "inpaint", "inpaint_picture": drawn}))
    assert begun.mask is not None
    assert begun.mask.getbbox() == (10, 20, 30, 40)
    assert begun.picture.getpixel((15, 25)) == (0, 128, 0)


def test_a_mask_that_was_erased_again_is_none(values: dict[str, object], picture: str, tmp_path: Path) -> None:
    drawn = CanvasValue(picture=Path(picture), paint=painted(tmp_path, (300, 200), (0, 0, 0, 0)))
    for mode, name in (("inpaint", "inpaint_picture"), ("inpaint_sketch", "inpaint_sketch")):
        with pytest.raises(RequestError, match="Paint over"):
            source(ControlValues({**values, "mode": mode, name: drawn}))


def test_a_frame_makes_the_picture_larger_and_is_masked(values: dict[str, object], picture: str) -> None:
    drawn = CanvasValue(picture=Path(picture), frame=(0, 8, 16, 0))
    given = ControlValues({**values, "mode": "inpaint", "inpaint_picture": drawn})
    begun = source(given)
    assert begun.picture.size == picture_size(given) == (316, 208)
    assert begun.mask is not None
    assert (begun.mask.getpixel((100, 3)), begun.mask.getpixel((100, 20))) == (255, 0)


def test_a_picture_that_lies_on_its_side_is_painted_upright(values: dict[str, object], tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), "green").save(tmp_path / "turned.jpg", exif=exif)
    drawn = CanvasValue(picture=tmp_path / "turned.jpg", paint=painted(tmp_path, (20, 40), (0, 0, 20, 5)))
    for mode in ("sketch", "inpaint_sketch"):
        given = ControlValues({**values, "mode": mode, mode: drawn, "mask_blur": 0})
        begun = source(given)
        assert begun.picture.size == picture_size(given) == (20, 40)
        assert begun.picture.getpixel((10, 2)) == (255, 0, 0)


def test_the_region_is_that_of_the_size_that_is_asked_for(
    values: dict[str, object], picture: str, tmp_path: Path
) -> None:
    drawn = CanvasValue(picture=Path(picture), paint=painted(tmp_path, (300, 200), (100, 80, 120, 100)))
    asked = {**values, "mode": "inpaint", "inpaint_picture": drawn, "mask_blur": 0, "padding": 10}
    assert region_text(asked, 8) == "90,70,130,110"
    assert region_text({**asked, "width": 512, "height": 256}, 8) == "70,70,150,110"
    assert region_text({**asked, "inpaint_picture": None}, 8) == ""


@pytest.mark.parametrize(
    ("name", "value"), [("mask_blur", -1), ("mask_blur", 1001), ("mask_alpha", 101), ("mask_alpha", -1)]
)
def test_what_is_blurred_and_seen_through_has_bounds(
    values: dict[str, object], picture: str, tmp_path: Path, name: str, value: float
) -> None:
    drawn = CanvasValue(picture=Path(picture), paint=painted(tmp_path, (300, 200), (10, 20, 30, 40)))
    asked = {**values, "mode": "inpaint_sketch", "inpaint_sketch": drawn}
    assert source(ControlValues(asked)).mask is not None
    with pytest.raises(RequestError, match=name):
        source(ControlValues({**asked, name: value}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", "-Infinity", "1e999", 1e300, "x" * 5000, [], {}])
@pytest.mark.parametrize("name", ["steps", "cfg_scale", "seed", "width", "scale"])
def test_what_is_no_number_is_refused_by_name(
    values: dict[str, object], picture: str, name: str, value: object
) -> None:
    asked = {**values, "picture": picture, "resize_how": "by" if name == "scale" else "to", name: value}
    with pytest.raises(RequestError) as raised:
        img2img_request(asked, source(ControlValues(asked)))
    assert raised.value.field == name
    assert len(str(raised.value)) < 500
