import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.infotext.labels import implied_settings
from modules.infotext.parse import Infotext, parse
from modules.infotext.quoting import quote, unquote
from modules.infotext.restore import RestoreOptions, old_first_pass_size, restore
from modules.infotext.versions import Version, parse_version
from modules.infotext.write import write
from modules.prompts.attention import uses_emphasis
from modules.prompts.styles import extract_styles, read_styles

TABLE = json.loads((Path(__file__).parents[1] / "parity/tables/infotext.json").read_text(encoding="utf-8"))
STYLES = read_styles(TABLE["styles_csv"])

DEFAULTS: dict[str, Any] = {
    "use_old_scheduling": False,
    "use_downcasted_alpha_bar": False,
    "refiner_switch_by_sample_steps": False,
    "s_min_uncond": 0.0,
    "s_min_uncond_all": False,
    "token_merging_ratio": 0.0,
    "token_merging_ratio_hr": 0.0,
    "pad_cond_uncond": False,
    "pad_cond_uncond_v0": False,
    "fp8_storage": "Disable",
    "cache_fp16_weight": False,
    "eta_ancestral": 1.0,
    "sigma_min": 0.0,
    "sigma_max": 0.0,
    "rho": 0.0,
    "eta_noise_seed_delta": 0,
    "always_discard_next_to_last_sigma": False,
    "sgm_noise_multiplier": False,
    "skip_early_cond": 0.0,
    "sd_model_checkpoint": "tiny",
    "emphasis": "Original",
    "CLIP_stop_at_last_layers": 1,
    "randn_source": "GPU",
    "tiling": False,
    "sd_vae": "Automatic",
    "sd_vae_encode_method": "Full",
    "sd_vae_decode_method": "Full",
}


def options(**changes: Any) -> RestoreOptions:
    return RestoreOptions(
        **{
            "extract_styles": lambda prompt, negative: extract_styles(prompt, negative, STYLES),
            "uses_emphasis": uses_emphasis,
            **changes,
        }
    )


@pytest.mark.parametrize("row", TABLE["parse"], ids=[repr(row["text"][:60]) for row in TABLE["parse"]])
def test_an_infotext_is_read_as_recorded(row: dict):
    values = restore(parse(row["text"]), options())
    assert values == row["parsed"]
    assert [list(entry) for entry in implied_settings(values, DEFAULTS.__getitem__)] == row["settings"]


@pytest.mark.parametrize("row", TABLE["styles_modes"], ids=[row["mode"] for row in TABLE["styles_modes"]])
def test_each_mode_treats_styles_as_recorded(row: dict):
    values = restore(parse(row["text"]), options(styles_mode=row["mode"]))
    assert values["Prompt"] == row["prompt"]
    assert values["Negative prompt"] == row["negative_prompt"]
    assert values.get("Styles array") == row["styles"]
    assert (values["Hires prompt"], values["Hires negative prompt"]) == (row["hr_prompt"], row["hr_negative"])


@pytest.mark.parametrize("row", TABLE["quote"], ids=[repr(row["value"]) for row in TABLE["quote"]])
def test_a_value_is_quoted_as_recorded(row: dict):
    assert quote(row["value"]) == row["quoted"]


@pytest.mark.parametrize("row", TABLE["unquote"], ids=[row["text"] for row in TABLE["unquote"]])
def test_a_value_is_unquoted_as_recorded(row: dict):
    assert unquote(row["text"]) == row["unquoted"]


LINES = st.text(alphabet=st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1).map(str.strip)
PROMPTS = st.lists(LINES.filter(lambda line: line and not line.startswith("Negative prompt:"))).map("\n".join)
KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9 \-/]*[A-Za-z0-9]", fullmatch=True)
VALUES = st.text(min_size=1) | st.text(alphabet='" ab,:\\\n', min_size=1)
FIELDS = st.dictionaries(KEYS, VALUES, max_size=8)


@given(PROMPTS, PROMPTS, FIELDS)
def test_what_was_written_is_read_again(prompt: str, negative_prompt: str, fields: dict[str, str]):
    fields = {key: value for key, value in fields.items() if key != value}
    fields |= {"Steps": "20", "Sampler": "Euler a", "CFG scale": "7.0"}
    read = parse(write(prompt, negative_prompt, fields))
    assert (read.prompt, read.negative_prompt) == (prompt, negative_prompt)
    assert read.fields == fields


@given(st.text() | st.text(alphabet='abST:, "\\\n0x5'))
def test_any_text_is_an_infotext(text: str):
    assert restore(parse(text), options())["Prompt"] is not None


@given(VALUES | st.from_regex(r'\s?"[a-z ,]*"|[0-9]{1,4}x[0-9]{1,4}', fullmatch=True))
def test_the_words_of_the_second_pass_come_back_as_they_were(prompt: str) -> None:
    fields = {"Steps": 20, "Sampler": "Euler", "Hires prompt": prompt, "Hires negative prompt": prompt, "Seed": 1}
    found = parse(write("a cat", "", fields)).parts
    assert (found["Hires prompt"], found["Hires negative prompt"]) == (prompt, prompt)


def test_the_fields_stand_in_their_order_whatever_order_they_come_in():
    fields = {
        "Version": "v1.10.1",
        "Eta DDIM": 0.7,
        "Clip skip": 2,
        "Size": "64x64",
        "Seed": 1,
        "CFG scale": 7.0,
        "Sampler": "DDIM",
        "Steps": 8,
        "Model": None,
        "Schedule type": "Automatic",
    }
    assert write("a cat", "", fields) == (
        "a cat\nSteps: 8, Sampler: DDIM, Schedule type: Automatic, CFG scale: 7.0, Seed: 1, Size: 64x64, "
        "Clip skip: 2, Eta DDIM: 0.7, Version: v1.10.1"
    )


def test_numbers_are_printed_as_they_came_and_a_flag_stands_for_itself():
    assert write("", "", {"CFG scale": 7, "Seed": 1.0, "Restored": "Restored"}) == "CFG scale: 7, Seed: 1.0, Restored"


def test_unknown_fields_are_kept_and_sizes_can_be_taken_apart():
    read = parse('a\nSteps: 2, Size: 507x676, Foo Bar: baz, ControlNet 0: "Module: canny, Weight: 1"')
    assert read.fields["Foo Bar"] == "baz"
    assert read.fields["ControlNet 0"] == "Module: canny, Weight: 1"
    assert (read.parts["Size-1"], read.parts["Size-2"]) == ("507", "676")
    assert read.fields["Size"] == "507x676"


def test_styles_of_the_second_pass_are_taken_out_when_they_are_the_same():
    text = (
        'a, ink drawing\nNegative prompt: photo\nSteps: 2, Sampler: Euler, CFG scale: 7, Hires prompt: "b, ink drawing"'
    )
    values = restore(parse(text), options())
    assert (values["Prompt"], values["Hires prompt"], values["Styles array"]) == ("a", "b", ["ink"])
    other = restore(parse(text.replace("b, ink drawing", "b, no style")), options())
    assert (other["Prompt"], other["Hires prompt"]) == ("a, ink drawing", "b, no style")
    assert "Styles array" not in other


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v1.6.0", Version(1, 6, 0)),
        ("1.7.0-225-gdeadbee", Version(1, 7, 0, 225)),
        ("v1.8.0-RC", Version(1, 8, 0, -1)),
        ("v1.10.1", Version(1, 10, 1)),
        ("f0.0.17v1.8.0rc-latest-276-g29be1da7", None),
        ("ComfyUI", None),
        ("Easel 0.1.0", None),
        (None, None),
    ],
)
def test_versions_are_read(text: str | None, version: Version | None):
    assert parse_version(text) == version


def test_an_old_version_implies_what_it_did():
    text = "[a:b:5]\nSteps: 9, Sampler: DDIM, CFG scale: 7, Refiner: x, Version: v1.5.2"
    values = restore(parse(text), options())
    assert values["Old prompt editing timelines"] is True
    assert values["Pad conds v0"] is True
    assert values["Refiner switch by sampling steps"] is True
    assert "Old prompt editing timelines" not in restore(parse(text), options(auto_backcompat=False))


def test_the_old_meaning_of_the_hires_size_can_be_asked_for():
    infotext = Infotext(fields={"Size": "512x512", "Hires resize": "1024x768"})
    values = restore(infotext, options(use_old_hires_fix_width_height=True))
    assert (values["Size-1"], values["Size-2"]) == (1024, 768)


def test_the_old_first_pass_has_about_half_a_megapixel():
    assert old_first_pass_size(1024, 512) == (768, 384)
    assert old_first_pass_size(0, 0) == (0, 0)


def test_settings_that_cannot_be_understood_are_left_alone():
    values = {"Clip skip": "many", "ENSD": "31337", "Unheard of": "1", "Model hash": "abc"}
    assert implied_settings(values, DEFAULTS.__getitem__) == [("ENSD", "eta_noise_seed_delta", 31337)]
    assert implied_settings(values, DEFAULTS.__getitem__, skip=["ENSD"]) == []
    assert ("Model hash", "sd_model_checkpoint", "abc") in implied_settings(
        values, DEFAULTS.__getitem__, swap_checkpoint=True
    )


FIELD = re.compile(r'\s*(\w[\w /-]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
"""The line of fields as one pattern, which says it all and takes ages for long texts."""


@given(st.lists(st.sampled_from([*',:"\\ -/aé_', "ab", "Steps: 2, ", 'x1: "a,b", ', "\t", "\u2028"]), max_size=20))
def test_fields_are_found_as_one_pattern_would_find_them(pieces: list[str]) -> None:
    line = "".join(pieces).strip()
    pairs = FIELD.findall(line)
    expected = {key: unquote(value) for key, value in pairs if value} if len(pairs) >= 3 else {}
    assert parse(line).fields == expected
