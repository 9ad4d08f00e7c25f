"""What A1111's scripts made of recorded requests comes out of ours: the pictures, their number and order, the texts."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.api.generation.bodies import StableDiffusionProcessingImg2Img, StableDiffusionProcessingTxt2Img
from modules.api.generation.requests import img2img_request, txt2img_request
from tests.parity.replay import compare
from tests.scripts.conftest import Scripts

RECORDED = Path(__file__).parent / "recorded"
CASES = json.loads((RECORDED / "cases.json").read_text(encoding="utf-8"))["cases"]
ENCODER_NOISE = 50.0
"""dB at least, where the noise of a VAE encoder is drawn in another way."""


def _request(case: dict[str, Any], scripts: Scripts) -> Any:
    body = dict(case["request"])
    if case["kind"] == "txt2img":
        return txt2img_request(scripts.application, StableDiffusionProcessingTxt2Img(**body))
    body["init_images"] = [base64.b64encode((RECORDED / name).read_bytes()).decode() for name in body["init_images"]]
    return img2img_request(scripts.application, StableDiffusionProcessingImg2Img(**body))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_recorded_script_comes_out_again(case: dict[str, Any], scripts: Scripts) -> None:
    result = scripts.application.submit(_request(case, scripts)).wait(300)
    wanted = [Image.open(RECORDED / name).convert("RGB") for name in case["files"]]
    assert [each.image.size for each in result.images] == [each.size for each in wanted]
    allowed = case["tolerance"]
    for number, (ours, theirs) in enumerate(zip(result.images, wanted, strict=True)):
        if "weak" in case.get("note", "") or ("legend" in case.get("note", "") and number == 0):
            continue  # rounding alone, or another rasteriser of letters, makes more of a difference than a fault
        outcome = compare(ours.image.convert("RGB"), theirs)
        within = outcome.largest <= allowed["max_level"] and outcome.share <= allowed["fraction"]
        assert within or outcome.psnr >= ENCODER_NOISE, (number, outcome)
    assert [_without_version(text) for text in result.info["infotexts"]] == [
        _without_version(text) for text in case["infotexts"]
    ]
    assert result.info["index_of_first_image"] == case["info"]["index_of_first_image"]
    assert result.info["all_prompts"] == case["info"]["all_prompts"]
    assert result.info["all_seeds"] == case["info"]["all_seeds"]
    assert result.info["seed"] == case["info"]["seed"]


def _without_version(text: str) -> str:
    return text.rpartition(", Version: ")[0]
