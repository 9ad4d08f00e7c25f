"""schemathesis makes requests up from the document of the API: whatever it sends, it is not our fault."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterator
from typing import Any, cast

import hypothesis
import pytest
import schemathesis
from hypothesis.errors import Unsatisfiable
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig

from tests.api.conftest import Served, flags_for, serving
from tests.tiny_models import make_tiny_sd1

EXAMPLES = 2
LONG = {"/sdapi/v1/txt2img", "/sdapi/v1/img2img", "/sdapi/v1/options", "/internal/progress"}
"""Routes with more than a few fields are tried more often."""


ENDLESS = {"/api/v1/events"}
"""Streams, which no client of this kind sees the end of."""


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a tiny checkpoint that takes only what is done in no time."""
    data = tmp_path_factory.mktemp("fuzz")
    make_tiny_sd1(data / "models" / "Stable-diffusion" / "tiny.safetensors")
    with serving(flags_for(data, max_side=64, max_steps=2, max_pictures=2)) as served:
        yield served


@pytest.fixture(scope="module")
def document(bounded: Served) -> Any:
    generation = GenerationConfig(deterministic=True, max_examples=EXAMPLES)
    config = SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
    return schemathesis.openapi.from_url(f"{bounded.client.base_url}/openapi.json", config=config)


def test_no_request_is_answered_by_an_error_of_ours(bounded: Served, document: Any) -> None:
    tried = 0
    for result in document.get_all_operations():
        operation = result.ok()
        if operation.path in ENDLESS:
            continue
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            for case in cases_of(operation, mode):
                response = case.call(session=None, timeout=120)
                assert response.status_code < 500, (operation.label, case.body, case.query, response.text)
                tried += 1
    assert tried > 100
    assert bounded.client.get("/internal/ping").status_code == 200


def cases_of(operation: Any, mode: Any) -> list[Any]:
    """A few made-up requests for a route, the same ones each time."""
    found: list[Any] = []
    number = EXAMPLES * 5 if operation.path in LONG else EXAMPLES

    @hypothesis.seed(1)
    @hypothesis.settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=datetime.timedelta(minutes=5),
        suppress_health_check=cast("list[hypothesis.HealthCheck]", list(hypothesis.HealthCheck)),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        found.append(case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            collect()
        except Unsatisfiable:  # a route that takes nothing cannot be asked wrongly
            return found
        except schemathesis.errors.SchemathesisError:
            return found
    return found
