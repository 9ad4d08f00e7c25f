"""Arguments of the classes that run a checkpoint's networks, from the dimensions read off its shapes."""

from __future__ import annotations

from collections.abc import Callable

from modules.checkpoints.declared import Declared
from modules.checkpoints.layout import ClipLayout, UNetLayout, VaeLayout
from modules.foundation.plain import JsonObject

NORM_GROUPS = 32
HEAD_CHANNELS = 64
NARROW_HEAD_CHANNELS = 16
NARROW_CLIP_HEADS = 4
"""Networks narrower than any official one have no family to imply their heads; these, unless declared."""

NARROWEST_UNET = 320
NARROWEST_TEXT = 512
MIDDLE_DEPTH = "middle_depth"
"""An argument of ours: transformer blocks in the middle, where they are not as many as diffusers derives."""

VECTOR_SINUSOIDS = 256
"""Sinusoids for each number of SDXL's sizes."""


def heads_of_64_channels(layout: UNetLayout) -> Callable[[int], int]:
    """SD2's and SDXL's number of heads by a level's width."""
    each = HEAD_CHANNELS if layout.channels[0] >= NARROWEST_UNET else NARROW_HEAD_CHANNELS
    return lambda width: width // each


def unet_config(layout: UNetLayout, declared: Declared, official_heads: Callable[[int], int]) -> JsonObject:
    """Arguments of diffusers' UNet2DConditionModel. What the checkpoint declares of its heads goes before the rule."""
    config: JsonObject = {
        "in_channels": layout.in_channels,
        "out_channels": layout.out_channels,
        "block_out_channels": layout.channels,
        "layers_per_block": layout.res_blocks,
        "down_block_types": tuple("CrossAttnDownBlock2D" if any(depth) else "DownBlock2D" for depth in layout.depths),
        "up_block_types": tuple(
            "CrossAttnUpBlock2D" if any(depth) else "UpBlock2D" for depth in reversed(layout.up_depths)
        ),
        "mid_block_type": _middle(layout),
        "transformer_layers_per_block": _depths(layout),
        "cross_attention_dim": layout.context_width,
        # diffusers' name for the number of heads; kept by it for the sake of old configuration files.
        "attention_head_dim": tuple(max(_heads(declared, official_heads)(width), 1) for width in layout.channels),
        "use_linear_projection": layout.linear_projection,
        "norm_num_groups": declared.unet_norm_groups or NORM_GROUPS,
    }
    if not layout.is_symmetrical:
        up = tuple(list(depth) if any(depth) else 1 for depth in reversed(layout.up_depths))
        config["reverse_transformer_layers_per_block"] = up
        if layout.middle_depth and layout.depths[-1][0] != layout.middle_depth:
            config[MIDDLE_DEPTH] = layout.middle_depth
    if layout.vector_width:
        config |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": VECTOR_SINUSOIDS,
            "projection_class_embeddings_input_dim": layout.vector_width,
        }
    return config


def _middle(layout: UNetLayout) -> str | None:
    if not layout.middle_blocks:
        return None
    return "UNetMidBlock2DCrossAttn" if layout.middle_depth else "UNetMidBlock2D"


def _depths(layout: UNetLayout) -> tuple[int | list[int], ...]:
    """Numbers of transformer blocks by level; diffusers takes the last one for the middle too."""
    if not layout.is_symmetrical:
        return tuple(list(depth) if any(depth) else 1 for depth in layout.depths)
    return (*(depth[0] or 1 for depth in layout.depths[:-1]), layout.middle_depth)


def _heads(declared: Declared, official: Callable[[int], int]) -> Callable[[int], int]:
    channels, heads = declared.unet_head_channels, declared.unet_heads
    if channels:
        return lambda width: width // channels
    return (lambda width: heads) if heads else official


def vae_config(layout: VaeLayout, declared: Declared) -> JsonObject:
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


def clip_config(layout: ClipLayout, declared: Declared) -> JsonObject:
    """Arguments of transformers' CLIPTextConfig for OpenAI's CLIP."""
    official = layout.width // HEAD_CHANNELS if layout.width >= NARROWEST_TEXT else NARROW_CLIP_HEADS
    return _text_config(layout, declared.text_heads or official, "quick_gelu")


def openclip_config(layout: ClipLayout, declared: Declared) -> JsonObject:
    """Arguments of transformers' CLIPTextConfig for OpenCLIP."""
    each = HEAD_CHANNELS if layout.width >= NARROWEST_TEXT else NARROW_HEAD_CHANNELS
    return _text_config(layout, declared.openclip_heads or layout.width // each, "gelu")


def _text_config(layout: ClipLayout, heads: int, activation: str) -> JsonObject:
    return {
        "hidden_size": layout.width,
        "intermediate_size": layout.mlp,
        "num_hidden_layers": layout.layers,
        "num_attention_heads": heads,
        "max_position_embeddings": layout.positions,
        "vocab_size": layout.vocabulary,
        "hidden_act": activation,
        "bos_token_id": 49406,
        "eos_token_id": 49407,
        "pad_token_id": 49407 if activation == "quick_gelu" else 0,
        "attention_dropout": 0.0,
    }
