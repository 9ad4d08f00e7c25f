"""What the page is told of completion, notes and the keys of marks."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.application.application import Application
from modules.settings.flags import parse_flags
from modules.webui.craft_options import craft_options, marks_of


@pytest.mark.parametrize("folder", ["a1111-sd-webui-tagcomplete", "tag_autocomplete", "Tag-Complete-fork"])
def test_completion_is_left_to_an_extension_that_completes(tmp_path: Path, folder: str) -> None:
    (tmp_path / "extensions" / folder / "scripts").mkdir(parents=True)
    app = Application(parse_flags(["--data-dir", str(tmp_path)]))
    app.extensions.find()
    assert craft_options(app)["completion"] is False
    assert craft_options(app)["notes"] is True


def test_completion_and_notes_are_switched_off_by_settings(tmp_path: Path) -> None:
    app = Application(parse_flags(["--data-dir", str(tmp_path)]))
    assert craft_options(app) == {"completion": True, "notes": True, "marks": {"g": "good", "b": "bad"}}
    app.settings.change({"prompt_completion": False, "prompt_notes": False, "picture_marks": "x=bad hands"})
    assert craft_options(app) == {"completion": False, "notes": False, "marks": {"x": "bad hands"}}


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("", {}),
        ("good", {}),
        ("gg=good", {}),
        ("=x", {}),
        ("g=", {}),
        ("G = very good ,b=bad", {"g": "very good", "b": "bad"}),
    ],
)
def test_marks_without_a_key_of_one_sign_are_left_out(text: str, marks: dict[str, str]) -> None:
    assert marks_of(text) == marks
