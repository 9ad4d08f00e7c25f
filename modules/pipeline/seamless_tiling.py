"""Pictures that continue across their own edges: circular padding, entered and left."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from torch import nn

from modules.pipeline.model import LoadedModel


@contextlib.contextmanager
def seamless(model: LoadedModel, *, wanted: bool) -> Generator[None]:
    """Within the block every convolution of the UNet and the VAE pads with the opposite edge, if `wanted`."""
    if not wanted:
        yield
        return
    convolutions = [
        module
        for network in (model.checkpoint.unet, model.checkpoint.vae)
        for module in network.modules()
        if isinstance(module, nn.Conv2d) and module.padding != (0, 0)
    ]
    before = [convolution.padding_mode for convolution in convolutions]
    for convolution in convolutions:
        convolution.padding_mode = "circular"
    try:
        yield
    finally:
        for convolution, mode in zip(convolutions, before, strict=True):
            setattr(convolution, "padding_mode", mode)  # noqa: B010 - typed as a fixed set of words
