"""The documented surface, against the recorded one, whole; and what building it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Served

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "openapi.json").read_text(encoding="utf-8"))

FIELDS = "known fields in the place of any object"
PICTURE = "a picture, as it is sent"
FOLDER = "follows from the program's folder; the answer has the folder itself"
DIFFERENT: dict[str, str] = {
    # What differs and stays different, with the reason.
    "get /internal/sysinfo answer: kind": "text, as it is sent",
    "get /internal/sysinfo-download answer: kind": "text, as it is sent",
    "get /internal/sysinfo ?attachment: type": "a boolean, which the recorded one is too",
    "get /sd_extra_networks/thumb answer: kind": PICTURE,
    "get /sd_extra_networks/cover-images answer: kind": PICTURE,
    "post /sdapi/v1/create/embedding body: shape": FIELDS,
    "post /sdapi/v1/create/hypernetwork body: shape": FIELDS,
    "post /sdapi/v1/train/embedding body: shape": FIELDS,
    "post /sdapi/v1/train/hypernetwork body: shape": FIELDS,
    "get /sdapi/v1/options answer.api_enable_requests: default False instead of True": "no URL is fetched by default",
    "get /sdapi/v1/cmd-flags answer.data_dir: default None instead of 'ROOT'": FOLDER,
    "get /sdapi/v1/cmd-flags answer.gfpgan_dir: default None instead of './GFPGAN'": "models/GFPGAN is the only one",
    "get /sdapi/v1/cmd-flags answer.gradio_allowed_path: default [] instead of ['DATA']": "pictures are served anyway",
}


@pytest.fixture(scope="module")
def ours(session_server: Served) -> dict[str, Any]:
    schema: dict[str, Any] = session_server.client.get("/openapi.json").json()
    return schema


class Comparison:
    """Two documents, walked side by side. Yields a line for each difference that a client could notice."""

    def __init__(self, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
        self.ours, self.theirs = ours, theirs

    def differences(self) -> Iterator[str]:
        for path, methods in self.theirs["paths"].items():
            for method, operation in methods.items():
                mine = self.ours["paths"].get(path, {}).get(method)
                if mine is None:
                    yield f"{method} {path}: missing"
                else:
                    yield from self._operation(f"{method} {path}", mine, operation)

    def _operation(self, name: str, mine: Any, theirs: Any) -> Iterator[str]:
        parameters = {each["name"]: each for each in mine.get("parameters", [])}
        for parameter in theirs.get("parameters", []):
            own = parameters.pop(parameter["name"], None)
            if own is None:
                yield f"{name} ?{parameter['name']}: missing"
            else:
                yield from self._field(f"{name} ?{parameter['name']}", own["schema"], parameter["schema"])
        for surplus, parameter in parameters.items():
            if parameter["required"]:
                yield f"{name} ?{surplus}: required, but no client sends it"
        if "requestBody" in theirs:
            bodies = (operation["requestBody"]["content"]["application/json"]["schema"] for operation in (mine, theirs))
            yield from self._object(f"{name} body", *bodies, sent=True)
        yield from self._answer(name, mine, theirs)

    def _answer(self, name: str, mine: Any, theirs: Any) -> Iterator[str]:
        content = theirs["responses"]["200"].get("content", {})
        own = mine["responses"]["200"].get("content", {})
        if set(own) != set(content):
            yield f"{name} answer: kind"
            return
        wanted = content["application/json"]["schema"]
        if wanted:
            yield from self._object(f"{name} answer", own["application/json"]["schema"], wanted, sent=False)

    def _object(self, name: str, mine: Any, theirs: Any, *, sent: bool) -> Iterator[str]:
        mine, theirs = self._resolved(mine, self.ours), self._resolved(theirs, self.theirs)
        if theirs.get("type") == "array":
            yield from self._object(f"{name}[]", mine.get("items", {}), theirs["items"], sent=sent)
            return
        if "properties" in mine and "properties" not in theirs:
            yield f"{name}: shape"
            return
        own = mine.get("properties", {})
        for key, field in theirs.get("properties", {}).items():
            if key not in own:
                yield f"{name}.{key}: missing"
            else:
                yield from self._field(f"{name}.{key}", own[key], field)
        required = set(mine.get("required", [])) - set(theirs.get("required", []))
        if sent and required:
            yield f"{name}: requires {sorted(required)}"

    def _field(self, name: str, mine: Any, theirs: Any) -> Iterator[str]:
        kinds, wanted = self._kinds(mine, self.ours), self._kinds(theirs, self.theirs)
        if wanted and kinds and kinds != wanted:
            yield f"{name}: type {sorted(kinds)} instead of {sorted(wanted)}"
        elif bool(wanted) != bool(kinds) and not name.startswith(("get /sdapi/v1/options", "get /sdapi/v1/cmd-flags")):
            yield f"{name}: type"
        if not self._same_default(mine.get("default"), theirs.get("default")):
            yield f"{name}: default {mine.get('default')!r} instead of {theirs.get('default')!r}"

    @staticmethod
    def _same_default(mine: Any, theirs: Any) -> bool:
        # What follows from the folders of the recording machine.
        if str(theirs).startswith(("DATA/", "ROOT/")) or theirs in (None, ""):
            return mine in (None, "", False) or theirs is None or str(mine).startswith("models/")
        return bool(mine == theirs)

    def _kinds(self, schema: Any, document: Any) -> set[str]:
        """The types that a value may have, null aside."""
        choices = schema.get("anyOf", [schema])
        found = (self._resolved(choice, document).get("type") for choice in choices)
        return {kind for kind in found if kind and kind != "null"}

    @staticmethod
    def _resolved(schema: Any, document: Any) -> Any:
        if "$ref" in schema:
            return document["components"]["schemas"][schema["$ref"].split("/")[-1]]
        return schema


def test_every_recorded_route_parameter_and_field_is_here_as_it_was(ours: dict[str, Any]) -> None:
    found = set(Comparison(ours, RECORDED).differences())
    assert not (more := sorted(found - DIFFERENT.keys())), "\n".join(more)
    assert not (gone := sorted(DIFFERENT.keys() - found)), "\n".join(gone)


def test_the_comparison_sees_what_is_missing_or_changed(ours: dict[str, Any]) -> None:
    changed: dict[str, Any] = json.loads(json.dumps(ours))
    fields = changed["components"]["schemas"]["StableDiffusionProcessingTxt2Img"]["properties"]
    fields["steps"]["default"] = 20
    fields["seed"]["type"] = "string"
    del fields["prompt"], changed["paths"]["/sdapi/v1/skip"]
    changed["paths"]["/sdapi/v1/progress"]["get"]["parameters"] = []
    found = set(Comparison(changed, RECORDED).differences()) - set(Comparison(ours, RECORDED).differences())
    assert found == {
        "post /sdapi/v1/txt2img body.steps: default 20 instead of 50",
        "post /sdapi/v1/txt2img body.seed: type ['string'] instead of ['integer']",
        "post /sdapi/v1/txt2img body.prompt: missing",
        "post /sdapi/v1/skip: missing",
        "get /sdapi/v1/progress ?skip_current_image: missing",
    }


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
