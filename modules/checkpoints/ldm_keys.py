"""From the names of the single-file LDM layout to the names of diffusers' and transformers' modules."""

from __future__ import annotations

from collections.abc import Iterator

from modules.checkpoints.layout import UNetLayout, VaeLayout

RES_PARTS = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
UNET_ENDS = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
VAE_PARTS = {
    "nin_shortcut": "conv_shortcut",
    "norm_out": "conv_norm_out",
    "mid.block_1": "mid_block.resnets.0",
    "mid.block_2": "mid_block.resnets.1",
    "mid.attn_1.norm": "mid_block.attentions.0.group_norm",
    "mid.attn_1.q": "mid_block.attentions.0.to_q",
    "mid.attn_1.k": "mid_block.attentions.0.to_k",
    "mid.attn_1.v": "mid_block.attentions.0.to_v",
    "mid.attn_1.proj_out": "mid_block.attentions.0.to_out.0",
}


def unet_modules(layout: UNetLayout) -> Iterator[tuple[str, str]]:
    """Pairs (LDM module name, diffusers module name), both as prefixes ending before the next dot."""
    yield from UNET_ENDS.items()
    block = 1
    levels = len(layout.channels)
    for level in range(levels):
        for index in range(layout.res_blocks):
            yield from _res(f"input_blocks.{block}.0", f"down_blocks.{level}.resnets.{index}")
            yield f"input_blocks.{block}.1", f"down_blocks.{level}.attentions.{index}"
            block += 1
        if level < levels - 1:
            yield f"input_blocks.{block}.0.op", f"down_blocks.{level}.downsamplers.0.conv"
            block += 1
    yield from _res("middle_block.0", "mid_block.resnets.0")
    if layout.middle_depth:
        yield "middle_block.1", "mid_block.attentions.0"
    if layout.middle_blocks == 2:
        yield from _res("middle_block.2", "mid_block.resnets.1")
    block = 0
    for up, level in enumerate(reversed(range(levels))):
        for index in range(layout.res_blocks + 1):
            yield from _res(f"output_blocks.{block}.0", f"up_blocks.{up}.resnets.{index}")
            place = 1
            if layout.up_depths[level][index]:
                yield f"output_blocks.{block}.1", f"up_blocks.{up}.attentions.{index}"
                place = 2
            if level and index == layout.res_blocks:
                yield f"output_blocks.{block}.{place}.conv", f"up_blocks.{up}.upsamplers.0.conv"
            block += 1


def _res(ldm: str, diffusers: str) -> Iterator[tuple[str, str]]:
    for ldm_part, part in RES_PARTS.items():
        yield f"{ldm}.{ldm_part}", f"{diffusers}.{part}"


def vae_modules(layout: VaeLayout) -> Iterator[tuple[str, str]]:
    """Pairs (LDM module name, diffusers module name), both as prefixes ending before the next dot."""
    yield "quant_conv", "quant_conv"
    yield "post_quant_conv", "post_quant_conv"
    levels = len(layout.channels)
    for side in ("encoder", "decoder"):
        for name in ("conv_in", "conv_out"):
            yield f"{side}.{name}", f"{side}.{name}"
        for ldm_part, part in VAE_PARTS.items():
            if "." in ldm_part or ldm_part == "norm_out":
                yield f"{side}.{ldm_part}", f"{side}.{part}"
    for level in range(levels):
        for index in range(layout.res_blocks):
            yield from _vae_res(f"encoder.down.{level}.block.{index}", f"encoder.down_blocks.{level}.resnets.{index}")
        yield f"encoder.down.{level}.downsample.conv", f"encoder.down_blocks.{level}.downsamplers.0.conv"
        up = levels - 1 - level
        for index in range(layout.res_blocks + 1):
            yield from _vae_res(f"decoder.up.{level}.block.{index}", f"decoder.up_blocks.{up}.resnets.{index}")
        yield f"decoder.up.{level}.upsample.conv", f"decoder.up_blocks.{up}.upsamplers.0.conv"


def _vae_res(ldm: str, diffusers: str) -> Iterator[tuple[str, str]]:
    for part in ("norm1", "conv1", "norm2", "conv2"):
        yield f"{ldm}.{part}", f"{diffusers}.{part}"
    yield f"{ldm}.nin_shortcut", f"{diffusers}.conv_shortcut"


def current_attention_name(key: str) -> str:
    """A tensor's name in diffusers' VAE. Its attention was renamed once; older files have the older names."""
    for old, new in ((".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0.")):
        key = key.replace(old, new)
    return key


class KeyMap:
    """Translates whole tensor names by the longest module prefix that matches at a dot."""

    def __init__(self, modules: Iterator[tuple[str, str]]) -> None:
        self._modules = dict(modules)

    def __call__(self, key: str) -> str | None:
        """The name on the other side, or None for a tensor that has no place there."""
        parts = key.split(".")
        for length in range(len(parts), 0, -1):
            if (module := self._modules.get(".".join(parts[:length]))) is not None:
                return ".".join([module, *parts[length:]])
        return None
