from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL

from modules.pipeline.hypertile import Tiles, hypertile_settings, tiled_vae
from modules.settings.model import Settings
from tests.pipeline.conftest import Studio


def pixels(studio: Studio, *, size: int = 128, **settings: Any) -> tuple[np.ndarray, str]:
    made = studio.make(width=size, height=size, save_images=False, override_settings=settings).samples[0]
    return np.asarray(made.image).astype(int), made.infotext


def test_tiles_of_the_unet_are_entered_written_down_and_left_bit_for_bit(studio: Studio) -> None:
    before, plain = pixels(studio)
    options = {"hypertile_enable_unet": True, "hypertile_max_tile_unet": 32, "hypertile_swap_size_unet": 1}
    tiled, text = pixels(studio, **options)
    again, _ = pixels(studio, **options)
    after, _ = pixels(studio)
    assert "Hypertile U-Net: True, Hypertile U-Net max tile size: 32, Hypertile U-Net swap size: 1" in text
    assert "Hypertile" not in plain
    assert not np.array_equal(tiled, before)
    assert np.array_equal(tiled, again)
    assert np.array_equal(after, before)


def test_one_tile_for_everything_is_the_plain_picture(studio: Studio) -> None:
    before, _ = pixels(studio, size=64)
    whole, _ = pixels(
        studio, size=64, hypertile_enable_unet=True, hypertile_swap_size_unet=0, hypertile_max_tile_unet=512
    )
    assert np.array_equal(whole, before)


def test_tiles_go_with_merged_tokens(studio: Studio) -> None:
    tiled, text = pixels(studio, hypertile_enable_unet=True, hypertile_max_tile_unet=16, token_merging_ratio=0.5)
    assert tiled.shape == (128, 128, 3)
    assert "Token merging ratio: 0.5" in text


def test_tiles_of_the_vae_are_written_down_and_left(studio: Studio) -> None:
    before, _ = pixels(studio)
    tiled, text = pixels(studio, hypertile_enable_vae=True, hypertile_max_tile_vae=16)
    after, _ = pixels(studio)
    assert "Hypertile VAE: True, Hypertile VAE max tile size: 16" in text
    assert tiled.shape == before.shape
    assert np.array_equal(after, before)


def test_a_vae_whose_tile_is_the_whole_gives_what_diffusers_gives() -> None:
    torch.manual_seed(0)
    vae: Any = AutoencoderKL(block_out_channels=(32,), norm_num_groups=8, sample_size=32).eval()
    latent = torch.randn(1, 4, 16, 24)
    with torch.no_grad():
        plain = vae.decode(latent).sample
        processor = vae.decoder.mid_block.attentions[0].processor
        with tiled_vae(vae, Tiles(least=24, choices=1, depth=0, seed=1)):
            whole = vae.decode(latent).sample
        with tiled_vae(vae, Tiles(least=8, choices=1, depth=0, seed=1)):
            tiled = vae.decode(latent).sample
    assert torch.allclose(whole, plain, atol=1e-5)
    assert not torch.allclose(tiled, plain, atol=1e-5)
    assert vae.decoder.mid_block.attentions[0].processor is processor


def test_the_second_pass_may_be_tiled_alone() -> None:
    only_second = Settings().changed({"hypertile_enable_unet_secondpass": True})
    size = (512, 512)
    assert Tiles.of_unet(only_second, 1, size, 8, second_pass=False) is None
    assert Tiles.of_unet(only_second, 1, size, 8, second_pass=True) is not None
    assert "hypertile_enable_unet_secondpass" in hypertile_settings(only_second, second_pass=True)
    assert hypertile_settings(only_second, second_pass=False) == ()
