"""The documented surface, against the recorded one; and what building it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Served

RECORDED = json.loads((Path(__file__).parent / "data" / "openapi.json").read_text(encoding="utf-8"))
OUR_NAMES = {
    "modules__api__models__ProgressResponse": "ProgressResponse",
    "modules__progress__ProgressResponse": "InternalProgressResponse",
    "ProgressRequest": "InternalProgressRequest",
}
DELIBERATE = {
    # An object of known fields instead of any object.
    ("modules__api__models__ProgressResponse", "state"),
}


@pytest.fixture(scope="module")
def ours(session_server: Served) -> dict[str, Any]:
    schema: dict[str, Any] = session_server.client.get("/openapi.json").json()
    return schema


def types_of(schema: dict[str, Any]) -> set[str]:
    """The types a property may have, null aside."""
    choices = schema.get("anyOf", [schema])
    return {choice["type"] for choice in choices if "type" in choice and choice["type"] != "null"}


def fields() -> Iterator[tuple[str, str]]:
    for schema, recorded in RECORDED["schemas"].items():
        for name in recorded["properties"]:
            yield schema, name


@pytest.mark.parametrize(("schema", "name"), list(fields()))
def test_a_field_has_its_recorded_type_and_default(ours: dict[str, Any], schema: str, name: str) -> None:
    recorded = RECORDED["schemas"][schema]["properties"][name]
    mine = ours["components"]["schemas"][OUR_NAMES.get(schema, schema)]["properties"][name]
    if (schema, name) in DELIBERATE:
        return
    if "type" in recorded:
        assert types_of(mine) == {recorded["type"]}
    assert mine.get("default") == recorded.get("default")


@pytest.mark.parametrize("schema", RECORDED["schemas"])
def test_no_field_is_required_that_a_client_may_leave_out(ours: dict[str, Any], schema: str) -> None:
    mine = ours["components"]["schemas"][OUR_NAMES.get(schema, schema)]
    if schema.startswith(("StableDiffusion", "PNGInfoRequest", "ProgressRequest")):
        assert set(mine.get("required", [])) <= set(RECORDED["schemas"][schema]["required"])
    else:
        assert set(RECORDED["schemas"][schema]["required"]) <= set(mine["properties"])


@pytest.mark.parametrize("path", RECORDED["paths"])
def test_a_route_is_there_with_its_methods_and_parameters(ours: dict[str, Any], path: str) -> None:
    for method, recorded in RECORDED["paths"][path].items():
        mine = ours["paths"][path][method]
        assert [parameter["name"] for parameter in mine.get("parameters", [])] == recorded["parameters"]


def test_every_route_is_described(ours: dict[str, Any]) -> None:
    for path, methods in ours["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)


def test_the_documentation_is_served(session_server: Served) -> None:
    response = session_server.client.get("/docs")
    assert response.status_code == 200
    assert "text/html" in response.headers["content-type"]
    assert "//" not in response.text.replace("// ", "")  # nothing comes from elsewhere


def test_building_the_api_imports_no_heavy_library() -> None:
    script = (
        "import pathlib, sys\n"
        "from modules.api.server import create_api\n"
        "from modules.application.application import Application\n"
        "from modules.settings.flags import Flags\n"
        "app = Application(Flags(data_dir=pathlib.Path(sys.argv[1])))\n"
        "create_api(app).openapi()\n"
        "app.close()\n"
        "print([name for name in ('torch', 'diffusers', 'transformers', 'gradio') if name in sys.modules])\n"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script, str(root / "does-not-exist")]
    assert subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip() == "[]"
