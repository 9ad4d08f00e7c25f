"""diffusers' VAE computed in bands (see `bands`), with the numbers that the VAE itself would give."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from modules.hardware.bands import Workshop, convolved, doubled, normalised
from modules.hardware.memory import free_bytes

QUERIES = 1024
"""Pixels that look at all others at a time in the VAE's attention."""


def decode_in_bands(vae: Any, latents: Tensor, workshop: Workshop) -> Tensor:
    """Unscaled latents [1, C, h, w] -> pictures [1, 3, H, W], in the store, of the VAE's number type."""
    decoder = vae.decoder
    layer = latents.to(workshop.device)
    if vae.post_quant_conv is not None:
        layer = vae.post_quant_conv(layer)
    layer = _conv(layer.to(workshop.store), decoder.conv_in, workshop)
    layer = _middle(layer, decoder.mid_block, workshop)
    for block in decoder.up_blocks:
        for resnet in block.resnets:
            layer = _resnet(layer, resnet, workshop)
        for upsampler in block.upsamplers or ():
            size = (layer.shape[2] * 2, layer.shape[3] * 2)
            layer = convolved(doubled(layer, workshop), size, upsampler.conv, workshop, like=layer)
    return _last(layer, decoder, workshop)


def encode_in_bands(vae: Any, pictures: Tensor, workshop: Workshop) -> Tensor:
    """Pictures [1, 3, H, W] -> the parameters of their posterior [1, 2C, h, w], on the device."""
    encoder = vae.encoder
    layer = _conv(pictures.to(workshop.store), encoder.conv_in, workshop)
    for block in encoder.down_blocks:
        for resnet in block.resnets:
            layer = _resnet(layer, resnet, workshop)
        for downsampler in block.downsamplers or ():
            layer = _conv(layer, downsampler.conv, workshop, pad_end=1)
    layer = _middle(layer, encoder.mid_block, workshop)
    layer = _last(layer, encoder, workshop).to(workshop.device)
    return layer if vae.quant_conv is None else vae.quant_conv(layer)


def _last(layer: Tensor, part: Any, workshop: Workshop) -> Tensor:
    rows = normalised(layer, part.conv_norm_out, workshop)
    return convolved(rows, _size(layer), part.conv_out, workshop, like=layer)


def _middle(layer: Tensor, block: Any, workshop: Workshop) -> Tensor:
    layer = _resnet(layer, block.resnets[0], workshop)
    for attention, resnet in zip(block.attentions, block.resnets[1:], strict=True):
        if attention is not None:
            layer = _attention(layer, attention, workshop)
        layer = _resnet(layer, resnet, workshop)
    return layer


def _resnet(layer: Tensor, block: Any, workshop: Workshop) -> Tensor:
    """A residual block. The layer is overwritten."""
    size = _size(layer)
    rows = normalised(layer, block.norm1, workshop)
    if block.conv_shortcut is None:
        inner = convolved(rows, size, block.conv1, workshop, like=layer)
    else:
        # The shortcut no longer needs the layer then, which may be the largest of all.
        direct = _conv(layer, block.conv_shortcut, workshop)
        fits = block.conv1.out_channels <= layer.shape[1]
        inner = convolved(rows, size, block.conv1, workshop, like=layer, instead_of=layer if fits else None)
        layer = direct
    return convolved(normalised(inner, block.norm2, workshop), size, block.conv2, workshop, like=layer, add_to=layer)


def _attention(layer: Tensor, attention: Any, workshop: Workshop) -> Tensor:
    """Self-attention of one head over all pixels, some of them asking at a time."""
    _, channels, height, width = layer.shape
    tokens = normalised(layer, attention.group_norm, workshop, activate=False)(0, height)
    tokens = tokens.permute(0, 2, 3, 1).reshape(1, height * width, channels)

    def heads(values: Tensor) -> Tensor:
        return values.view(1, -1, attention.heads, values.shape[-1] // attention.heads).transpose(1, 2)

    key, value = heads(attention.to_k(tokens)), heads(attention.to_v(tokens))
    seen: list[Tensor] = []
    for query in tokens.split(QUERIES, dim=1):
        found = functional.scaled_dot_product_attention(heads(attention.to_q(query)), key, value)
        found = found.transpose(1, 2).reshape(1, query.shape[1], channels)
        seen.append(attention.to_out[0](found).to(workshop.store))
    result = torch.cat(seen, dim=1).reshape(1, height, width, channels).permute(0, 3, 1, 2)
    return (layer + result) / attention.rescale_output_factor


def _conv(layer: Tensor, conv: Any, workshop: Workshop, *, pad_end: int = 0) -> Tensor:
    return convolved(workshop.rows_of(layer), _size(layer), conv, workshop, like=layer, pad_end=pad_end)


def _size(layer: Tensor) -> tuple[int, int]:
    return layer.shape[2], layer.shape[3]


LAYERS = 4
"""Layers of full size that a VAE holds at a time when it takes a picture as a whole (3 were measured on a CPU)."""


def whole_bytes(vae: object, height: int, width: int, *, decoding: bool) -> int:
    """About how much memory it takes to decode or encode a picture of this size as a whole."""
    return LAYERS * _layer_bytes(vae, height, width, decoding=decoding)


def workshop_for(vae: object, device: torch.device, height: int, width: int, *, decoding: bool) -> Workshop:
    """Bands on `device`, with whole layers there too if two of them fit, else in host memory."""
    if device.type == "cpu":
        return Workshop(device=device, store=device, elements=1 << 21)
    fits = 2 * _layer_bytes(vae, height, width, decoding=decoding) < free_bytes(device)
    return Workshop(device=device, store=device if fits else torch.device("cpu"), elements=1 << 24)


def _layer_bytes(vae: Any, height: int, width: int, *, decoding: bool) -> int:
    """The largest layer: at full size, with the channels of the last block, or when decoding of the one before it."""
    channels = vae.config["block_out_channels"]
    widest = channels[min(1, len(channels) - 1)] if decoding else channels[0]
    return int(widest) * height * width * vae.dtype.itemsize
