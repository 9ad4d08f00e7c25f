"""Settings with defaults, reasons, resets and files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import flags_for, serving


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of an Easel whose settings are the defaults."""
    with serving(flags_for(tmp_path)) as served:
        yield served.client


def test_each_setting_is_told_with_default_section_and_value(client: httpx.Client) -> None:
    client.post("/sdapi/v1/options", json={"jpeg_quality": 55})
    told = client.get("/api/v1/settings").json()
    quality = next(state for state in told["settings"] if state["key"] == "jpeg_quality")
    assert (quality["default"], quality["value"], quality["section"]) == (80, 55, "Saving images/grids")
    assert told["changed"] == ["jpeg_quality"]


def test_null_brings_a_default_back(client: httpx.Client) -> None:
    client.post("/sdapi/v1/options", json={"jpeg_quality": 55, "samples_format": "webp"})
    assert client.patch("/api/v1/settings", json={"jpeg_quality": None}).json() == {"changed": ["jpeg_quality"]}
    assert client.get("/api/v1/settings").json()["changed"] == ["samples_format"]


def test_one_value_that_does_not_fit_changes_nothing(client: httpx.Client) -> None:
    answer = client.patch("/api/v1/settings", json={"samples_format": "webp", "jpeg_quality": "much"})
    assert answer.status_code == 422
    assert "jpeg_quality" in answer.text
    assert client.get("/api/v1/settings").json()["changed"] == []


def test_the_file_of_changed_settings_is_taken_back(client: httpx.Client) -> None:
    client.post("/sdapi/v1/options", json={"jpeg_quality": 55, "samples_format": "webp"})
    file = client.get("/api/v1/settings/file")
    assert "attachment" in file.headers["content-disposition"]
    assert file.json() == {"samples_format": "webp", "jpeg_quality": 55}
    client.patch("/api/v1/settings", json={"jpeg_quality": None, "samples_format": None})
    client.patch("/api/v1/settings", json=file.json())
    assert set(client.get("/api/v1/settings").json()["changed"]) == {"jpeg_quality", "samples_format"}


def test_a_setting_without_effect_is_told_with_its_reason(client: httpx.Client) -> None:
    told = client.get("/api/v1/settings").json()
    acting = {state["key"] for state in told["settings"]}
    assert not acting & told["without_effect"].keys()
    assert told["without_effect"]
    assert all(told["without_effect"].values())
