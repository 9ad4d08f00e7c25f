import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.errors import RequestError, SettingsError
from modules.prompts.length import LONGEST_PROMPT
from modules.prompts.styles import (
    Style,
    apply_styles,
    extract_styles,
    merge_style,
    pick_styles,
    read_styles,
    write_styles,
)

TABLE = json.loads((Path(__file__).parents[1] / "parity/tables/styles.json").read_text(encoding="utf-8"))
STYLES = read_styles(TABLE["csv"])


def test_a_styles_file_is_read_as_recorded():
    assert [[style.name, style.prompt, style.negative_prompt] for style in STYLES] == TABLE["loaded"]


@pytest.mark.parametrize("row", TABLE["apply"], ids=[f"{row['styles']} on {row['prompt']!r}" for row in TABLE["apply"]])
def test_styles_are_put_around_prompts_as_recorded(row: dict):
    chosen, _ = pick_styles(row["styles"], STYLES)
    result = apply_styles(row["prompt"], row["negative_prompt"], chosen)
    assert result == (row["result"], row["negative_result"])


@pytest.mark.parametrize("row", TABLE["extract"], ids=[repr(row["prompt"]) for row in TABLE["extract"]])
def test_styles_are_found_again_as_recorded(row: dict):
    result = extract_styles(row["prompt"], row["negative_prompt"], STYLES)
    assert result == (row["found"], row["rest"], row["negative_rest"])


@pytest.mark.parametrize("row", TABLE["merge"], ids=[repr(row["style"]) for row in TABLE["merge"]])
def test_one_style_is_merged_as_recorded(row: dict):
    assert merge_style(row["style"], row["prompt"]) == row["merged"]


def test_unknown_names_are_reported_and_none_is_not_one():
    chosen, unknown = pick_styles(["ink", "nope", "None", ""], STYLES)
    assert [style.name for style in chosen] == ["ink"]
    assert unknown == ["nope"]


NAMES = st.text(alphabet=st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: not name.startswith(("#", " ", "\ufeff"))
)
TEXTS = st.text(alphabet=st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])).filter(
    lambda text: not text.startswith(" ")
)


@given(st.lists(st.builds(Style, name=NAMES, prompt=TEXTS, negative_prompt=TEXTS)))
def test_a_written_styles_file_reads_back_the_same(styles: list[Style]):
    assert read_styles(write_styles(styles)) == styles


@given(st.text())
def test_any_text_is_a_styles_file_or_is_refused_by_name(text: str):
    try:
        read_styles(text)
    except SettingsError as error:
        assert "CSV" in str(error)  # noqa: PT017 - most texts are CSV of some kind


PLAIN = st.text(alphabet="abc", min_size=1)


@given(PLAIN, PLAIN, PLAIN)
def test_an_applied_style_is_found_again(prompt: str, before: str, after: str):
    style = Style(name="s", prompt=f"{before} {{prompt}} {after}", negative_prompt="zzz")
    assert extract_styles(*apply_styles(prompt, "", [style]), [style]) == (["s"], prompt, "")


@pytest.mark.parametrize("template", ["{prompt} {prompt}", "{prompt}, drawn" * 10, "x" * LONGEST_PROMPT])
def test_styles_that_multiply_a_prompt_are_refused_before_it_is_made(template: str):
    styles = [Style(name=str(number), negative_prompt=template) for number in range(500)]
    with pytest.raises(RequestError, match=f"at most|the most is {LONGEST_PROMPT:,}") as caught:
        apply_styles("", "a cat", styles)
    assert caught.value.field == "negative_prompt"
