from __future__ import annotations

import pytest
import torch

from modules.sampling.token_merging import match_tokens


def _tokens(height: int, width: int, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, height * width, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (6, 10), (5, 7), (2, 2), (3, 2)])
@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_as_many_tokens_go_as_the_ratio_says_but_never_a_destination(height: int, width: int, ratio: float) -> None:
    x = _tokens(height, width)
    merging = match_tokens(x, height, width, ratio)
    sources = height * width - (height // 2) * (width // 2)
    wanted = min(int(height * width * ratio), sources)
    if merging is None:
        assert wanted == 0
    else:
        assert merging.merge(x).shape == (2, height * width - wanted, 8)


def test_merging_and_unmerging_leaves_what_was_not_merged_and_repeats_what_was() -> None:
    x = _tokens(8, 8)
    merging = match_tokens(x, 8, 8, 0.4)
    assert merging is not None
    back = merging.unmerge(merging.merge(x))
    assert back.shape == x.shape
    for image in range(2):
        places = merging.sources[0, :, 0]
        kept, merged = places[merging.kept[image, :, 0]], places[merging.merged[image, :, 0]]
        assert torch.equal(back[image, kept], x[image, kept])
        into = merging.destinations[0, :, 0][merging.into[image, :, 0]]
        assert torch.equal(back[image, merged], back[image, into])


def test_equal_tokens_are_merged_without_loss() -> None:
    cells = _tokens(4, 4, batch=1).view(1, 4, 4, 8)
    x = cells.repeat_interleave(2, 1).repeat_interleave(2, 2).reshape(1, 64, 8)
    merging = match_tokens(x, 8, 8, 0.75)
    assert merging is not None
    assert torch.allclose(merging.unmerge(merging.merge(x)), x, atol=1e-6)


def test_nothing_to_merge_is_none() -> None:
    assert match_tokens(_tokens(4, 4), 4, 4, 0.0) is None
