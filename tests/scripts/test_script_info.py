"""What the API tells of the scripts is what A1111 tells, but for models and tiles that are not here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modules.api.generation.scripts import script_info
from tests.scripts.conftest import Scripts

RECORDED = json.loads((Path(__file__).parent / "recorded" / "script_info.json").read_text(encoding="utf-8"))


def _own(argument: dict[str, Any]) -> dict[str, Any]:
    """An argument without the choices that depend on what is installed."""
    choices = argument["choices"]
    if choices and argument["label"] == "Upscaler":
        choices = choices[:2]
    elif choices:
        choices = [each for each in choices if not each.startswith("[Hypertile]")]
    return {**argument, "choices": choices}


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda each: f"{each['name']}-{each['is_img2img']}")
def test_a_script_is_described_as_a1111_describes_it(recorded: dict[str, Any], scripts: Scripts) -> None:
    told = json.loads(json.dumps(script_info(scripts.application)))
    (ours,) = [
        each for each in told if each["name"] == recorded["name"] and each["is_img2img"] == recorded["is_img2img"]
    ]
    assert [_own(each) for each in ours["args"]] == [_own(each) for each in recorded["args"]]
