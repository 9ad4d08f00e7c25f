"""What families in the single-file layout of latent diffusion have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from modules.checkpoints.architectures.architecture import (
    Architecture,
    Component,
    Refusal,
    TextComponent,
    image_inputs,
    unknown_input,
)
from modules.checkpoints.architectures.configs import unet_config, vae_config
from modules.checkpoints.architectures.family import Family
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import UNET, VAE, UNetLayout, vae_layout
from modules.checkpoints.ldm_keys import unet_modules, vae_modules
from modules.checkpoints.tensors import Shapes

NO_UNET = Refusal(f"there is no UNet under {UNET!r}")


def architecture_of(
    family: Family,
    shapes: Shapes,
    declared: Declared,
    *,
    unet: UNetLayout,
    heads: Callable[[int], int],
    text_encoders: Callable[[], tuple[TextComponent, ...]],
) -> Architecture | Refusal:
    """The networks of a checkpoint whose UNet, with so many heads by a level's width, is the family's.

    `text_encoders` reads those. Refused when the UNet takes what no model of such latents takes. Raises CheckpointError
    for an incomplete checkpoint.
    """
    channels = family.latents.channels
    if unet.in_channels not in image_inputs(channels):
        return Refusal(unknown_input(unet.in_channels, channels))
    texts, vae = text_encoders(), vae_layout(shapes)
    return Architecture(
        family=family,
        prediction=declared.prediction or family.prediction,
        latents=replace(family.latents, scale=declared.latent_scale or family.latents.scale),
        unet=Component(prefixes=(UNET,), config=unet_config(unet, declared, heads), modules=dict(unet_modules(unet))),
        vae=Component(prefixes=(VAE,), config=vae_config(vae, declared), modules=dict(vae_modules(vae))),
        text_encoders=texts,
        image_input=image_inputs(channels)[unet.in_channels],
        zero_terminal_snr=declared.zero_terminal_snr,
    )
