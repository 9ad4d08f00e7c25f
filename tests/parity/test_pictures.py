"""The same words and seed give the picture that A1111 gave, and the same parameters text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modules.application.application import Application
from tests.parity.replay import cases, make_data, replay, start


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    application = start(make_data(tmp_path_factory.mktemp("parity") / "data"))
    yield application
    application.close()


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_a_recorded_picture_comes_out_again(case: dict[str, Any], application: Application) -> None:
    outcome = replay(case, application)
    assert outcome.pictures_agree, outcome.comparisons
    for ours, theirs in outcome.infotexts:
        assert ours == theirs
