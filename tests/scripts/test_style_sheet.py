"""The sheet of styles: which pictures it has, what their parameters say, what is refused."""

from __future__ import annotations

import pytest

from modules.foundation.errors import RequestError
from modules.infotext.parse import parse
from tests.scripts.conftest import Scripts


def test_each_style_is_drawn_at_each_weight_over_one_seed(scripts: Scripts) -> None:
    result = scripts.make("style sheet", "flat color\nimpasto", "0.5, 1", 1, "start", 0, prompt="a cat", steps=1)
    sheet, *pictures = result.images
    assert [picture.prompt for picture in pictures] == [
        "(flat color:0.5), a cat",
        "flat color, a cat",
        "(impasto:0.5), a cat",
        "impasto, a cat",
    ]
    assert {picture.seed for picture in pictures} == {1}
    assert sheet.kind == "grid"
    assert sheet.image.width > 2 * 64
    fields = parse(pictures[0].infotext).fields
    assert fields["Style sheet words"] == "flat color\nimpasto"
    assert (fields["Style sheet weights"], fields["Style sheet together"]) == ("0.5, 1", "1")


def test_several_go_together_behind_the_prompt(scripts: Scripts) -> None:
    made = scripts.make("style sheet", "a\nb\nc", "0.8", 2, "end", 0, prompt="x,", steps=1)
    assert [picture.prompt for picture in made.images[1:]] == [
        "x, (a:0.8), (b:0.8)",
        "x, (a:0.8), (c:0.8)",
        "x, (b:0.8), (c:0.8)",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("", "1", 1, "start", 0), "trigger words"),
        (("a", "", 1, "start", 0), "weights"),
        (("a", "1, x", 1, "start", 0), "'x'"),
        (("a", "nan", 1, "start", 0), "'nan'"),
        (("a", "-1", 1, "start", 0), "'-1'"),
        (("a", "1", 2, "start", 0), "go together"),
        (("a", "1", 0, "start", 0), "go together"),
        (("a", "1", 1, "middle", 0), "place"),
        (("\n".join(map(str, range(400))), "1", 4, "start", 0), "pictures"),
    ],
)
def test_what_makes_no_sheet_is_refused_with_a_sentence(
    scripts: Scripts, arguments: tuple[object, ...], said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        scripts.make("style sheet", *arguments)
