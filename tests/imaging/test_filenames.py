"""Patterns of file names, against the recorded table."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.imaging.filenames import TOKENS, NameContext, NameLimits, fill_pattern, sanitize

TABLE = json.loads((Path(__file__).parents[1] / "parity/tables/filenames.json").read_text(encoding="utf-8"))
NOW = datetime.datetime(2024, 3, 5, 14, 7, 9, 123456, tzinfo=datetime.UTC)
OWN_SCHEDULE = {"DPM++ 2M": "karras", "DPM++ 3M SDE": "exponential"}


def context_of(name: str) -> NameContext:
    recorded = TABLE["contexts"][name]
    values: dict[str, Any] = recorded["p"]
    automatic = values["scheduler"] == "Automatic"
    return NameContext(
        now=NOW,
        seed=recorded["seed"],
        prompt=recorded["prompt"],
        negative_prompt=values["negative_prompt"],
        steps=values["steps"],
        cfg_scale=values["cfg_scale"],
        width=64,
        height=48,
        sampler=values["sampler_name"],
        scheduler=OWN_SCHEDULE.get(values["sampler_name"], "Automatic") if automatic else values["scheduler"],
        styles=tuple(values["styles"]),
        model_name=TABLE["loaded_checkpoint"],
        model_hash=values["sd_model_hash"],
        denoising_strength=values["denoising_strength"],
        batch_index=values["batch_index"],
        batch_size=values["batch_size"],
        iteration=values["iteration"],
        batch_count=values["n_iter"],
        all_seeds=tuple(values["all_seeds"]),
        job_timestamp=values["job_timestamp"],
        user=values["user"],
        basename="img",
        image=Image.fromarray((np.arange(64 * 48 * 3) % 251).astype(np.uint8).reshape(48, 64, 3)),
    )


WHOLE_IMAGE_HASH = hashlib.sha256((np.arange(64 * 48 * 3) % 251).astype(np.uint8).tobytes()).hexdigest()


@pytest.mark.parametrize("row", TABLE["names"], ids=lambda row: f"{row['context']} {row['pattern']}")
def test_a_pattern_is_filled_as_recorded(row: dict[str, str]) -> None:
    assert fill_pattern(row["pattern"], context_of(row["context"])) == row["result"]


@pytest.mark.parametrize("row", TABLE["sanitize"], ids=lambda row: f"{row['text'][:20]!r} {row['replace_spaces']}")
def test_a_part_of_a_name_is_cleaned_as_recorded(row: dict[str, Any]) -> None:
    assert sanitize(row["text"], replace_spaces=row["replace_spaces"]) == row["result"]


def test_the_table_has_rows() -> None:
    assert len(TABLE["names"]) > 200
    assert len(TABLE["sanitize"]) > 10


def test_every_token_gives_something_that_can_stand_in_a_name() -> None:
    context = dataclasses.replace(
        context_of("batch"),
        user="../../etc/passwd",
        model_name="a/b",
        sampler="x:y",
        vae_name="v\\w.pt",
        model_hash="/",
    )
    for token in TOKENS:
        filled = fill_pattern(f"[{token}]", context)
        assert "/" not in filled
        assert "\\" not in filled
        assert "\n" not in filled


def test_styles_can_be_left_out_of_the_prompt() -> None:
    context = NameContext(
        now=NOW,
        prompt="a poster of a cat, (retro:1.2), film grain",
        styles=("wrap", "grain"),
        style_prompts=("a poster of {prompt}, (retro:1.2)", "{prompt}, film grain"),
    )
    assert fill_pattern("[prompt_no_styles]", context) == "a cat"


def test_the_number_of_prompt_words_is_a_limit() -> None:
    assert fill_pattern("[prompt_words]", context_of("base"), NameLimits(prompt_words=3)) == "a photo of"


def test_an_unknown_time_zone_leaves_local_time() -> None:
    assert fill_pattern("[datetime<%H><Nowhere/At all>]", context_of("base")) == "14"


def test_a_hash_of_the_negative_prompt_tells_pictures_apart() -> None:
    one = fill_pattern("[negative_prompt_hash<6>]", NameContext(now=NOW, negative_prompt="blurry"))
    other = fill_pattern("[negative_prompt_hash<6>]", NameContext(now=NOW, negative_prompt="ugly"))
    assert len(one) == len(other) == 6
    assert one != other


@given(st.sampled_from([*TOKENS, "unknown", "Seeds"]), st.lists(st.text("a1%|-. ", max_size=4), min_size=1, max_size=3))
def test_any_arguments_give_a_value_or_the_name_alone(token: str, arguments: list[str]) -> None:
    filled = fill_pattern(f"[{token}{''.join(f'<{argument}>' for argument in arguments)}]", context_of("batch"))
    hashes = token.endswith("_hash") and token != "model_hash"
    assert filled == f"[{token}]" or hashes or token in ("hasprompt", "datetime")
    if hashes:
        whole = fill_pattern(f"[{token}<64>]", context_of("batch"))
        assert filled == f"[{token}]" or whole.startswith(filled)


@pytest.mark.parametrize(
    ("pattern", "result"),
    [
        ("[hasprompt<PHOTO>]", "photo"),
        ("[hasprompt<a photo|no>]", "a_photo"),
        ("[hasprompt<dog|No: Dog>]", "No__Dog"),
        ("[hasprompt<|x>]", ""),
        ("[hasprompt]", ""),
        ("[datetime<%Y><Not/There>]", "2024"),
        ("[datetime<%H:%M><Asia/Tokyo>]", "23_07"),
        ("[prompt_hash<>]", "acc75f84"),
        ("[prompt_hash<0>]", "acc75f84"),
        ("[negative_prompt_hash<6>]", hashlib.sha256(b"ugly, blurry").hexdigest()[:6]),
        ("[image_hash<>]", WHOLE_IMAGE_HASH),
        ("[image_hash]", WHOLE_IMAGE_HASH),
        ("[image_hash<12>]", WHOLE_IMAGE_HASH[:12]),
        ("[image_hash<ten>]", "[image_hash]"),
        ("[prompt_hash< 4 >]", "acc7"),
        ("[prompt_hash<4><5>]", "acc7"),
        ("[prompt_hash<100>]", hashlib.sha256(context_of("base").prompt.encode()).hexdigest()),
        ("[prompt_hash<abc>]", "[prompt_hash]"),
        ("[Full_Prompt_Hash<4.5>]", "[Full_Prompt_Hash]"),
        ("[seed<3>]-[steps]", "[seed]-20"),
        ("[seed<>]", "[seed]"),
        ("[Steps<5>]", "[Steps]"),
        ("[none<x>]", "[none]"),
        ("x[batch_number<2>]", "x[batch_number]"),
        ("[no such thing<1><2>]", "[no such thing]"),
        ("[Unknown]", "[Unknown]"),
        ("[datetime<%Y><UTC><more>]", "2024"),
        ("[seed<3]", "[seed<3]"),
        ("[prompt_hash<4>x]", "[prompt_hash<4>x]"),
        ("x[denoising]y[batch_number]z", "z"),
    ],
)
def test_arguments_of_tokens(pattern: str, result: str) -> None:
    assert fill_pattern(pattern, context_of("base")) == result


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses what these names hold")
def test_unix_names_keep_what_only_other_systems_refuse() -> None:
    context = NameContext(now=NOW, prompt='a "cat": why? #1 <b> a/b\n')
    assert fill_pattern("[prompt_spaces]", context, NameLimits(unix_names=True)) == 'a "cat": why? #1 <b> a_b_'
    assert fill_pattern("[prompt_spaces]", context) == "a _cat__ why_ _1 _b_ a_b_"


def test_a_part_is_as_long_as_the_limit_says() -> None:
    context = NameContext(now=NOW, prompt="x" * 300, user="y" * 300)
    assert fill_pattern("[prompt]-[user]", context, NameLimits(part_length=40)) == "x" * 40 + "-" + "y" * 40
