from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modules.application.estimates import RunKind, Work
from modules.generation.result import GenerationResult
from modules.prompts.styles import Style
from modules.settings.flags import parse_flags
from tests.api.conftest import Served, serving
from tests.tiny_models import make_tiny_sd1


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


def test_words_are_completed_from_lists_and_wildcards(craft: Served) -> None:
    (craft.data / "tags").mkdir()
    (craft.data / "tags" / "danbooru.csv").write_text('lucy_(cyberpunk),4,5000,"lucyna"\nlong_hair,0,9\nbad\n')
    craft.app.styles.replace([Style(name="lush", prompt="{prompt}, green")])
    told = craft.client.get("/api/v1/completions", params={"q": "lu"}).json()
    assert [(each["kind"], each["text"], each["category"]) for each in told["items"]] == [
        ("style", "lush", ""),
        ("tag", r"lucy \(cyberpunk\)", "character"),
    ]
    assert [each["style_prompt"] for each in told["items"]] == ["green", ""]
    assert "danbooru.csv, line 3" in told["problems"][0]
    for asked, text in (("__co", "__colours__"), ("HAIR", "long hair"), ("lucyn", r"lucy \(cyberpunk\)")):
        items = craft.client.get("/api/v1/completions", params={"q": asked}).json()["items"]
        assert [each["text"] for each in items] == [text]
    assert craft.client.get("/api/v1/completions", params={"q": ""}).json()["items"] == []
    only = craft.client.get("/api/v1/completions", params={"q": "lu", "kind": "tag"}).json()["items"]
    assert [each["kind"] for each in only] == ["tag"]


def test_notes_know_the_lists_here_and_the_user_s_rules(craft: Served) -> None:
    (craft.data / "prompt-craft").mkdir()
    (craft.data / "prompt-craft" / "rules.yaml").write_text("rules:\n  mine: {when: [cat], needs: [dog]}\n  bad: {}\n")
    body = {"prompt": "(cat, <lora:gone:1>, gloves", "negative_prompt": "hands"}
    told = craft.client.post("/api/v1/prompts/notes", json=body).json()
    assert {(each["kind"], each["text"]) for each in told["notes"]} >= {
        ("brackets", "This ( is closed nowhere."),
        ("network", 'There is no network "gone".'),
        ("rule", "Hands are in the negative prompt, and this needs them."),
    }
    assert any("rules.yaml, line 3" in problem for problem in told["problems"])
    for prompt, is_long in (("word, " * 60, True), ("word " * 200, True), ("word, " * 30, False)):
        kinds = {
            note["kind"] for note in craft.client.post("/api/v1/prompts/notes", json={"prompt": prompt}).json()["notes"]
        }
        assert ("chunk" in kinds) == is_long


def test_a_bot_can_compose_a_prompt(craft: Served) -> None:
    told = craft.client.get("/api/v1/prompts/builder").json()
    categories = {each["name"]: each for each in told["categories"]}
    assert categories["props"]["most"] == 0
    assert categories["face"]["choices"][0]["names"]["ko"]
    body = {"choices": {"outfit": ["hanbok"], "outfit colour": ["red"]}, "quality": False}
    answer = craft.client.post("/api/v1/prompts/compose", json=body)
    assert answer.json() == {"prompt": "random color eyes, red hanbok", "negative_prompt": ""}
    one, two = (craft.client.post("/api/v1/prompts/compose", json={"seed": 5}).json() for _ in range(2))
    assert one == two
    refused = craft.client.post("/api/v1/prompts/compose", json={"choices": {"hat": ["x"]}})
    assert refused.status_code in (404, 422)
    assert "category" in refused.text


def test_tools_presets_sizes_and_prices(craft: Served) -> None:
    def tool(name: str, prompt: str, **fields: Any) -> str:
        answer = craft.client.post("/api/v1/prompts/tools", json={"tool": name, "prompt": prompt, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()["prompt"]

    assert tool("deduplicate", "a, b, A") == "a, b"
    assert tool("weight", "lowres, text", amount=0.9) == "(lowres:0.9), (text:0.9)"
    assert tool("brackets", "lowres, text", amount=-2) == "[[lowres]], [[text]]"
    assert tool("to_a1111", "{a}") == "(a:1.05)"
    assert tool("to_novelai", "(a:1.05)") == "{a}"
    assert tool("sort", "c, b, a", keep_first=1) == "c, a, b"
    assert tool("order", "smile, 1girl", order="danbooru") == "1girl, smile"
    body = {"tool": "order", "prompt": "a", "order": "gone"}
    assert craft.client.post("/api/v1/prompts/tools", json=body).status_code == 404

    presets = craft.client.get("/api/v1/prompts/presets").json()
    assert "NovelAI V3 Heavy" in presets["unwanted"]
    asked = {"prompt": "wolf", "quality": "NovelAI furry", "unwanted": "SDXL anime"}
    put = craft.client.post("/api/v1/prompts/presets", json=asked).json()
    assert put["prompt"] == "wolf, (best quality, amazing quality:1.05)"
    assert put["negative_prompt"] == presets["unwanted"]["SDXL anime"]

    lists = craft.client.get("/api/v1/prompts/lists").json()
    assert {each["weight"] for each in lists["weight_steps"]} == {0.95, 0.91, 0.82, 0.75}
    assert "danbooru" in lists["orders"]

    sizes = craft.client.get("/api/v1/prompts/sizes", params={"family": "SDXL"}).json()["sizes"]
    assert (sizes[0]["width"], sizes[0]["height"]) == (832, 1216)
    aspect = craft.client.get("/api/v1/prompts/aspect", params={"across": 16, "down": 9}).json()
    assert aspect == {"width": 640, "height": 384}
    cost = {"width": 1472, "height": 1472, "steps": 28}
    assert craft.client.get("/api/v1/prompts/cost", params=cost).json() == {"cost": 42}
    assert craft.client.get("/api/v1/prompts/cost", params={**cost, "generation": "V1"}).status_code == 422


def test_time_and_memory_are_told_from_what_was_measured(craft: Served) -> None:
    asked: dict[str, Any] = {"width": 512, "height": 512, "steps": 20, "sampler": "Heun", "batch_count": 2}
    told = craft.client.get("/api/v1/estimate", params=asked).json()
    assert told["seconds"] is None
    make_tiny_sd1(craft.data / "models" / "Stable-diffusion" / "one.safetensors")
    craft.app.catalogue.refresh()
    kind = RunKind(width=512, height=512, target_width=512, target_height=512)
    work = Work(checkpoint="one.safetensors", kind=kind, evaluations=20 * 512 * 512 / 1e6, pictures=1)
    seconds = {"load": 7.0, "sample": 10.0, "decode": 1.0}
    craft.app.estimates.learn(work, GenerationResult(images=(), info={}, seconds=seconds, peak_device_bytes=3 * 10**9))
    told = craft.client.get("/api/v1/estimate", params={**asked, "model": "one"}).json()
    # Two pictures, each with twice the evaluations, for Heun asks the model twice a step.
    assert told == {"seconds": 42.0, "loading_seconds": 7.0, "peak_bytes": 3 * 10**9, "runs": 1, "exact": True}
    larger = {**asked, "model": "one", "sampler": "Euler", "hires_width": 1024, "hires_height": 1024, "batch_count": 1}
    assert craft.client.get("/api/v1/estimate", params=larger).json()["seconds"] == pytest.approx(10 * 5 + 4)
    assert craft.client.get("/api/v1/estimate", params={**asked, "model": "gone"}).status_code == 404
    assert craft.client.get("/api/v1/estimate", params={**asked, "width": 0}).status_code == 422


def test_presets_of_a_model_are_chosen(craft: Served) -> None:
    make_tiny_sd1(craft.data / "models" / "Stable-diffusion" / "kept.safetensors")
    craft.app.catalogue.refresh()
    address = "/api/v1/prompts/presets/model"
    asked = {"model": "kept", "quality": "NovelAI furry"}
    assert craft.client.put(address, json=asked).json() == {
        "model": "kept.safetensors",
        "quality": "NovelAI furry",
        "unwanted": "None",
    }
    suited = craft.client.get("/api/v1/prompts/presets", params={"model": "kept"}).json()
    assert (suited["suggested_quality"], suited["suggested_unwanted"]) == ("NovelAI furry", "None")
    assert craft.client.put(address, json={**asked, "quality": "NovelAI fury"}).status_code in (404, 422)
    assert craft.client.put(address, json={**asked, "model": "gone"}).status_code in (404, 422)
    craft.client.put(address, json={"model": "kept"})
    assert craft.client.get("/api/v1/prompts/presets", params={"model": "kept"}).json()["suggested_quality"] == "None"


def test_trigger_words_of_a_file_that_is_not_here_are_a_404(craft: Served) -> None:
    assert craft.client.get("/api/v1/trigger-words", params={"kind": "lora", "name": "gone"}).status_code == 404
