"""SDXL (Podell et al. 2023): CLIP ViT-L and OpenCLIP ViT-bigG side by side, and a vector of text and sizes.

Pruned forms (SSD-1B, Vega) have fewer transformer blocks or none in the middle; their shapes say so.
"""

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
    clip_config,
    heads_of_64_channels,
    openclip_config,
    unet_config,
    vae_config,
)
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import UNET, VAE, clip_layout, has_unet, openclip_layout, unet_layout, vae_layout
from modules.checkpoints.ldm_keys import unet_modules, vae_modules
from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError

FAMILY = "SDXL"
CLIP = "conditioner.embedders.0.transformer.text_model."
OPENCLIP = "conditioner.embedders.1.model."
LATENT_SCALE = 0.13025
ALIGN_YOUR_STEPS = (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029)
"""Sabour et al. 2024, "Align Your Steps": the levels for ten steps."""
SIZES = 6
"""Height and width of the original, top and left of the crop, height and width of the target."""

CONTINUOUS = ("edm_vpred.sigma_max", "edm_mean")
"""Markers of models trained on continuous noise levels (CosXL, Playground 2.5)."""


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    """SDXL's answer to a checkpoint. Raises CheckpointError for one that is SDXL's but incomplete."""
    if not has_unet(shapes):
        return Refusal(FAMILY, f"there is no UNet under {UNET!r}")
    unet = unet_layout(shapes)
    if not unet.vector_width:
        return Refusal(FAMILY, "its UNet takes no pooled vector")
    missing = [
        prefix
        for prefix, key in (
            (CLIP, f"{CLIP}embeddings.token_embedding.weight"),
            (OPENCLIP, f"{OPENCLIP}token_embedding.weight"),
        )
        if key not in shapes
    ]
    if missing:
        return Refusal(FAMILY, f"there is no text encoder under {missing[0]!r}")
    if any(key in shapes for key in CONTINUOUS):
        return Refusal(FAMILY, "it was trained on continuous noise levels (EDM), which Easel does not sample yet")
    if unet.in_channels not in IMAGE_INPUTS:
        return Refusal(FAMILY, unknown_input(unet.in_channels))
    first, second, vae = clip_layout(shapes, CLIP), openclip_layout(shapes, OPENCLIP), vae_layout(shapes)
    wanted = (second.projection + SIZES * VECTOR_SINUSOIDS, first.width + second.width)
    if (unet.vector_width, unet.context_width) != wanted:
        raise CheckpointError("its text encoders do not fit its UNet")
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
            TextComponent(name="clip_l", prefixes=(CLIP,), config=clip_config(first, declared), modules={}),
            TextComponent(name="clip_g", prefixes=(OPENCLIP,), config=openclip_config(second, declared), modules={}),
        ),
        latent_scale=declared.latent_scale or LATENT_SCALE,
        image_input=IMAGE_INPUTS[unet.in_channels],
        zero_terminal_snr=declared.zero_terminal_snr,
    )
