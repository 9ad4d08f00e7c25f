"""The VAE as LDM lays it out: its encoder and decoder, whose `forward` may be replaced, and their layers."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from modules.a1111.current import current
from modules.a1111.ldm.views import view_on
from modules.a1111.types import ExtensionFunction
from modules.foundation.errors import Interrupted


class ResnetBlock(nn.Module):
    """A residual block of the VAE."""

    stands_for = ("ResnetBlock",)
    use_conv_shortcut = False

    def __init__(self, real: Any) -> None:
        super().__init__()
        self.__dict__["real"] = real
        self.in_channels, self.out_channels = real.in_channels, real.out_channels
        self.norm1, self.conv1, self.norm2, self.conv2 = real.norm1, real.conv1, real.norm2, real.conv2
        if real.conv_shortcut is not None:
            self.nin_shortcut = real.conv_shortcut

    def forward(self, x: Tensor, temb: Tensor | None = None) -> Tensor:
        """`x` [B, C, h, w]."""
        return self.__dict__["real"](x, temb)


class Convolution1x1(nn.Module):
    """A linear layer over the channels, called as a convolution of one cell."""

    def __init__(self, real: nn.Linear) -> None:
        super().__init__()
        self.__dict__["real"] = real

    @property
    def weight(self) -> Tensor:
        """[out, in, 1, 1]."""
        return self.__dict__["real"].weight[:, :, None, None]

    @property
    def bias(self) -> Tensor:
        """[out]."""
        return self.__dict__["real"].bias

    def forward(self, x: Tensor) -> Tensor:
        """`x` [B, C, h, w]."""
        return self.__dict__["real"](x.movedim(1, -1)).movedim(-1, 1)


class AttnBlock(nn.Module):
    """Self-attention over the cells of a picture."""

    stands_for = ("AttnBlock", "MemoryEfficientAttnBlock")

    def __init__(self, real: Any) -> None:
        super().__init__()
        self.__dict__["real"] = real
        self.in_channels = real.group_norm.num_channels
        self.norm = real.group_norm
        self.q, self.k, self.v = (Convolution1x1(layer) for layer in (real.to_q, real.to_k, real.to_v))
        self.proj_out = Convolution1x1(real.to_out[0])

    def forward(self, x: Tensor) -> Tensor:
        """`x` [B, C, h, w]."""
        return self.__dict__["real"](x)


class Level(nn.Module):
    """The blocks of one size, and the layer that leads to the next."""

    def __init__(self, block: Any, name: str, scaler: Any) -> None:
        super().__init__()
        self.block = nn.ModuleList(ResnetBlock(each) for each in block.resnets)
        self.attn = nn.ModuleList()
        if scaler is not None:
            self.add_module(name, scaler)


class Coder(nn.Module):
    """The encoder or the decoder. The VAE calls a `forward(x)` that is put here, until the first is put back."""

    stands_for: tuple[str, ...] = ()

    def __init__(self, real: Any, *, decoding: bool) -> None:
        super().__init__()
        self.__dict__["real"] = real
        self.conv_in, self.norm_out, self.conv_out = real.conv_in, real.conv_norm_out, real.conv_out
        blocks = list(reversed(real.up_blocks)) if decoding else list(real.down_blocks)
        name, scalers = ("upsample", "upsamplers") if decoding else ("downsample", "downsamplers")
        levels = [Level(each, name, next(iter(getattr(each, scalers) or ()), None)) for each in blocks]
        self.add_module("up" if decoding else "down", nn.ModuleList(levels))
        self.mid = nn.Module()
        for number, resnet in enumerate(real.mid_block.resnets, 1):
            self.mid.add_module(f"block_{number}", ResnetBlock(resnet))
        for number, attention in enumerate(real.mid_block.attentions, 1):
            self.mid.add_module(f"attn_{number}", AttnBlock(attention))
        self.num_resolutions = len(blocks)
        self.num_res_blocks = len(blocks[0].resnets) - (1 if decoding else 0)
        self.give_pre_end = self.tanh_out = False
        self.ch = self.temb_ch = 0

    def forward(self, x: Tensor) -> Tensor:
        """What the VAE's own computes."""
        real = self.__dict__["real"]
        return type(real).forward(real, x)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "forward":
            super().__setattr__(name, value)
        elif getattr(value, "__func__", None) is Coder.forward:
            self.restore()
        else:
            self.__dict__["forward"] = value
            self.__dict__["real"].__dict__["forward"] = self._heeding(value)

    def _heeding(self, function: ExtensionFunction) -> ExtensionFunction:
        """`function`; one that raises is named, and taken away."""

        def forward(x: Tensor, *_: object, **__: object) -> Tensor:
            try:
                return function(x)
            except Interrupted:
                raise
            except Exception as error:  # the boundary of an extension
                if not current().blame(error, "what it has put into the VAE failed and is not used"):
                    raise
                self.restore()
                return self.forward(x)

        return forward

    def __delattr__(self, name: str) -> None:
        if name == "forward":
            self.restore()
        else:
            super().__delattr__(name)

    def restore(self) -> None:
        """Let the VAE compute by itself again."""
        self.__dict__.pop("forward", None)
        self.__dict__["real"].__dict__.pop("forward", None)


class Encoder(Coder):
    """The encoder: `down`, `mid`."""

    stands_for = ("Encoder",)


class Decoder(Coder):
    """The decoder: `mid`, `up`, whose first is the last that is computed."""

    stands_for = ("Decoder",)


class FirstStage:
    """`sd_model.first_stage_model`: the VAE. What LDM's has no other name for is the VAE's own."""

    stands_for = ("AutoencoderKL", "AutoencoderKLInferenceWrapper")

    def __init__(self, vae: Any) -> None:
        self.vae = vae
        self.encoder, self.decoder = Encoder(vae.encoder, decoding=False), Decoder(vae.decoder, decoding=True)

    def encode(self, x: Tensor) -> Any:
        """Pictures [B, 3, H, W] of -1 to 1 -> the distribution of their latents, with `sample()` and `mode()`."""
        return self.vae.encode(x).latent_dist

    def decode(self, z: Tensor) -> Tensor:
        """Latents [B, C, h, w], not scaled, to pictures [B, 3, H, W] of -1 to 1."""
        return self.vae.decode(z, return_dict=False)[0]

    def __call__(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x).mode())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["vae"], name)

    def restore(self) -> None:
        """Let the VAE compute by itself again."""
        self.encoder.restore()
        self.decoder.restore()


def first_stage(vae: Any) -> FirstStage:
    """The view of a VAE."""
    return view_on(vae, FirstStage)
