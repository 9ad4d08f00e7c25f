from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modules.imaging.hires_size import hires_size
from modules.infotext.restore import old_first_pass_size

TABLES = json.loads((Path(__file__).parent.parent / "parity" / "tables" / "imageops.json").read_text())


@pytest.mark.parametrize("row", TABLES["hires_target"], ids=str)
def test_the_second_pass_has_the_recorded_size(row: dict[str, Any]) -> None:
    size = hires_size(
        row["width"],
        row["height"],
        scale=row.get("hr_scale", 2.0),
        resize_width=row.get("hr_resize_x", 0),
        resize_height=row.get("hr_resize_y", 0),
        step=8,
    )
    assert [*size.target] == row["target"]
    assert [*size.crop] == row["truncate"]


@pytest.mark.parametrize("row", TABLES["old_hires_first_pass"], ids=str)
def test_the_first_pass_of_old_versions_has_the_recorded_size(row: dict[str, Any]) -> None:
    assert [*old_first_pass_size(row["width"], row["height"])] == row["result"]


def test_what_is_left_after_cropping_covers_whole_cells() -> None:
    assert hires_size(64, 64, scale=1.55, step=8).final == (96, 96)
    assert hires_size(64, 64, resize_width=128, resize_height=96, step=8).final == (128, 96)
