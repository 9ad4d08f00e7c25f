"""Small pictures of latents."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from modules.checkpoints.architectures.sd1 import PREVIEW as SD1
from modules.checkpoints.architectures.sdxl import PREVIEW as SDXL
from modules.sampling.latent_space import LinearDecoder
from modules.sampling.preview import decode_linear, fit_linear


@pytest.mark.parametrize("decoder", [SD1, SDXL])
def test_an_empty_latent_is_a_plain_middle_tone(decoder: LinearDecoder) -> None:
    picture = decode_linear(torch.zeros(2, 4, 3, 5), decoder)
    assert picture.shape == (2, 3, 5, 3)
    assert picture.dtype == np.uint8
    assert 120 < picture.min() <= picture.max() < 160


def test_what_is_out_of_range_or_not_a_number_is_shown_all_the_same() -> None:
    latents = torch.zeros(1, 4, 1, 3)
    latents[..., 0], latents[..., 1], latents[..., 2] = 1e6, float("nan"), float("-inf")
    assert decode_linear(latents, SD1).shape == (1, 1, 3, 3)


def test_extra_channels_are_left_out() -> None:
    latents = torch.randn(1, 9, 2, 2, generator=torch.Generator().manual_seed(0))
    assert np.array_equal(decode_linear(latents, SD1), decode_linear(latents[:, :4], SD1))


def test_the_fit_finds_the_map_that_made_the_pictures() -> None:
    latents = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.3
    made = torch.einsum("bchw,cr->brhw", latents, torch.tensor(SD1.factors)) + 0.5
    found = fit_linear(latents, torch.nn.functional.interpolate(made, scale_factor=8))
    np.testing.assert_allclose(found.factors, SD1.factors, atol=1e-5)
    np.testing.assert_allclose(found.bias, SD1.bias, atol=1e-5)
