"""Stable Diffusion 1.x: epsilon prediction, CLIP ViT-L/14 text encoder, UNet with 8 heads and conv projections.

Its inpainting and InstructPix2Pix models take more channels. Dimensions come from the shapes, so narrower models of the
same topology load too.
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
from modules.checkpoints.architectures.configs import clip_config, unet_config, vae_config
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import UNET, VAE, clip_layout, has_unet, unet_layout, vae_layout
from modules.checkpoints.ldm_keys import unet_modules, vae_modules
from modules.checkpoints.tensors import Shapes

FAMILY = "SD1"
UNET_HEADS = 8
LATENT_SCALE = 0.18215
ALIGN_YOUR_STEPS = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)
"""Sabour et al. 2024, "Align Your Steps": the levels for ten steps."""

# Some trainers saved the encoder one level down, some left out the class's own name.
CLIP_PREFIXES = ("cond_stage_model.transformer.text_model.", "cond_stage_model.transformer.")


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    """SD1's answer to a checkpoint. Raises CheckpointError for one that is SD1's but incomplete."""
    if not has_unet(shapes):
        return Refusal(FAMILY, f"there is no UNet under {UNET!r}")
    unet = unet_layout(shapes)
    if unet.vector_width:
        return Refusal(FAMILY, "its UNet takes a pooled vector, as SDXL's does")
    if any(key.startswith("cond_stage_model.model.") for key in shapes):
        return Refusal(FAMILY, "its text encoder is OpenCLIP, as in SD2")
    if unet.linear_projection:
        return Refusal(FAMILY, "its UNet projects with linear layers, as SD2's does")
    if unet.in_channels not in IMAGE_INPUTS:
        return Refusal(FAMILY, unknown_input(unet.in_channels))
    prefix = next((each for each in CLIP_PREFIXES if f"{each}embeddings.token_embedding.weight" in shapes), "")
    clip = clip_layout(shapes, prefix or CLIP_PREFIXES[0])
    vae = vae_layout(shapes)
    return Architecture(
        family=FAMILY,
        prediction=declared.prediction or "epsilon",
        unet=Component(
            prefixes=(UNET,),
            config=unet_config(unet, declared, lambda width: UNET_HEADS),
            modules=dict(unet_modules(unet)),
        ),
        vae=Component(prefixes=(VAE,), config=vae_config(vae, declared), modules=dict(vae_modules(vae))),
        text_encoders=(
            TextComponent(name="clip_l", prefixes=(prefix,), config=clip_config(clip, declared), modules={}),
        ),
        latent_scale=declared.latent_scale or LATENT_SCALE,
        image_input=IMAGE_INPUTS[unet.in_channels],
        zero_terminal_snr=declared.zero_terminal_snr,
    )
