"""A VAE in bands gives the numbers of the whole VAE."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import nn

from modules.hardware.bands import Workshop
from modules.hardware.tiled_vae import decode_in_bands, encode_in_bands, whole_bytes

CPU = torch.device("cpu")


def _vae(*, seamless: bool) -> Any:
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    vae = AutoencoderKL(
        block_out_channels=cast(Any, (32, 64, 64)),
        down_block_types=cast(Any, ["DownEncoderBlock2D"] * 3),
        up_block_types=cast(Any, ["UpDecoderBlock2D"] * 3),
        layers_per_block=1,
        norm_num_groups=32,
    ).eval()
    if seamless:
        for module in vae.modules():
            if isinstance(module, nn.Conv2d) and module.padding != (0, 0):
                module.padding_mode = "circular"
    return vae


@pytest.mark.parametrize("elements", [1 << 10, 1 << 14, 1 << 22], ids=["rows", "bands", "whole"])
@pytest.mark.parametrize("seamless", [False, True], ids=["plain", "seamless"])
def test_bands_of_any_height_decode_and_encode_as_the_whole_does(seamless: bool, elements: int) -> None:
    vae, workshop = _vae(seamless=seamless), Workshop(device=CPU, store=CPU, elements=elements)
    with torch.inference_mode():
        latents = torch.randn(1, 4, 9, 6)
        whole = vae.decode(latents).sample
        assert (decode_in_bands(vae, latents, workshop) - whole).abs().max() < 1e-4 * whole.abs().max()
        pictures = torch.rand(1, 3, 37, 30) * 2 - 1
        moments = vae.quant_conv(vae.encoder(pictures))
        assert (encode_in_bands(vae, pictures, workshop) - moments).abs().max() < 1e-4 * moments.abs().max()


def test_the_estimate_of_memory_follows_the_size_and_the_number_type() -> None:
    vae = _vae(seamless=False)
    small = whole_bytes(vae, 512, 512, decoding=True)
    assert whole_bytes(vae, 1024, 512, decoding=True) == 2 * small
    assert whole_bytes(vae.to(torch.bfloat16), 512, 512, decoding=True) == small // 2
