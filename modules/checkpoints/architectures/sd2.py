"""Stable Diffusion 2.x: OpenCLIP ViT-H text encoder, UNet with 64 channels a head and linear projections.

The models for 512 pixels predict noise, those for 768 predict v, and their tensors are the same in name and shape:
where neither a sidecar nor a marker says which, the weights have to be asked.
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
from modules.checkpoints.architectures.configs import heads_of_64_channels, openclip_config, unet_config, vae_config
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import UNET, VAE, has_unet, openclip_layout, unet_layout, vae_layout
from modules.checkpoints.ldm_keys import unet_modules, vae_modules
from modules.checkpoints.tensors import Shapes

FAMILY = "SD2"
OPENCLIP = "cond_stage_model.model."
LATENT_SCALE = 0.18215


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    """SD2's answer to a checkpoint. Raises CheckpointError for one that is SD2's but incomplete."""
    if not has_unet(shapes):
        return Refusal(FAMILY, f"there is no UNet under {UNET!r}")
    if f"{OPENCLIP}token_embedding.weight" not in shapes:
        return Refusal(FAMILY, f"there is no OpenCLIP text encoder under {OPENCLIP!r}")
    unet = unet_layout(shapes)
    if unet.vector_width:
        return Refusal(FAMILY, "its UNet takes a vector of a whole picture, as unCLIP models' do")
    if unet.in_channels not in IMAGE_INPUTS:
        return Refusal(FAMILY, unknown_input(unet.in_channels))
    clip, vae = openclip_layout(shapes, OPENCLIP), vae_layout(shapes)
    return Architecture(
        family=FAMILY,
        prediction=declared.prediction,
        unet=Component(
            prefixes=(UNET,),
            config=unet_config(unet, declared, heads_of_64_channels(unet)),
            modules=dict(unet_modules(unet)),
        ),
        vae=Component(prefixes=(VAE,), config=vae_config(vae, declared), modules=dict(vae_modules(vae))),
        text_encoders=(
            TextComponent(name="clip_h", prefixes=(OPENCLIP,), config=openclip_config(clip, declared), modules={}),
        ),
        latent_scale=declared.latent_scale or LATENT_SCALE,
        image_input=IMAGE_INPUTS[unet.in_channels],
        zero_terminal_snr=declared.zero_terminal_snr,
    )
