"""The blocks of LDM's UNet, each over the module of diffusers that computes it.

They hold the parts under LDM's names, so that weights and layers are found by them. A block may be replaced in its
list, its `forward` may be replaced, and hooks of torch may be registered on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from modules.a1111.ldm.attention import Layer, attention_view, called_with_context
from modules.a1111.ldm.views import view_on
from modules.a1111.types import ExtensionFunction


@dataclass
class NetworkCall:
    """What a call of the UNet carries besides the arguments that LDM's has."""

    attention: Mapping[str, object] | None = None
    down: tuple[Tensor, ...] | None = None
    middle: Tensor | None = None
    enlarged: tuple[int, int] | None = None
    """The (height, width) that the next enlargement must reach, where twice the size is not it."""


class ResBlock(nn.Module):
    """A residual block: `forward(x, emb)`."""

    stands_for = ("ResBlock", "TimestepBlock")

    def __init__(self, real: Any) -> None:
        super().__init__()
        self.__dict__["real"] = real
        self.channels, self.out_channels = real.in_channels, real.out_channels
        self.in_layers = nn.Sequential(real.norm1, real.nonlinearity, real.conv1)
        self.emb_layers = nn.Sequential(real.nonlinearity, real.time_emb_proj)
        self.out_layers = nn.Sequential(real.norm2, real.nonlinearity, real.dropout, real.conv2)
        self.skip_connection = nn.Identity() if real.conv_shortcut is None else real.conv_shortcut

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        """`x` [B, C, h, w] with the embedding of the time [B, n]."""
        return self.__dict__["real"](x, emb)


class BasicTransformerBlock(Layer):
    """Self-attention, attention to the prompt and a feed-forward network: `forward(x, context)`."""

    stands_for = ("BasicTransformerBlock",)

    def __init__(self, real: Any) -> None:
        super().__init__()
        self.__dict__["real"] = real
        for name in ("attn1", "ff", "attn2", "norm1", "norm2", "norm3"):
            self.add_module(name, getattr(real, name))

    def __getattr__(self, name: str) -> Any:
        value: Any = super().__getattr__(name)
        return attention_view(value) if name in ("attn1", "attn2") and value is not None else value

    def __setattr__(self, name: str, value: Any) -> None:
        """A `forward` that is put here takes the place of the real block's."""
        if name == "forward":
            called_with_context(self, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name == "forward":
            self.restore()
        else:
            super().__delattr__(name)

    def forward(self, x: Tensor, context: Tensor | None = None, **_: object) -> Tensor:
        """`x` [B, n, C] with the encoded prompt [B, m, width]."""
        real = self.__dict__["real"]
        return type(real).forward(real, x, encoder_hidden_states=context)


class SpatialTransformer(nn.Module):
    """Transformer blocks over the cells of a picture: `forward(x, context)`."""

    stands_for = ("SpatialTransformer",)

    def __init__(self, real: Any, call: NetworkCall) -> None:
        super().__init__()
        self.__dict__["real"], self.__dict__["call"] = real, call
        self.norm, self.proj_in = real.norm, real.proj_in
        self.transformer_blocks = nn.ModuleList(
            view_on(block, BasicTransformerBlock) for block in real.transformer_blocks
        )
        self.proj_out = real.proj_out

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """`x` [B, C, h, w] with the encoded prompt [B, m, width]."""
        call: NetworkCall = self.__dict__["call"]
        return self.__dict__["real"](
            x, encoder_hidden_states=context, cross_attention_kwargs=call.attention, return_dict=False
        )[0]


class Downsample(nn.Module):
    """Half the size."""

    stands_for = ("Downsample",)

    def __init__(self, real: Any) -> None:
        super().__init__()
        self.__dict__["real"] = real
        self.op = real.conv

    def forward(self, x: Tensor) -> Tensor:
        """`x` [B, C, h, w] -> [B, C, h / 2, w / 2]."""
        return self.__dict__["real"](x)


class Upsample(nn.Module):
    """Twice the size."""

    stands_for = ("Upsample",)

    def __init__(self, real: Any, call: NetworkCall) -> None:
        super().__init__()
        self.__dict__["real"], self.__dict__["call"] = real, call
        self.conv = real.conv

    def forward(self, x: Tensor) -> Tensor:
        """`x` [B, C, h, w] -> [B, C, 2 h, 2 w], or the size that the call wants."""
        return self.__dict__["real"](x, self.__dict__["call"].enlarged)


class TimestepEmbedSequential(nn.Sequential):
    """Layers one after the other, each with what it takes besides the picture."""

    stands_for = ("TimestepEmbedSequential",)

    def forward(self, input: Tensor, emb: Any = None, context: Any = None, *_: object) -> Tensor:
        """`input` [B, C, h, w] through all layers, with the time [B, n] and the prompt [B, m, width]."""
        x = input
        for layer in self:
            if isinstance(layer, ResBlock):
                x = layer(x, emb)
            elif isinstance(layer, SpatialTransformer):
                x = layer(x, context)
            else:
                x = layer(x)
        return x


def timed(*layers: nn.Module | None) -> TimestepEmbedSequential:
    """A block of those layers that there are."""
    return TimestepEmbedSequential(*(layer for layer in layers if layer is not None))


def input_blocks(unet: Any, call: NetworkCall) -> nn.ModuleList:
    """The way down, one block for each tensor that is handed to the way up."""
    blocks = [timed(unet.conv_in)]
    for block in unet.down_blocks:
        for resnet, attention in zip(block.resnets, _attentions(block), strict=True):
            blocks.append(timed(ResBlock(resnet), _transformer(attention, call)))
        blocks += [timed(Downsample(each)) for each in block.downsamplers or ()]
    return nn.ModuleList(blocks)


def middle_block(unet: Any, call: NetworkCall) -> TimestepEmbedSequential | None:
    """The block of the smallest size, where there is one."""
    if unet.mid_block is None:
        return None
    first, *others = unet.mid_block.resnets
    layers: list[nn.Module | None] = [ResBlock(first)]
    for attention, resnet in zip(unet.mid_block.attentions, others, strict=True):
        layers += [_transformer(attention, call), ResBlock(resnet)]
    return timed(*layers)


def output_blocks(unet: Any, call: NetworkCall) -> nn.ModuleList:
    """The way up; each block takes what its counterpart on the way down has handed over."""
    blocks: list[TimestepEmbedSequential] = []
    for block in unet.up_blocks:
        for resnet, attention in zip(block.resnets, _attentions(block), strict=True):
            blocks.append(timed(ResBlock(resnet), _transformer(attention, call)))
        for each in block.upsamplers or ():
            blocks[-1].append(Upsample(each, call))
    return nn.ModuleList(blocks)


def _attentions(block: Any) -> list[Any]:
    found = getattr(block, "attentions", None)
    return [None] * len(block.resnets) if found is None else list(found)


def _transformer(attention: Any, call: NetworkCall) -> SpatialTransformer | None:
    return None if attention is None else SpatialTransformer(attention, call)


class TorchNames:
    """`th` of the original's module for the UNet: torch, whose `cat` may be replaced here for the UNet alone."""

    cat: ExtensionFunction = staticmethod(torch.cat)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


th = TorchNames()
"""What `modules.sd_hijack_unet.th` is: its `cat` joins the picture with what the way down has handed over."""


def is_joining_replaced() -> bool:
    """Whether an extension has replaced `th.cat`."""
    return th.cat is not torch.cat
