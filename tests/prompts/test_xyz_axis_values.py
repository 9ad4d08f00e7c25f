import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.prompts.xyz_axis_values import axis_label, parse_axis_values

ROWS = json.loads((Path(__file__).parents[1] / "parity/tables/xyz_values.json").read_text(encoding="utf-8"))
# Whether a sampler or checkpoint of that name exists is asked where samplers and checkpoints are known.
ROWS = [row for row in ROWS if row.get("raises") != "RuntimeError"]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['axis']} {row['text']!r}" for row in ROWS])
def test_axis_values_are_read_as_recorded(row: dict):
    if "raises" in row:
        with pytest.raises(ValueError, match="neither a number nor a range"):
            parse_axis_values(row["text"], row["type"])
        return
    values = parse_axis_values(row["text"], row["type"])
    assert values == row["values"]
    assert [axis_label(row["axis"], value, row["type"]) for value in values] == row["labels"]


@given(
    st.text(alphabet="0123456789.-+()[], \"'\n") | st.text(), st.sampled_from(["int", "float", "str", "permutation"])
)
def test_a_text_is_read_or_refused_in_words(text: str, kind):
    try:
        assert isinstance(parse_axis_values(text, kind), list)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    ("text", "kind"), [("1-999999999", "int"), ("0-1[99999999]", "float"), ("0-1(+0.0000001)", "float")]
)
def test_a_huge_range_is_refused(text: str, kind):
    with pytest.raises(ValueError, match="the most is"):
        parse_axis_values(text, kind)


@pytest.mark.parametrize("kind", ["int", "float"])
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("12-14 (+1)", 3),
        (" 12 - 14(+1 ) ", 3),
        ("12 - +14", 3),
        ("12-14 [2 ]", 2),
        ("12-14 ( +1 )", None),
        ("12-14 (+ 1)", None),
        ("12-14 [ 2]", None),
        ("- 3 - 3", None),
        ("+ 3", None),
    ],
)
def test_blanks_stand_around_numbers_and_brackets_but_not_after_a_sign_or_in_front(text: str, count: int | None, kind):
    if count is None:
        with pytest.raises(ValueError, match="neither a number nor a range"):
            parse_axis_values(text, kind)
    else:
        assert len(parse_axis_values(text, kind)) == count
