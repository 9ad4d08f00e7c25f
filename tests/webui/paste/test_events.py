"""Files that parameters are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.foundation.errors import RequestError
from modules.infotext.picture_metadata import MAX_TEXT
from modules.webui.paste.events import read_file


def test_a_text_file_of_megabytes_is_no_parameters(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a cat\nSteps: 3", encoding="utf-8")
    assert read_file(tmp_path / "a.txt").infotext == "a cat\nSteps: 3"
    with (tmp_path / "b.txt").open("wb") as file:
        file.truncate(4 * MAX_TEXT + 1)
    with pytest.raises(RequestError, match="letters"):
        read_file(tmp_path / "b.txt")
