from __future__ import annotations

import pytest

from modules.infotext.network_names import added_networks, with_local_names
from modules.infotext.parse import parse
from modules.infotext.restore import RestoreOptions, restore

HERE = {"12ab": "my fur", "34cd": "ink"}


@pytest.mark.parametrize(
    ("prompt", "hashes", "renamed"),
    [
        ("a cat <lora:fur:0.5>", "fur: 12ab", "a cat <lora:my fur:0.5>"),
        ("<lora:fur><lyco:line:te=1:unet=0.5>", "fur: 12ab, line: 34cd", "<lora:my fur><lyco:ink:te=1:unet=0.5>"),
        ("<lora:fur:1>", "fur: 99ff", "<lora:fur:1>"),
        ("<lora:fur:1>", "", "<lora:fur:1>"),
        ("<lora:fur:1><lora:fur:2>", "fur: 12ab", "<lora:my fur:1><lora:my fur:2>"),
        ("<hypernet:fur:1>", "fur: 12ab", "<hypernet:fur:1>"),
        ("<lora:a, b:1>", "a b: 12ab", "<lora:my fur:1>"),
    ],
)
def test_networks_get_the_names_of_the_files_here(prompt: str, hashes: str, renamed: str) -> None:
    assert with_local_names(prompt, hashes, HERE.get) == renamed


def test_a_pasted_prompt_mentions_the_files_here() -> None:
    text = 'a cat <lora:fur:0.5>\nSteps: 20, Sampler: Euler, Seed: 1, Lora hashes: "fur: 12ab", Version: v1.10.1'
    assert restore(parse(text), RestoreOptions(network_by_hash=HERE.get))["Prompt"] == "a cat <lora:my fur:0.5>"
    assert restore(parse(text), RestoreOptions())["Prompt"] == "a cat <lora:fur:0.5>"


def test_what_additional_networks_wrote_becomes_tags() -> None:
    text = (
        "a cat\nSteps: 20, Sampler: Euler, Seed: 1, AddNet Enabled: True, AddNet Module 1: LoRA, "
        "AddNet Model 1: fur(12ab34cd), AddNet Weight A 1: 0.8, AddNet Weight B 1: 0.8, "
        "AddNet Module 2: LoRA, AddNet Model 2: None"
    )
    assert restore(parse(text), RestoreOptions())["Prompt"] == "a cat\n<lora:fur:0.8>"
    assert added_networks({"AddNet Enabled": "False", "AddNet Module 1": "LoRA", "AddNet Model 1": "fur"}) == ""
