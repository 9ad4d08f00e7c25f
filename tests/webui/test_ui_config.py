"""ui-config.json: the user's defaults for the controls."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from modules.webui.ui_config import UiConfig

LIMITS = {"value": 20, "minimum": 1, "maximum": 150, "step": 1}


def config(path: Path, **values: object) -> UiConfig:
    path.write_text(json.dumps(values), encoding="utf-8")
    return UiConfig(path)


def test_the_first_start_writes_every_default(tmp_path: Path) -> None:
    ui = UiConfig(tmp_path / "ui-config.json")
    ui.slider("customscript/sampler.py/txt2img/Sampling steps", **LIMITS)
    ui.text("txt2img/Prompt")
    ui.write()
    assert json.loads((tmp_path / "ui-config.json").read_text(encoding="utf-8")) == {
        "customscript/sampler.py/txt2img/Sampling steps/visible": True,
        "customscript/sampler.py/txt2img/Sampling steps/value": 20,
        "customscript/sampler.py/txt2img/Sampling steps/minimum": 1,
        "customscript/sampler.py/txt2img/Sampling steps/maximum": 150,
        "customscript/sampler.py/txt2img/Sampling steps/step": 1,
        "txt2img/Prompt/visible": True,
        "txt2img/Prompt/value": "",
    }


def test_the_users_values_are_taken_and_unknown_keys_kept(tmp_path: Path) -> None:
    ui = config(tmp_path / "u.json", **{"txt2img/Width/value": 768, "txt2img/Width/maximum": 4096, "img2img/x": [1]})
    assert ui.slider("txt2img/Width", value=512, minimum=64, maximum=2048, step=8) == {
        "value": 768,
        "minimum": 64,
        "maximum": 4096,
        "step": 8,
    }
    ui.write()
    written = json.loads((tmp_path / "u.json").read_text(encoding="utf-8"))
    assert written["img2img/x"] == [1]
    assert written["txt2img/Width/value"] == 768
    assert written["txt2img/Width/minimum"] == 64


def test_the_short_key_of_older_versions_counts_where_the_long_one_is_missing(tmp_path: Path) -> None:
    ui = config(tmp_path / "u.json", **{"txt2img/Sampling steps/value": 33})
    assert ui.slider("customscript/sampler.py/txt2img/Sampling steps", **LIMITS)["value"] == 33


def test_the_long_key_wins_over_the_short_one(tmp_path: Path) -> None:
    long = "customscript/sampler.py/txt2img/Sampling steps"
    ui = config(tmp_path / "u.json", **{"txt2img/Sampling steps/value": 33, f"{long}/value": 44})
    assert ui.slider(long, **LIMITS)["value"] == 44


def test_a_hidden_control_stays_in_the_document(tmp_path: Path) -> None:
    ui = config(tmp_path / "u.json", **{"txt2img/Styles/visible": False})
    assert ui.choices("txt2img/Styles", ["a"])["visible"] == "hidden"


def test_a_value_outside_the_range_is_moved_into_it(tmp_path: Path) -> None:
    ui = config(tmp_path / "u.json", **{"txt2img/Batch size/value": 99})
    assert ui.slider("txt2img/Batch size", value=1, minimum=1, maximum=8, step=1)["value"] == 8


@pytest.mark.parametrize(
    ("key", "value"),
    [("txt2img/Width/value", "wide"), ("txt2img/Width/value", True), ("txt2img/Width/step", 0)],
)
def test_nonsense_is_named_in_a_warning_and_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, key: str, value: object
) -> None:
    ui = config(tmp_path / "u.json", **{key: value})
    with caplog.at_level(logging.WARNING):
        limits = ui.slider("txt2img/Width", value=512, minimum=64, maximum=2048, step=8)
    assert limits == {"value": 512, "minimum": 64, "maximum": 2048, "step": 8}
    assert "txt2img/Width" in caplog.text


def test_a_choice_that_is_gone_gives_way_to_the_default(tmp_path: Path) -> None:
    ui = config(tmp_path / "u.json", **{"x/Sampling method/value": "Sorcery"})
    assert ui.choice("x/Sampling method", ["Euler", "DDIM"], value="Euler")["value"] == "Euler"


def test_a_damaged_file_is_kept_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "ui-config.json"
    path.write_text('{"txt2img/Width/value": 7', encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        ui = UiConfig(path)
    assert ui.number("txt2img/Seed", value=-1)["value"] == -1
    assert [str(path) in problem for problem in ui.problems] == [True]
    ui.write()
    assert (tmp_path / "ui-config.json.broken").read_text(encoding="utf-8") == '{"txt2img/Width/value": 7'
    assert json.loads(path.read_text(encoding="utf-8"))["txt2img/Seed/value"] == -1


def test_a_file_that_cannot_be_written_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    ui = UiConfig(tmp_path / "file" / "ui-config.json")
    ui.text("txt2img/Prompt")
    with caplog.at_level(logging.WARNING):
        ui.write()
    assert "could not be written" in caplog.text
    assert "could not be written" in ui.problems[-1]


def test_what_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "ui-config.json").mkdir()
    ui = UiConfig(tmp_path / "ui-config.json")
    ui.text("txt2img/Prompt")
    ui.write()
    assert (tmp_path / "ui-config.json").is_dir()
    assert [problem for problem in ui.problems if "cannot be read" not in problem] == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_as_editors_on_windows_save_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "ui-config.json"
    path.write_bytes('{"txt2img/Prompt/value": "l\u00f6we"}'.encode(encoding))
    assert UiConfig(path).text("txt2img/Prompt")["value"] == "l\u00f6we"
