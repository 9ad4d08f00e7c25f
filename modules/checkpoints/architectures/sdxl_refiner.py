"""SDXL's refiner (Podell et al. 2023): OpenCLIP ViT-bigG alone, and an aesthetic score among the sizes."""

from __future__ import annotations

from modules.checkpoints.architectures.architecture import (
    IMAGE_INPUTS,
    Architecture,
    Component,
    Refusal,
    TextComponent,
    unknown_input,
)
from modules.checkpoints.architectures.configs import (
    VECTOR_SINUSOIDS,
    heads_of_64_channels,
    openclip_config,
    unet_config,
    vae_config,
)
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import UNET, VAE, has_unet, openclip_layout, unet_layout, vae_layout
from modules.checkpoints.ldm_keys import unet_modules, vae_modules
from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError

FAMILY = "SDXL refiner"
OPENCLIP = "conditioner.embedders.0.model."
LATENT_SCALE = 0.13025
SIZES = 5
"""Height and width of the original, top and left of the crop, the aesthetic score."""


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    """The refiner's answer to a checkpoint. Raises CheckpointError for one that is a refiner but incomplete."""
    if not has_unet(shapes):
        return Refusal(FAMILY, f"there is no UNet under {UNET!r}")
    if f"{OPENCLIP}token_embedding.weight" not in shapes:
        return Refusal(FAMILY, f"there is no OpenCLIP text encoder under {OPENCLIP!r}")
    unet = unet_layout(shapes)
    if unet.in_channels not in IMAGE_INPUTS:
        return Refusal(FAMILY, unknown_input(unet.in_channels))
    clip, vae = openclip_layout(shapes, OPENCLIP), vae_layout(shapes)
    if (unet.vector_width, unet.context_width) != (clip.projection + SIZES * VECTOR_SINUSOIDS, clip.width):
        raise CheckpointError("its text encoder does not fit its UNet")
    return Architecture(
        family=FAMILY,
        prediction=declared.prediction or "epsilon",
        unet=Component(
            prefixes=(UNET,),
            config=unet_config(unet, declared, heads_of_64_channels(unet)),
            modules=dict(unet_modules(unet)),
        ),
        vae=Component(prefixes=(VAE,), config=vae_config(vae, declared), modules=dict(vae_modules(vae))),
        text_encoders=(
            TextComponent(name="clip_g", prefixes=(OPENCLIP,), config=openclip_config(clip, declared), modules={}),
        ),
        latent_scale=declared.latent_scale or LATENT_SCALE,
        image_input=IMAGE_INPUTS[unet.in_channels],
        zero_terminal_snr=declared.zero_terminal_snr,
    )
