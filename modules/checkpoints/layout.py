"""The dimensions of the networks inside a checkpoint, read off the names and shapes of its tensors.

Names are those of the original latent-diffusion ("LDM") single-file layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError

UNET = "model.diffusion_model."
VAE = "first_stage_model."


@dataclass(frozen=True, kw_only=True)
class UNetLayout:
    """Dimensions of a UNet. Levels run from the finest.

    `depths` and `up_depths` count, for each level on the way down and up, the transformer blocks after each of its
    residual blocks (0: none); `middle_depth` those in the middle, which has `middle_blocks` residual blocks: two, one
    where it was pruned, none where it was taken out.
    """

    in_channels: int
    out_channels: int
    channels: tuple[int, ...]
    res_blocks: int
    depths: tuple[tuple[int, ...], ...]
    up_depths: tuple[tuple[int, ...], ...]
    middle_depth: int
    context_width: int
    linear_projection: bool
    vector_width: int = 0
    middle_blocks: int = 2

    @property
    def is_symmetrical(self) -> bool:
        """Whether each level has transformers of one depth, the same down and up, and there is a whole middle."""
        even = all(len({*down, *up}) == 1 for down, up in zip(self.depths, self.up_depths, strict=True))
        return even and self.middle_depth > 0 and self.depths[-1][0] in (0, self.middle_depth)


@dataclass(frozen=True, kw_only=True)
class VaeLayout:
    """Dimensions of an autoencoder. `channels` run from the finest level."""

    channels: tuple[int, ...]
    res_blocks: int
    latent_channels: int
    has_quant_conv: bool


@dataclass(frozen=True, kw_only=True)
class ClipLayout:
    """Dimensions of a CLIP text encoder. `projection` is the length of the whole text's vector, 0 without one."""

    width: int
    layers: int
    mlp: int
    positions: int
    vocabulary: int
    projection: int = 0


@dataclass(frozen=True, kw_only=True)
class Block:
    """One entry of LDM's `input_blocks`: what it is, its output channels, its transformer depth."""

    kind: Literal["conv", "res", "down"]
    channels: int = 0
    depth: int = 0


def has_unet(shapes: Shapes, prefix: str = UNET) -> bool:
    """Whether there is anything like a UNet."""
    return f"{prefix}input_blocks.0.0.weight" in shapes


def unet_layout(shapes: Shapes, prefix: str = UNET) -> UNetLayout:
    """Read a UNet. Raises CheckpointError when the names do not form one."""
    levels = _levels(shapes, prefix)
    res_blocks = len(levels[0])
    if not res_blocks or any(len(level) != res_blocks for level in levels):
        raise CheckpointError("its UNet has a shape that no known family has")
    depths = tuple(tuple(block.depth for block in level) for level in levels)
    up_depths = _up_depths(shapes, prefix, len(levels), res_blocks + 1)
    if any(0 in level and any(level) for level in (*depths, *up_depths)):
        raise CheckpointError("its UNet has a level with attention in some of its blocks only")
    middle_depth = _depth(shapes, f"{prefix}middle_block.1.")
    middle_blocks = sum(f"{prefix}middle_block.{block}.in_layers.2.weight" in shapes for block in (0, 2))
    if (middle_blocks == 2) != bool(middle_depth):
        raise CheckpointError("its UNet has a middle that no known family has")
    first, last = shapes[f"{prefix}input_blocks.0.0.weight"], shapes.get(f"{prefix}out.2.weight")
    if len(first) != 4 or not last:
        raise CheckpointError("its UNet has no whole beginning and end")
    contexts = [shape for key, shape in shapes.items() if key.startswith(prefix) and key.endswith("attn2.to_k.weight")]
    projections = [shape for key, shape in shapes.items() if key.startswith(prefix) and key.endswith("proj_in.weight")]
    if not contexts or not projections:
        raise CheckpointError("its UNet has no attention to the prompt")
    return UNetLayout(
        in_channels=first[1],
        out_channels=last[0],
        channels=tuple(level[0].channels for level in levels),
        res_blocks=res_blocks,
        depths=depths,
        up_depths=up_depths,
        middle_depth=middle_depth,
        context_width=contexts[0][1],
        linear_projection=len(projections[0]) == 2,
        vector_width=shapes.get(f"{prefix}label_emb.0.0.weight", (0, 0))[1],
        middle_blocks=middle_blocks,
    )


def _levels(shapes: Shapes, prefix: str) -> list[list[Block]]:
    """The residual blocks of each level. Raises CheckpointError for blocks in an order that no family has."""
    blocks: list[Block] = []
    while (block := _input_block(shapes, f"{prefix}input_blocks.{len(blocks)}.")) is not None:
        blocks.append(block)
    known = tuple(f"{prefix}input_blocks.{index}." for index in range(len(blocks)))
    stray = any(key.startswith(f"{prefix}input_blocks.") and not key.startswith(known) for key in shapes)
    if not blocks or stray or blocks[0].kind != "conv":
        raise CheckpointError("its UNet has a shape that no known family has")
    levels: list[list[Block]] = [[]]
    for block in blocks[1:]:
        if block.kind == "down":
            levels.append([])
        else:
            levels[-1].append(block)
    return levels


def _up_depths(shapes: Shapes, prefix: str, levels: int, per_level: int) -> tuple[tuple[int, ...], ...]:
    """Transformer depths on the way up, from the finest level as everywhere."""
    depths = [_depth(shapes, f"{prefix}output_blocks.{block}.1.") for block in range(levels * per_level)]
    return tuple(tuple(depths[start : start + per_level]) for start in range(0, len(depths), per_level))[::-1]


def _input_block(shapes: Shapes, key: str) -> Block | None:
    if f"{key}0.weight" in shapes:
        return Block(kind="conv")
    if f"{key}0.op.weight" in shapes:
        return Block(kind="down")
    if (conv := shapes.get(f"{key}0.out_layers.3.weight")) is not None:
        return Block(kind="res", channels=conv[0], depth=_depth(shapes, f"{key}1."))
    return None


def _depth(shapes: Shapes, key: str) -> int:
    depth = 0
    while f"{key}transformer_blocks.{depth}.norm1.weight" in shapes:
        depth += 1
    return depth


def vae_layout(shapes: Shapes, prefix: str = VAE) -> VaeLayout:
    """Read an autoencoder. Raises CheckpointError when the names do not form one."""
    channels: list[int] = []
    while (conv := shapes.get(f"{prefix}encoder.down.{len(channels)}.block.0.conv1.weight")) is not None:
        channels.append(conv[0])
    if not channels or f"{prefix}decoder.conv_in.weight" not in shapes:
        raise CheckpointError("it holds no VAE")
    res_blocks = 0
    while f"{prefix}encoder.down.0.block.{res_blocks}.conv1.weight" in shapes:
        res_blocks += 1
    return VaeLayout(
        channels=tuple(channels),
        res_blocks=res_blocks,
        latent_channels=shapes[f"{prefix}decoder.conv_in.weight"][1],
        has_quant_conv=f"{prefix}post_quant_conv.weight" in shapes,
    )


def diffusers_vae_layout(shapes: Shapes, prefix: str = "") -> VaeLayout:
    """Read an autoencoder with diffusers' names. Raises CheckpointError when the names do not form one."""
    channels: list[int] = []
    while (conv := shapes.get(f"{prefix}encoder.down_blocks.{len(channels)}.resnets.0.conv1.weight")) is not None:
        channels.append(conv[0])
    if not channels or f"{prefix}decoder.conv_in.weight" not in shapes:
        raise CheckpointError("it holds no VAE")
    res_blocks = 0
    while f"{prefix}encoder.down_blocks.0.resnets.{res_blocks}.conv1.weight" in shapes:
        res_blocks += 1
    return VaeLayout(
        channels=tuple(channels),
        res_blocks=res_blocks,
        latent_channels=shapes[f"{prefix}decoder.conv_in.weight"][1],
        has_quant_conv=f"{prefix}post_quant_conv.weight" in shapes,
    )


def count_layers(shapes: Shapes, prefix: str, suffix: str) -> int:
    """How many layers there are, counted from 0 between `prefix` and `suffix`."""
    layers = 0
    while f"{prefix}{layers}{suffix}" in shapes:
        layers += 1
    return layers


def clip_layout(shapes: Shapes, prefix: str) -> ClipLayout:
    """Read a CLIP text encoder whose names begin with `prefix`. Raises CheckpointError when there is none."""
    tokens = shapes.get(f"{prefix}embeddings.token_embedding.weight")
    positions = shapes.get(f"{prefix}embeddings.position_embedding.weight")
    mlp = shapes.get(f"{prefix}encoder.layers.0.mlp.fc1.weight")
    if tokens is None or positions is None or mlp is None:
        raise CheckpointError("it holds no CLIP text encoder")
    layers = count_layers(shapes, f"{prefix}encoder.layers.", ".mlp.fc1.weight")
    return ClipLayout(width=tokens[1], layers=layers, mlp=mlp[0], positions=positions[0], vocabulary=tokens[0])


def openclip_layout(shapes: Shapes, prefix: str) -> ClipLayout:
    """Read an OpenCLIP text encoder whose names begin with `prefix`. Raises CheckpointError when it is incomplete."""
    tokens = shapes.get(f"{prefix}token_embedding.weight")
    positions = shapes.get(f"{prefix}positional_embedding")
    mlp = shapes.get(f"{prefix}transformer.resblocks.0.mlp.c_fc.weight")
    if tokens is None or positions is None or mlp is None:
        raise CheckpointError("it holds no whole OpenCLIP text encoder")
    layers = count_layers(shapes, f"{prefix}transformer.resblocks.", ".mlp.c_fc.weight")
    return ClipLayout(
        width=tokens[1],
        layers=layers,
        mlp=mlp[0],
        positions=positions[0],
        vocabulary=tokens[0],
        projection=shapes.get(f"{prefix}text_projection", (0, 0))[1],
    )
