from __future__ import annotations

import pytest

from modules.networks.tags import NetworkRequest, read_tags
from modules.prompts.networks import extract_networks


def wishes(text: str) -> list[NetworkRequest]:
    found, problems = read_tags(extract_networks(text)[1])
    assert not problems
    return found


@pytest.mark.parametrize(
    ("text", "te", "unet", "rank"),
    [
        ("<lora:x>", 1.0, 1.0, None),
        ("<lora:x:0.8>", 0.8, 0.8, None),
        ("<lora:x:0.5:1.0>", 0.5, 1.0, None),
        ("<lora:x:0.5:1.0:4>", 0.5, 1.0, 4),
        ("<lora:x:te=0.5>", 0.5, 0.5, None),
        ("<lora:x:unet=0.5>", 1.0, 0.5, None),
        ("<lora:x:0.8:te=0.5>", 0.5, 0.5, None),
        ("<lora:x:te=0.5:unet=0.25:dyn=8>", 0.5, 0.25, 8),
        ("<lora:x: 0.8 >", 0.8, 0.8, None),
        ("<lora:x:-1>", -1.0, -1.0, None),
        ("<lora:x:dyn=0>", 1.0, 1.0, 0),
    ],
)
def test_multipliers_are_read_by_place_and_by_name(text: str, te: float, unet: float, rank: int | None) -> None:
    assert wishes(text) == [NetworkRequest(kind="lora", name="x", te=te, unet=unet, rank=rank)]


@pytest.mark.parametrize(
    ("text", "te", "unet", "rank"),
    [
        ("<lora:x:0.3> <lora:x:0.9>", 0.9, 0.9, None),
        ("<lora:x:0.3:0.4:8><lora:x>", 1.0, 1.0, None),
        ("<lora:x><lora:x:te=0.5:dyn=4>", 0.5, 0.5, 4),
        ("<lora:x:1><lyco:x:unet=0.5>", 1.0, 0.5, None),
    ],
)
def test_a_lora_named_twice_has_both_times_the_strength_of_its_last_tag(
    text: str, te: float, unet: float, rank: int | None
) -> None:
    assert wishes(text) == [NetworkRequest(kind="lora", name="x", te=te, unet=unet, rank=rank)] * 2


def test_each_hypernetwork_and_each_other_lora_has_its_own_strength() -> None:
    found = wishes("<hypernet:x:0.3><lora:x:0.5><lora:y:0.6><hypernet:x:0.9>")
    assert [wish.te for wish in found] == [0.3, 0.5, 0.6, 0.9]


def test_lyco_means_lora_and_hypernetworks_are_told_apart() -> None:
    found = wishes("<lyco:a:0.5> and <hypernet:b:0.7><unheard_of:c:1>")
    assert [(wish.kind, wish.name, wish.te) for wish in found] == [("lora", "a", 0.5), ("hypernet", "b", 0.7)]


@pytest.mark.parametrize("text", ["<lora:x:strong>", "<lora:x:nan>", "<lora:x:1:inf>", "<lora::1>", "<lora:x:dyn=all>"])
def test_a_tag_that_cannot_be_understood_is_quoted_and_the_others_are_read(text: str) -> None:
    found, problems = read_tags(extract_networks(f"{text}<lora:good:0.5>")[1])
    assert [wish.name for wish in found] == ["good"]
    assert len(problems) == 1
    assert text in problems[0]
