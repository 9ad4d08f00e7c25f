"""A transformer that denoises, as small as one can be: the network of the family in `test_dit_family.py`.

Peebles, Xie 2023, "Scalable Diffusion Models with Transformers" (DiT), the text's tokens in front of the picture's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class TinyDiT(nn.Module):
    """Latents [B, channels, h, w], times [B] in 0..1 and text [B, n, width] -> a velocity like the latents."""

    def __init__(self, channels: int, patch: int, width: int, blocks: int) -> None:
        super().__init__()
        self.patch = nn.Conv2d(channels, width, patch, stride=patch)
        self.time = nn.Linear(1, width)
        self.blocks = nn.ModuleList([nn.TransformerEncoderLayer(width, 2, 2 * width, 0.0) for _ in range(blocks)])
        self.unpatch = nn.ConvTranspose2d(width, channels, patch, stride=patch)

    def forward(self, x: Tensor, t: Tensor, text: Tensor) -> Tensor:
        picture = self.patch(x)
        rows, columns = picture.shape[-2:]
        tokens = torch.cat([text, picture.flatten(2).transpose(1, 2)], dim=1) + self.time(t[:, None])[:, None]
        for block in self.blocks:
            tokens = block(tokens.transpose(0, 1)).transpose(0, 1)
        seen = tokens[:, text.shape[1] :].transpose(1, 2).unflatten(2, (rows, columns))
        return self.unpatch(seen)


class TinyText(nn.Module):
    """Bytes [B, n] -> a vector for each, [B, n, width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bytes = nn.Embedding(256, width)

    def forward(self, text: Tensor) -> Tensor:
        return self.bytes(text)
