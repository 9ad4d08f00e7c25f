"""The VAE's layers under LDM's names, and what extensions put in the place of its encoder and decoder."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
import torch
from PIL import Image
from torch.nn import functional

from tests.a1111.conftest import Stage
from tests.a1111.seams import alike, here, pixels

__all__ = ["here"]


@pytest.fixture
def vae(here: Stage) -> Any:
    here.make()
    view = here.dialect.shared.sd_model.first_stage_model
    yield view
    view.restore()


def through_resnet(block: Any, x: Any) -> Any:
    kept = x if block.in_channels == block.out_channels else block.nin_shortcut(x)
    x = block.conv1(functional.silu(block.norm1(x)))
    return kept + block.conv2(functional.silu(block.norm2(x)))


def through_attention(block: Any, x: Any) -> Any:
    inner = block.norm(x)
    query, key, value = (layer(inner).flatten(2) for layer in (block.q, block.k, block.v))
    weights = torch.softmax(query.transpose(1, 2) @ key * query.shape[1] ** -0.5, dim=2)
    return x + block.proj_out((value @ weights.transpose(1, 2)).reshape(x.shape))


def through_middle(coder: Any, x: Any) -> Any:
    x = through_resnet(coder.mid.block_1, x)
    x = through_attention(coder.mid.attn_1, x)
    return through_resnet(coder.mid.block_2, x)


def decoded(decoder: Any, x: Any) -> Any:
    x = through_middle(decoder, decoder.conv_in(x))
    for level in reversed(range(decoder.num_resolutions)):
        for block in range(decoder.num_res_blocks + 1):
            x = through_resnet(decoder.up[level].block[block], x)
        if level:
            x = decoder.up[level].upsample(x)
    return decoder.conv_out(functional.silu(decoder.norm_out(x)))


def encoded(encoder: Any, x: Any) -> Any:
    x = encoder.conv_in(x)
    for level in range(encoder.num_resolutions):
        for block in range(encoder.num_res_blocks):
            x = through_resnet(encoder.down[level].block[block], x)
        if level != encoder.num_resolutions - 1:
            x = encoder.down[level].downsample(x)
    x = through_middle(encoder, x)
    return encoder.conv_out(functional.silu(encoder.norm_out(x)))


def test_layer_by_layer_it_gives_what_the_vae_does(vae: Any) -> None:
    with torch.inference_mode():
        latents, picture = torch.randn(1, 4, 8, 8), torch.randn(1, 3, 64, 64)
        assert torch.allclose(decoded(vae.decoder, latents), vae.decoder(latents), atol=1e-4)
        assert torch.allclose(encoded(vae.encoder, picture), vae.encoder(picture), atol=1e-4)
        assert vae.encode(picture).mode().shape == (1, 4, 8, 8)
        assert vae.decode(latents).shape == (1, 3, 64, 64)


def test_a_decoder_and_an_encoder_that_are_put_in_their_place_are_used(here: Stage, vae: Any) -> None:
    asked = {"init_images": (Image.new("RGB", (64, 64), (200, 30, 30)),), "denoising_strength": 0.5}
    plain, seen = pixels(here, **asked), list[Any]()
    encoder, decoder = vae.encoder, vae.decoder
    encoder.original_forward, decoder.original_forward = encoder.forward, decoder.forward

    class Hook:
        def __init__(self, net: Any, factor: float) -> None:
            self.net, self.factor = net, factor

        def __call__(self, x: Any) -> Any:
            seen.append(tuple(x.shape))
            return self.net.original_forward(x) * self.factor

    encoder.forward, decoder.forward = Hook(encoder, 1.0), Hook(decoder, 1.0)
    assert numpy.array_equal(pixels(here, **asked), plain)
    assert (1, 3, 64, 64) in seen
    assert (1, 4, 8, 8) in seen
    for coder in (encoder, decoder):
        coder.forward = Hook(coder, 0.5)
        assert not alike(pixels(here, **asked), plain)
        assert isinstance(coder.forward, Hook)
        coder.forward = coder.original_forward
        assert numpy.array_equal(pixels(here, **asked), plain)


def test_what_took_the_decoders_place_is_asked_where_the_vae_would_work_in_bands(here: Stage, vae: Any) -> None:
    seen: list[Any] = []
    original = vae.decoder.forward
    vae.decoder.forward = lambda x: seen.append(x) or original(x)
    here.make(override_settings={"sd_model_checkpoint": "tiny", "vae_in_bands": "Always"})
    assert len(seen) == 1


def test_a_decoder_that_fails_is_named_and_taken_away(here: Stage, vae: Any) -> None:
    plain, names = pixels(here), dict[str, Any]()
    file = here.data / "extensions" / "some" / "scripts" / "decoder.py"
    exec(compile("def forward(x): raise RuntimeError('no picture today')", str(file), "exec"), names)
    vae.decoder.forward = names["forward"]
    assert numpy.array_equal(pixels(here), plain)
    assert "no picture today" in here.dialect.errors[str(file)][-1]
    assert "forward" not in vars(vae.vae.decoder)
