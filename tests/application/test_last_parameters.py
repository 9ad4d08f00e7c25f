"""params.txt: the parameters of the last run."""

from __future__ import annotations

from pathlib import Path

from modules.application.last_parameters import keep_parameters, kept_parameters
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from tests.application.conftest import painted


def test_the_parameters_of_the_first_picture_are_kept(tmp_path: Path) -> None:
    images = tuple(painted(GenerationRequest(prompt=f"Ærø {number}"), number) for number in (1, 2))
    assert kept_parameters(tmp_path) == ""
    keep_parameters(tmp_path, GenerationResult(images=images, info={}))
    assert (tmp_path / "params.txt").read_text(encoding="utf-8") == images[0].infotext
    assert kept_parameters(tmp_path) == images[0].infotext.strip()
    keep_parameters(tmp_path, GenerationResult(images=(), info={}))
    assert kept_parameters(tmp_path) == images[0].infotext.strip()


def test_a_folder_that_is_gone_costs_no_picture(tmp_path: Path) -> None:
    image = painted(GenerationRequest(prompt="a"), 1)
    keep_parameters(tmp_path / "gone" / "deeper", GenerationResult(images=(image,), info={}))
    assert kept_parameters(tmp_path / "gone") == ""
