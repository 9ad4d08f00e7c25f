from __future__ import annotations

import pytest

from modules.foundation.errors import RequestError
from modules.generation.per_picture import PerPicture


def test_lists_that_are_too_short_are_named() -> None:
    with pytest.raises(RequestError, match="2 prompts, but only 1 seeds"):
        PerPicture(prompts=("a", "b"), negative_prompts=("", ""), seeds=(1,), subseeds=(1, 2))
    with pytest.raises(RequestError, match="only 1 hr_prompts"):
        PerPicture(prompts=("a", "b"), negative_prompts=("", ""), seeds=(1, 2), subseeds=(1, 2), hr_prompts=("a",))
    with pytest.raises(RequestError, match="no prompt"):
        PerPicture(prompts=(), negative_prompts=(), seeds=(), subseeds=())


def test_longer_lists_and_missing_prompts_of_the_second_pass_are_fine() -> None:
    each = PerPicture(prompts=("a",), negative_prompts=("", "more"), seeds=(1, 2), subseeds=(1, 2))
    assert each.count == 1
