"""What was typed is kept for each session of a browser, and a new one begins with what the last one had."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from modules.webui import kept_inputs
from modules.webui.kept_inputs import KeptInputs

OWN, LAST = "a" * 32, "b" * 32


def test_values_and_copies_of_pictures_come_back(tmp_path: Path) -> None:
    picture = tmp_path / "upload.png"
    picture.write_bytes(b"pixels")
    store = KeptInputs(tmp_path / "sessions")
    store.keep(f"{OWN} {LAST}", "img2img", {"prompt": "a cat", "steps": 7}, {"picture": str(picture)})
    picture.unlink()  # uploads do not survive a restart
    kept = KeptInputs(tmp_path / "sessions").kept(OWN, "img2img")
    assert (kept["prompt"], kept["steps"]) == ("a cat", 7)
    assert Path(str(kept["picture"])).read_bytes() == b"pixels"
    assert store.kept(OWN, "txt2img") == {}


def test_a_new_session_begins_with_the_last_one_and_then_has_its_own(tmp_path: Path) -> None:
    store = KeptInputs(tmp_path)
    store.keep(LAST, "txt2img", {"prompt": "the last"}, {})
    assert store.kept(f"{OWN} {LAST}", "txt2img") == {"prompt": "the last"}
    store.keep(f"{OWN} {LAST}", "txt2img", {"prompt": "my own"}, {})
    assert store.kept(f"{OWN} {LAST}", "txt2img") == {"prompt": "my own"}
    assert store.kept(LAST, "txt2img") == {"prompt": "the last"}


@pytest.mark.parametrize("session", ["", None, "../../etc", "a", "A" * 32, f"{'a' * 31}/", "a" * 33])
def test_a_name_that_is_none_of_ours_reaches_no_file(tmp_path: Path, session: str | None) -> None:
    store = KeptInputs(tmp_path / "sessions")
    store.keep(session, "txt2img", {"prompt": "x"}, {})
    assert not (tmp_path / "sessions").exists()
    assert store.kept(session, "txt2img") == {}


def test_a_damaged_file_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = KeptInputs(tmp_path)
    store.keep(OWN, "txt2img", {"prompt": "x"}, {})
    (tmp_path / OWN / "txt2img.json").write_text("{broken", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert store.kept(OWN, "txt2img") == {}
    assert "txt2img.json cannot be read" in caplog.text


def test_only_the_last_sessions_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_inputs, "MOST_SESSIONS", 3)
    store = KeptInputs(tmp_path)
    for number in range(5):
        store.keep(f"{number:032x}", "txt2img", {"prompt": str(number)}, {})
    assert sorted(int(each.name, 16) for each in tmp_path.iterdir()) == [2, 3, 4]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("no folder", encoding="utf-8")
    store = KeptInputs(tmp_path / "sessions")
    assert str(tmp_path / "sessions") in store.keep(OWN, "txt2img", {"prompt": "x"}, {})
    (tmp_path / "sessions").unlink()
    assert store.keep(OWN, "txt2img", {"prompt": "x"}, {}) == ""
