"""What no plan could make sense of is refused where a request is made, by whichever door it comes."""

from __future__ import annotations

from typing import Any

import pytest

from modules.foundation.errors import RequestError
from modules.generation.per_picture import PerPicture
from modules.generation.request import GenerationRequest, HiresRequest
from modules.prompts.length import LONGEST_PROMPT

LONG = "a" * (LONGEST_PROMPT + 1)


@pytest.mark.parametrize(
    ("made", "given", "field"),
    [
        (GenerationRequest, {"prompt": LONG}, "prompt"),
        (GenerationRequest, {"negative_prompt": LONG}, "negative_prompt"),
        (HiresRequest, {"prompt": LONG}, "hr_prompt"),
        (HiresRequest, {"negative_prompt": LONG}, "hr_negative_prompt"),
        (PerPicture, {"prompts": ("", LONG)}, "prompts"),
        (PerPicture, {"hr_negative_prompts": (LONG, "")}, "hr_negative_prompts"),
    ],
)
def test_a_prompt_beyond_all_use_is_refused_by_its_name(made: Any, given: dict[str, Any], field: str) -> None:
    if made is PerPicture:
        given = {"prompts": ("", ""), "negative_prompts": ("", ""), "seeds": (1, 2), "subseeds": (1, 2), **given}
    with pytest.raises(RequestError, match="the most is") as caught:
        made(**given)
    assert caught.value.field == field
