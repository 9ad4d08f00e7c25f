"""What a picture's parameters mean under the settings, and with the networks, of this program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from modules.application.application import Application
from modules.application.infotexts import parameters_of
from modules.settings.flags import Flags

FIELDS = "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 1"
HASH = "0123456789ab"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    (tmp_path / "styles.csv").write_text("name,prompt,negative_prompt\nnight,dark,\n", encoding="utf-8")
    application = Application(Flags(data_dir=tmp_path))
    yield application
    application.close()


def put_lora(app: Application, name: str, alias: str) -> None:
    folder = app.paths.models / "Lora"
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"ss_output_name": alias, "sshs_model_hash": HASH * 4}
    save_file({"x": torch.zeros(2)}, folder / f"{name}.safetensors", metadata)


@pytest.mark.parametrize(
    ("mode", "prompt", "styles"),
    [
        ("Ignore", "a cat, dark", None),
        ("Discard", "a cat", None),
        ("Apply", "a cat", ["night"]),
        ("Apply if any", "a cat", ["night"]),
    ],
)
def test_the_setting_says_what_becomes_of_styles(
    app: Application, mode: str, prompt: str, styles: list[str] | None
) -> None:
    app.settings.change({"infotext_styles": mode})
    found = parameters_of(f"a cat, dark\n{FIELDS}", app)
    assert (found["Prompt"], found.get("Styles array")) == (prompt, styles)


def test_the_setting_says_whether_old_versions_imply_what_they_did(app: Application) -> None:
    text = f"a [cat:dog:5]\n{FIELDS}, Version: v1.5.0"
    assert parameters_of(text, app)["Old prompt editing timelines"]
    app.settings.change({"auto_backcompat": False})
    assert "Old prompt editing timelines" not in parameters_of(text, app)


@pytest.mark.parametrize(
    ("preference", "written", "pasted"),
    [
        ("Alias from file", "elsewhere", "alias"),
        ("Filename", "elsewhere", "file"),
        ("Filename", "alias", "file"),
        ("Alias from file", "file", "file"),
        ("Filename", "file", "file"),
    ],
)
def test_networks_get_the_names_that_the_setting_prefers(
    app: Application, preference: str, written: str, pasted: str
) -> None:
    put_lora(app, "file", "alias")
    app.settings.change({"lora_preferred_name": preference})
    text = f'a <lora:{written}:0.5>\n{FIELDS}, Lora hashes: "{written}: {HASH}"'
    assert parameters_of(text, app)["Prompt"] == f"a <lora:{pasted}:0.5>"


@pytest.mark.parametrize("name", ["one", "two"])
def test_of_two_networks_with_one_hash_the_named_one_stays(app: Application, name: str) -> None:
    put_lora(app, "one", "first")
    put_lora(app, "two", "second")
    text = f'a <lora:{name}:0.5>\n{FIELDS}, Lora hashes: "{name}: {HASH}"'
    assert parameters_of(text, app)["Prompt"] == f"a <lora:{name}:0.5>"


def test_the_tag_of_a_network_whose_alias_no_tag_can_hold_finds_it(app: Application) -> None:
    put_lora(app, "file", "style: ink")
    text = f'a <lora:elsewhere:0.5>\n{FIELDS}, Lora hashes: "elsewhere: {HASH}"'
    assert parameters_of(text, app)["Prompt"] == "a <lora:file:0.5>"


def test_samplers_of_other_programs_get_their_names_here(app: Application) -> None:
    text = "a\nSteps: 20, Sampler: dpmpp_2m_sde_karras, Seed: 1, Hires sampler: euler_ancestral"
    found = parameters_of(text, app)
    assert (found["Sampler"], found["Hires sampler"]) == ("DPM++ 2M SDE Karras", "Euler a")
    assert parameters_of(f"a\n{FIELDS}", app)["Hires sampler"] == "Use same sampler"


def test_fields_that_the_settings_disregard_are_not_pasted(app: Application) -> None:
    app.settings.change({"infotext_skip_pasting": ["Seed", "CFG scale"]})
    values = parameters_of(f"a cat\n{FIELDS}", app)
    assert "Steps" in values
    assert not {"Seed", "CFG scale"} & values.keys()
