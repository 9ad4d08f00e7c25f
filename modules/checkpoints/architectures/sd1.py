"""Stable Diffusion 1.x: epsilon prediction, CLIP ViT-L/14 text encoder, 64-channel-per-32nd UNet with conv projections.

Dimensions come from the shapes, so narrower models of the same topology load too.
"""

from __future__ import annotations

from typing import Any

from modules.checkpoints.architectures.architecture import Architecture, Component, Refusal
from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import (
    UNET,
    VAE,
    ClipLayout,
    UNetLayout,
    VaeLayout,
    clip_layout,
    unet_layout,
    vae_layout,
)
from modules.checkpoints.ldm_keys import unet_modules, vae_modules
from modules.checkpoints.tensors import Shapes

FAMILY = "SD1"
UNET_HEADS = 8
NORM_GROUPS = 32
LATENT_SCALE = 0.18215
CLIP_HEAD_CHANNELS = 64
NARROW_CLIP_HEADS = 4
"""Text encoders narrower than any official one have no family to imply their head count; four, unless declared."""

# Some trainers saved the encoder one level down, some left out the class's own name.
CLIP_PREFIXES = ("cond_stage_model.transformer.text_model.", "cond_stage_model.transformer.")


def claim(shapes: Shapes, declared: Declared) -> Architecture | Refusal:
    """SD1's answer to a checkpoint. Raises CheckpointError for one that is SD1's but incomplete."""
    if f"{UNET}input_blocks.0.0.weight" not in shapes:
        return Refusal(FAMILY, f"there is no UNet under {UNET!r}")
    unet = unet_layout(shapes)
    if unet.vector_width:
        return Refusal(FAMILY, "its UNet takes a pooled vector, as SDXL's does")
    if any(key.startswith("cond_stage_model.model.") for key in shapes):
        return Refusal(FAMILY, "its text encoder is OpenCLIP, as in SD2")
    if unet.linear_projection:
        return Refusal(FAMILY, "its UNet projects with linear layers, as SD2's does")
    if unet.in_channels != 4:
        return Refusal(FAMILY, f"its UNet takes {unet.in_channels} channels (inpainting and editing models do), not 4")
    prefix = next((each for each in CLIP_PREFIXES if f"{each}embeddings.token_embedding.weight" in shapes), "")
    clip = clip_layout(shapes, prefix or CLIP_PREFIXES[0])
    vae = vae_layout(shapes)
    return Architecture(
        family=FAMILY,
        prediction=declared.prediction or "epsilon",
        unet=Component(prefixes=(UNET,), config=unet_config(unet, declared), modules=dict(unet_modules(unet))),
        vae=Component(prefixes=(VAE,), config=vae_config(vae, declared), modules=dict(vae_modules(vae))),
        text_encoder=Component(prefixes=(prefix,), config=clip_config(clip, declared), modules={}),
        latent_scale=declared.latent_scale or LATENT_SCALE,
    )


def unet_config(layout: UNetLayout, declared: Declared) -> dict[str, Any]:
    """Arguments of diffusers' UNet2DConditionModel."""
    down = tuple("CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in layout.depths)
    up = tuple("CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(layout.depths))
    channels = declared.unet_head_channels
    return {
        "in_channels": layout.in_channels,
        "out_channels": layout.out_channels,
        "block_out_channels": layout.channels,
        "layers_per_block": layout.res_blocks,
        "down_block_types": down,
        "up_block_types": up,
        "transformer_layers_per_block": tuple(max(depth, 1) for depth in layout.depths),
        "cross_attention_dim": layout.context_width,
        # diffusers' name for the number of heads; kept by it for the sake of old configuration files.
        "attention_head_dim": tuple(
            width // channels if channels else declared.unet_heads or UNET_HEADS for width in layout.channels
        ),
        "use_linear_projection": layout.linear_projection,
        "norm_num_groups": declared.unet_norm_groups or NORM_GROUPS,
    }


def vae_config(layout: VaeLayout, declared: Declared) -> dict[str, Any]:
    """Arguments of diffusers' AutoencoderKL."""
    levels = len(layout.channels)
    return {
        "block_out_channels": layout.channels,
        "layers_per_block": layout.res_blocks,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "latent_channels": layout.latent_channels,
        "norm_num_groups": declared.vae_norm_groups or NORM_GROUPS,
        "use_quant_conv": layout.has_quant_conv,
        "use_post_quant_conv": layout.has_quant_conv,
    }


def clip_config(layout: ClipLayout, declared: Declared) -> dict[str, Any]:
    """Arguments of transformers' CLIPTextConfig."""
    official = layout.width // CLIP_HEAD_CHANNELS if layout.width >= 512 else NARROW_CLIP_HEADS
    return {
        "hidden_size": layout.width,
        "intermediate_size": layout.mlp,
        "num_hidden_layers": layout.layers,
        "num_attention_heads": declared.text_heads or official,
        "max_position_embeddings": layout.positions,
        "vocab_size": layout.vocabulary,
        "hidden_act": "quick_gelu",
        "bos_token_id": 49406,
        "eos_token_id": 49407,
        "pad_token_id": 49407,
        "attention_dropout": 0.0,
    }
