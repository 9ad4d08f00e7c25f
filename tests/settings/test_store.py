from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from modules.foundation.errors import SettingsError
from modules.settings.model import Settings
from modules.settings.store import SettingsStore, read_settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


def test_without_a_file_settings_are_at_their_defaults_and_no_file_is_made(path: Path) -> None:
    assert SettingsStore(path).current == Settings()
    assert not path.exists()


def test_a_change_is_validated_saved_and_read_back(path: Path) -> None:
    SettingsStore(path).change({"CLIP_stop_at_last_layers": 2, "samples_format": "webp"})
    again = SettingsStore(path).current
    assert again.CLIP_stop_at_last_layers == 2
    assert again.samples_format == "webp"


def test_a_change_that_does_not_fit_names_the_key_and_changes_nothing(path: Path) -> None:
    store = SettingsStore(path)
    with pytest.raises(SettingsError, match="'CLIP_stop_at_last_layers' cannot be 99"):
        store.change({"samples_format": "webp", "CLIP_stop_at_last_layers": 99})
    assert store.current == Settings()
    assert not path.exists()


def test_undeclared_keys_are_kept_and_saved_again(path: Path) -> None:
    path.write_text(json.dumps({"control_net_unit_count": 3, "jpeg_quality": 90}))
    store = SettingsStore(path)
    store.change({"jpeg_quality": 95})
    saved = json.loads(path.read_text())
    assert saved["control_net_unit_count"] == 3
    assert saved["jpeg_quality"] == 95


def test_one_bad_value_in_the_file_costs_only_itself(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_text(json.dumps({"jpeg_quality": "very good", "n_rows": 99, "samples_format": "jpg"}))
    with caplog.at_level(logging.WARNING):
        current = SettingsStore(path).current
    assert current.jpeg_quality == Settings().jpeg_quality
    assert current.n_rows == Settings().n_rows
    assert current.samples_format == "jpg"
    assert "jpeg_quality" in caplog.text
    assert "n_rows" in caplog.text


def test_a_damaged_file_is_moved_aside_not_overwritten(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_text('{"jpeg_quality": 9')
    with caplog.at_level(logging.WARNING):
        store = SettingsStore(path)
    store.change({"jpeg_quality": 91})
    assert path.with_name("config.json.broken").read_text() == '{"jpeg_quality": 9'
    assert json.loads(path.read_text())["jpeg_quality"] == 91


def test_observers_hear_of_changes_and_only_of_changes(path: Path) -> None:
    heard: list[tuple[int, int]] = []
    store = SettingsStore(path)
    store.observe(lambda before, after: heard.append((before.jpeg_quality, after.jpeg_quality)))
    store.change({"jpeg_quality": 90})
    store.change({"jpeg_quality": 90})
    assert heard == [(80, 90)]


def test_a_frozen_value_taken_before_a_change_stays_as_it_was(path: Path) -> None:
    store = SettingsStore(path)
    before = store.current
    store.change({"jpeg_quality": 90})
    assert before.jpeg_quality == 80


def test_an_old_config_with_null_for_the_checkpoint_loads(path: Path) -> None:
    path.write_text(json.dumps({"sd_model_checkpoint": None}))
    assert SettingsStore(path).current.sd_model_checkpoint is None


def test_what_cannot_be_written_is_said_and_still_holds(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file where a folder should be")
    store = SettingsStore(Path("/proc/easel/config.json"))
    with pytest.raises(SettingsError, match=r"/proc/easel/config\.json"):
        store.change({"jpeg_quality": 90})
    assert store.current.jpeg_quality == 90


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_a_file_is_read_as_editors_on_windows_save_it(path: Path, encoding: str) -> None:
    text = json.dumps({"jpeg_quality": 91, "outdir_save": "B\u00fccher"}, ensure_ascii=False, indent=4)
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    store = SettingsStore(path)
    assert (store.current.jpeg_quality, store.current.outdir_save) == (91, "B\u00fccher")
    store.change({"jpeg_quality": 92})
    assert json.loads(path.read_text(encoding="utf-8"))["outdir_save"] == "B\u00fccher"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_every_broken_file_is_kept(path: Path) -> None:
    for text in ("one", "two", "three"):
        path.write_text(text)
        SettingsStore(path)
    kept = sorted(path.parent.glob("config.json.broken*"))
    assert [each.read_text() for each in kept] == ["one", "two", "three"]


def test_one_mistake_in_a_file_does_not_cost_the_other_settings(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_text('{\n "jpeg_quality": 91,\n "n_rows": ,\n "outdir_save": "kept",\n}')
    settings = SettingsStore(path).current
    assert (settings.jpeg_quality, settings.outdir_save) == (91, "kept")
    assert "config.json.broken" in caplog.text


def test_what_another_program_wrote_meanwhile_is_not_undone(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    one, other = SettingsStore(path), SettingsStore(path)
    heard: list[int] = []
    other.observe(lambda before, after: heard.append(after.jpeg_quality))
    one.change({"jpeg_quality": 33, "an_extensions": 1})
    other.change({"samples_format": "webp"})
    assert (other.current.jpeg_quality, other.current.samples_format) == (33, "webp")
    assert heard[-1] == 33
    one.change({"jpeg_quality": 44})
    assert read_settings(path).samples_format == "webp"
    assert read_settings(path).jpeg_quality == 44
    assert read_settings(path).model_dump()["an_extensions"] == 1
    path.write_text("no json", encoding="utf-8")
    other.change({"jpeg_quality": 55})
    assert read_settings(path).jpeg_quality == 55
