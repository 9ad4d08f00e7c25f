"""The three networks of a Stable Diffusion 1 checkpoint at small widths, with that file's own parameter names.

`state_dict()` of each module is the corresponding part of a single-file checkpoint (below `model.diffusion_model.`,
`first_stage_model.` and `cond_stage_model.transformer.`), so export is a copy. Topology after Rombach et al.,
"High-Resolution Image Synthesis with Latent Diffusion Models" (2022), and Radford et al., CLIP (2021).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class UNetShape:
    """Widths of the UNet. `attention` says for each level whether it has transformers (the middle always has one)."""

    widths: tuple[int, ...] = (64, 96, 128, 128)
    attention: tuple[bool, ...] = (False, True, True, False)
    context: int = 64
    heads: int = 2
    groups: int = 8
    latent: int = 4


@dataclass(frozen=True, kw_only=True)
class VaeShape:
    """Widths of the autoencoder (factor 8, four latent channels)."""

    widths: tuple[int, ...] = (16, 32, 64, 64)
    groups: int = 4
    latent: int = 4


@dataclass(frozen=True, kw_only=True)
class TextShape:
    """Sizes of the CLIP text transformer."""

    width: int = 64
    layers: int = 4
    heads: int = 4
    vocabulary: int = 49408
    positions: int = 77


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """The sizes of all three networks; stored with every work folder."""

    unet: UNetShape = field(default_factory=UNetShape)
    vae: VaeShape = field(default_factory=VaeShape)
    text: TextShape = field(default_factory=TextShape)

    def architecture(self) -> dict[str, dict[str, int]]:
        """What cannot be read off tensor shapes, in the words of the `easel.architecture` metadata key."""
        return {
            "unet": {"num_heads": self.unet.heads, "norm_num_groups": self.unet.groups},
            "vae": {"norm_num_groups": self.vae.groups},
            "text_encoder": {"num_heads": self.text.heads},
        }

    def as_dict(self) -> dict[str, dict[str, object]]:
        """Plain values for JSON."""
        return asdict(self)


def _zero(module: nn.Module) -> nn.Module:
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


def _attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Softmax attention, [b, n, c] x [b, m, c] -> [b, n, c]; plain products train far faster on a CPU when small."""
    b, n, c = q.shape
    q, k, v = (t.reshape(b, -1, heads, c // heads).transpose(1, 2) for t in (q, k, v))
    scores = torch.matmul(q * (c // heads) ** -0.5, k.transpose(-1, -2))
    return torch.matmul(scores.softmax(-1), v).transpose(1, 2).reshape(b, n, c)


class ResBlock(nn.Module):
    """Residual block with the time embedding added between its convolutions."""

    def __init__(self, inside: int, outside: int, time: int, groups: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(groups, inside), nn.SiLU(), nn.Conv2d(inside, outside, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time, outside))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(groups, outside), nn.SiLU(), nn.Dropout(0.0), _zero(nn.Conv2d(outside, outside, 3, padding=1))
        )
        self.skip_connection = nn.Identity() if inside == outside else nn.Conv2d(inside, outside, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.in_layers(x) + self.emb_layers(time)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class Attention(nn.Module):
    """Multi-head attention; over `context` where given, else over the input itself."""

    def __init__(self, width: int, context: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context, width, bias=False)
        self.to_v = nn.Linear(context, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width), nn.Dropout(0.0))

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        source = x if context is None else context
        return self.to_out(_attend(self.to_q(x), self.to_k(source), self.to_v(source), self.heads))


class _GatedGelu(nn.Module):
    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.proj = nn.Linear(inside, outside * 2)

    def forward(self, x: Tensor) -> Tensor:
        x, gate = self.proj(x).chunk(2, dim=-1)
        return x * functional.gelu(gate)


class _FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(_GatedGelu(width, width * 4), nn.Dropout(0.0), nn.Linear(width * 4, width))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class _TransformerBlock(nn.Module):
    def __init__(self, width: int, context: int, heads: int) -> None:
        super().__init__()
        self.attn1 = Attention(width, width, heads)
        self.ff = _FeedForward(width)
        self.attn2 = Attention(width, context, heads)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """Self-attention and attention to the text over all positions of a feature map."""

    def __init__(self, width: int, context: int, heads: int, groups: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([_TransformerBlock(width, context, heads)])
        self.proj_out = _zero(nn.Conv2d(width, width, 1))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        b, c, height, width = x.shape
        h = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).reshape(b, height * width, c)
        h = self.transformer_blocks[0](h, context)
        return x + self.proj_out(h.reshape(b, height, width, c).permute(0, 3, 1, 2))


class _Downsample(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class _Upsample(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


class _Stage(nn.ModuleList):
    """The modules of one numbered block, run in order, each with what it needs."""

    def forward(self, x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        for module in self:
            if isinstance(module, ResBlock):
                x = module(x, time)
            elif isinstance(module, SpatialTransformer):
                x = module(x, context)
            else:
                x = module(x)
        return x


def timestep_embedding(timesteps: Tensor, width: int) -> Tensor:
    """Cosines then sines of the timestep at geometric frequencies, [b] -> [b, width]."""
    half = width // 2
    rates = torch.exp(torch.arange(half, device=timesteps.device, dtype=torch.float32) * (-math.log(10000.0) / half))
    angles = timesteps.float()[:, None] * rates[None]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class UNet(nn.Module):
    """The noise predictor: latents [b, 4, h, w], timesteps [b], text [b, n, context] -> noise [b, 4, h, w]."""

    def __init__(self, shape: UNetShape) -> None:
        super().__init__()
        self.shape = shape
        first, time = shape.widths[0], shape.widths[0] * 4
        self.time_embed = nn.Sequential(nn.Linear(first, time), nn.SiLU(), nn.Linear(time, time))
        levels = len(shape.widths)

        def transformer(width: int) -> SpatialTransformer:
            return SpatialTransformer(width, shape.context, shape.heads, shape.groups)

        downs: list[nn.Module] = [_Stage([nn.Conv2d(shape.latent, first, 3, padding=1)])]
        skips, width = [first], first
        for level, target in enumerate(shape.widths):
            stage: list[nn.Module] = [ResBlock(width, target, time, shape.groups)]
            width = target
            if shape.attention[level]:
                stage.append(transformer(width))
            downs.append(_Stage(stage))
            skips.append(width)
            if level < levels - 1:
                downs.append(_Stage([_Downsample(width)]))
                skips.append(width)
        self.input_blocks = nn.ModuleList(downs)
        self.middle_block = _Stage(
            [ResBlock(width, width, time, shape.groups), transformer(width), ResBlock(width, width, time, shape.groups)]
        )
        ups: list[nn.Module] = []
        for level in reversed(range(levels)):
            for block in range(2):
                stage = [ResBlock(width + skips.pop(), shape.widths[level], time, shape.groups)]
                width = shape.widths[level]
                if shape.attention[level]:
                    stage.append(transformer(width))
                if block == 1 and level > 0:
                    stage.append(_Upsample(width))
                ups.append(_Stage(stage))
        self.output_blocks = nn.ModuleList(ups)
        self.out = nn.Sequential(
            nn.GroupNorm(shape.groups, first), nn.SiLU(), _zero(nn.Conv2d(first, shape.latent, 3, padding=1))
        )
        self._start_as_identity()

    @torch.no_grad()
    def _start_as_identity(self) -> None:
        """Begin by predicting that everything is noise: carry x and -x through the outermost skip.

        silu(a) - silu(-a) = a exactly, so a pair of opposite channels passes the final activation unchanged; all
        pairs lie in one norm group, whose mean is then zero and whose scale is that of the latent (about 1).
        """
        inputs, outputs = cast(Any, self.input_blocks), cast(Any, self.output_blocks)
        z, conv_in = self.shape.latent, inputs[0][0]
        last, conv_out = outputs[-1][0].skip_connection, cast(Any, self.out)[2]
        offset = last.weight.shape[1] - self.shape.widths[0]
        if self.shape.widths[0] < 2 * z:
            return
        for channel in range(z):
            for row, sign in ((channel, 1.0), (channel + z, -1.0)):
                conv_in.weight[row] = 0
                conv_in.bias[row] = 0
                conv_in.weight[row, channel, 1, 1] = sign
                last.weight[row] = 0
                last.bias[row] = 0
                last.weight[row, offset + row] = 1.0
                conv_out.weight[channel, row, 1, 1] = sign

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor) -> Tensor:
        embedded = timestep_embedding(timesteps, self.shape.widths[0]).to(x.dtype)
        time = self.time_embed(embedded)
        kept: list[Tensor] = []
        for stage in self.input_blocks:
            x = stage(x, time, context)
            kept.append(x)
        x = self.middle_block(x, time, context)
        for stage in self.output_blocks:
            x = stage(torch.cat([x, kept.pop()], dim=1), time, context)
        return self.out(x)


class _VaeBlock(nn.Module):
    def __init__(self, inside: int, outside: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inside, eps=1e-6)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, outside, eps=1e-6)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
        if inside != outside:
            self.nin_shortcut = nn.Conv2d(inside, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv2(functional.silu(self.norm2(self.conv1(functional.silu(self.norm1(x))))))
        return (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + h


class _VaeAttention(nn.Module):
    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.q, self.k, self.v = (nn.Conv2d(width, width, 1) for _ in range(3))
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        q, k, v = (f(h).flatten(2).transpose(1, 2) for f in (self.q, self.k, self.v))
        out = functional.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        return x + self.proj_out(out.transpose(1, 2).reshape(x.shape))


class _VaeMiddle(nn.Module):
    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.block_1 = _VaeBlock(width, width, groups)
        self.attn_1 = _VaeAttention(width, groups)
        self.block_2 = _VaeBlock(width, width, groups)

    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class _VaeDownsample(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(functional.pad(x, (0, 1, 0, 1)))


class _VaeLevel(nn.Module):
    def __init__(self, blocks: list[_VaeBlock], **resample: nn.Module) -> None:
        super().__init__()
        self.block = nn.ModuleList(blocks)
        for name, module in resample.items():
            self.add_module(name, module)


class Encoder(nn.Module):
    """Picture [b, 3, 8h, 8w] in -1..1 -> moments [b, 8, h, w] before `quant_conv`."""

    def __init__(self, shape: VaeShape) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, shape.widths[0], 3, padding=1)
        levels: list[nn.Module] = []
        width = shape.widths[0]
        for level, target in enumerate(shape.widths):
            extra = {"downsample": _VaeDownsample(target)} if level < len(shape.widths) - 1 else {}
            levels.append(_VaeLevel([_VaeBlock(width, target, shape.groups)], **extra))
            width = target
        self.down = nn.ModuleList(levels)
        self.mid = _VaeMiddle(width, shape.groups)
        self.norm_out = nn.GroupNorm(shape.groups, width, eps=1e-6)
        self.conv_out = nn.Conv2d(width, 2 * shape.latent, 3, padding=1)

    def features(self, x: Tensor) -> Tensor:
        """The activations that `conv_out` sees."""
        x = self.conv_in(x)
        for level in cast("Iterable[Any]", self.down):
            x = level.block[0](x)
            if hasattr(level, "downsample"):
                x = level.downsample(x)
        return functional.silu(self.norm_out(self.mid(x)))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_out(self.features(x))


class Decoder(nn.Module):
    """Latents after `post_quant_conv` [b, 4, h, w] -> picture [b, 3, 8h, 8w]."""

    def __init__(self, shape: VaeShape) -> None:
        super().__init__()
        width = shape.widths[-1]
        self.conv_in = nn.Conv2d(shape.latent, width, 3, padding=1)
        self.mid = _VaeMiddle(width, shape.groups)
        levels: list[nn.Module] = []
        for level in reversed(range(len(shape.widths))):
            target = shape.widths[level]
            blocks = [_VaeBlock(width, target, shape.groups), _VaeBlock(target, target, shape.groups)]
            extra = {"upsample": _Upsample(target)} if level > 0 else {}
            levels.insert(0, _VaeLevel(blocks, **extra))
            width = target
        self.up = nn.ModuleList(levels)
        self.norm_out = nn.GroupNorm(shape.groups, width, eps=1e-6)
        self.conv_out = nn.Conv2d(width, 3, 3, padding=1)

    def features(self, z: Tensor) -> Tensor:
        """The activations that `conv_out` sees."""
        x = self.mid(self.conv_in(z))
        for level in cast("Iterable[Any]", reversed(self.up)):
            for block in level.block:
                x = block(x)
            if hasattr(level, "upsample"):
                x = level.upsample(x)
        return functional.silu(self.norm_out(x))

    def forward(self, z: Tensor) -> Tensor:
        return self.conv_out(self.features(z))


class Autoencoder(nn.Module):
    """The KL autoencoder. `SCALE` multiplies encoded latents to get what the UNet sees."""

    SCALE = 0.18215

    def __init__(self, shape: VaeShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder, self.decoder = Encoder(shape), Decoder(shape)
        self.quant_conv = nn.Conv2d(2 * shape.latent, 2 * shape.latent, 1)
        self.post_quant_conv = nn.Conv2d(shape.latent, shape.latent, 1)

    def moments(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latents, unscaled."""
        mean, log_variance = self.quant_conv(self.encoder(pictures)).chunk(2, dim=1)
        return mean, log_variance.clamp(-30.0, 20.0)

    def decode(self, latents: Tensor) -> Tensor:
        """Unscaled latents to pictures in -1..1."""
        return self.decoder(self.post_quant_conv(latents))


class _TextEmbeddings(nn.Module):
    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.position_embedding = nn.Embedding(shape.positions, shape.width)
        self.register_buffer("position_ids", torch.arange(shape.positions)[None])

    def forward(self, tokens: Tensor) -> Tensor:
        return self.token_embedding(tokens) + self.position_embedding.weight[: tokens.shape[1]]


class _TextAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        q, k, v = (
            f(x).reshape(b, n, self.heads, c // self.heads).transpose(1, 2)
            for f in (self.q_proj, self.k_proj, self.v_proj)
        )
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out_proj(out.transpose(1, 2).reshape(b, n, c))


class _TextMlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, width * 4), nn.Linear(width * 4, width)

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc1(x)
        return self.fc2(h * torch.sigmoid(1.702 * h))


class _TextLayer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn, self.mlp = _TextAttention(width, heads), _TextMlp(width)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class _TextLayers(nn.Module):
    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.layers = nn.ModuleList([_TextLayer(shape.width, shape.heads) for _ in range(shape.layers)])


class _TextModel(nn.Module):
    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.embeddings, self.encoder = _TextEmbeddings(shape), _TextLayers(shape)
        self.final_layer_norm = nn.LayerNorm(shape.width)


class TextEncoder(nn.Module):
    """CLIP's text transformer: tokens [b, 77] -> hidden states [b, 77, width] after the final norm."""

    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.shape = shape
        self.text_model = _TextModel(shape)
        nn.init.normal_(self.text_model.embeddings.token_embedding.weight, std=0.1)
        nn.init.normal_(self.text_model.embeddings.position_embedding.weight, std=0.05)

    def forward(self, tokens: Tensor, clip_skip: int = 1) -> Tensor:
        model = self.text_model
        x = model.embeddings(tokens)
        layers = model.encoder.layers
        for layer in layers[: len(layers) - (clip_skip - 1)]:
            x = layer(x)
        return model.final_layer_norm(x)
