from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modules.settings.flags import parse_flags
from tests.api.conftest import Served, serving


@pytest.fixture(scope="module")
def craft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("craft")
    (data / "wildcards" / "deep").mkdir(parents=True)
    (data / "wildcards" / "colours.txt").write_text("# of things\nred\n2::green\n")
    (data / "wildcards" / "deep" / "shapes.yaml").write_text("shapes: [circle]\n")
    (data / "wildcards" / "bad.yaml").write_text("a: &a [x]\nb: *a\n")
    with serving(parse_flags(["--data-dir", str(data), "--skip-load-model-at-start"])) as served:
        yield served


def expand(craft: Served, template: str, **fields: Any) -> list[str]:
    answer = craft.client.post("/api/v1/prompts/expand", json={"template": template, **fields})
    assert answer.status_code == 200, answer.text
    return [each["prompt"] for each in answer.json()["prompts"]]


def test_wildcards_are_listed_with_what_is_wrong(craft: Served) -> None:
    told = craft.client.get("/api/v1/wildcards").json()
    assert told["names"] == ["colours", "deep/shapes"]
    assert "bad.yaml, line 2" in told["problems"][0]
    values = craft.client.get("/api/v1/wildcards/colours", params={"offset": 1}).json()
    assert values == {"values": [{"text": "green", "weight": 2.0, "wildcard": "colours", "line": 3}], "total": 2}
    assert craft.client.get("/api/v1/wildcards/deep/*").json()["values"][0]["text"] == "circle"
    for name in ("gone", "..%2Fconfig", "../colours"):
        assert craft.client.get(f"/api/v1/wildcards/{name}").status_code == 404


def test_templates_are_made_prompts(craft: Served) -> None:
    assert expand(craft, "a __colours__ cat", mode="all combinations", count=9) == ["a red cat", "a green cat"]
    assert expand(craft, "__colours__", mode="by index", count=3) == ["red", "green", "red"]
    assert expand(craft, "{a|b|c}{d|e}", seed=5, count=2)[1] == expand(craft, "{a|b|c}{d|e}", seed=6)[0]
    assert expand(craft, "{a|b}", variants=False) == ["{a|b}"]
    (told,) = craft.client.post("/api/v1/prompts/expand", json={"template": "__a__"}).json()["prompts"]
    assert told["prompt"] == "__a__"
    assert any("line 2" in note for note in told["notes"])
    assert craft.client.post("/api/v1/prompts/expand", json={"template": "x" * 100_001}).status_code == 422
