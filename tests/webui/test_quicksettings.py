"""Settings in the top row and beside the controls of the generation panels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.application.application import Application
from modules.settings.flags import Flags
from modules.webui.panel.extra_options import PREFIX, chosen_settings
from modules.webui.paste.values import pasted_values
from tests.webui.panels import built_page

TEXT = "a dog\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64, Clip skip: 3, ENSD: 5"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def started(folder: Path, **settings: Any) -> Application:
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    return Application(Flags(data_dir=folder))


@pytest.fixture
def app(folder: Path) -> Iterator[Application]:
    settings = {
        "quicksettings_list": ["sd_model_checkpoint, sd_vae ,CLIP_stop_at_last_layers", "", "no_such_setting"],
        "extra_options_txt2img": ["CLIP_stop_at_last_layers", "tiling", "gone"],
        "extra_options_accordion": True,
    }
    application = started(folder, **settings)
    yield application
    application.close()


def test_the_list_names_settings_for_the_top_row_with_blanks_and_commas(
    app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    page = built_page(app)
    assert list(page.quick.others) == ["sd_vae", "CLIP_stop_at_last_layers"]
    assert page.quick.others["sd_vae"].elem_id == "setting_sd_vae"
    assert "no_such_setting" in caplog.text


@pytest.mark.parametrize("value", ["sd_vae, tiling", ["sd_vae ", " tiling", "sd_vae"], ["sd_vae,,tiling,"]])
def test_the_list_may_be_one_text(app: Application, value: object) -> None:
    app.settings.change({"quicksettings_list": value})
    assert app.settings.current.quicksettings_list == ["sd_vae", "tiling"]


def test_each_setting_has_one_control(app: Application) -> None:
    ids: list[str] = []

    async def build() -> None:
        from modules.webui.page import build_page

        ids.extend(
            str(block.elem_id) for block in build_page(app)[0].blocks.values() if getattr(block, "elem_id", None)
        )

    import asyncio

    asyncio.run(build())
    for key in ("sd_model_checkpoint", "sd_vae", "CLIP_stop_at_last_layers", "tiling"):
        assert ids.count(f"setting_{key}") == 1, key


def test_without_the_checkpoint_in_the_list_its_control_is_hidden(folder: Path) -> None:
    app = started(folder, quicksettings_list=["sd_vae"])
    assert built_page(app).quick.checkpoint.visible == "hidden"
    app.close()


def test_extra_options_hold_for_the_pictures_made_there(app: Application) -> None:
    panels = built_page(app).panels
    names = [name for name in panels["txt2img"].controls if name.startswith(PREFIX)]
    assert names == [f"{PREFIX}CLIP_stop_at_last_layers", f"{PREFIX}tiling"]
    assert not [name for name in panels["img2img"].controls if name.startswith(PREFIX)]
    values = {"prompt": "x", names[0]: 2.0, names[1]: True}
    assert chosen_settings(values) == {"CLIP_stop_at_last_layers": 2, "tiling": True}


def test_pasted_parameters_go_into_the_extra_options_instead_of_overrides(app: Application) -> None:
    declared = built_page(app).panels["txt2img"].declared
    values = pasted_values(TEXT, app, declared)
    assert values[f"{PREFIX}CLIP_stop_at_last_layers"] == 3
    assert values["override_settings"] == ["ENSD: 5"]
    # What the parameters do not name was at its default.
    app.settings.change({"CLIP_stop_at_last_layers": 2})
    plain = pasted_values(TEXT.replace("Clip skip: 3, ", ""), app, declared)
    assert plain[f"{PREFIX}CLIP_stop_at_last_layers"] == 1
    other = pasted_values(TEXT, app, built_page(app).panels["img2img"].declared)
    assert other["override_settings"] == ["ENSD: 5", "Clip skip: 3"]
