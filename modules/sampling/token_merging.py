"""Token merging: Bolya, Hoffman 2023, "Token Merging for Fast Stable Diffusion".

Tokens that are much alike are averaged before self-attention and copied back after it. Of every 2 x 2 tokens the first
stays where it is (a destination); of the others (sources) those most like some destination are merged into it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CELL = 2
"""Destinations stand this far apart, in both directions."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Merging:
    """Which tokens of [B, n, C] go where: indices into the sources or the destinations, each [B, k, 1] or [1, k, 1]."""

    sources: Tensor
    destinations: Tensor
    kept: Tensor
    merged: Tensor
    into: Tensor

    def merge(self, x: Tensor) -> Tensor:
        """Tokens x [B, n, C] -> [B, n - r, C]: the sources that are kept, then the destinations with what they took."""
        source, destination = _pick(x, self.sources), _pick(x, self.destinations)
        index = self.into.expand(-1, -1, x.shape[-1])
        destination = destination.scatter_reduce(1, index, _pick(source, self.merged), reduce="mean")
        return torch.cat([_pick(source, self.kept), destination], dim=1)

    def unmerge(self, x: Tensor) -> Tensor:
        """The other way: every merged token gets its destination's value, [B, n - r, C] -> [B, n, C]."""
        count = self.kept.shape[1]
        kept, destination = x[:, :count], x[:, count:]
        batch, width = x.shape[0], x.shape[-1]
        total = self.sources.shape[1] + self.destinations.shape[1]
        result = x.new_empty(batch, total, width)
        places = self.sources.expand(batch, -1, 1)
        result.scatter_(1, self.destinations.expand(batch, -1, width), destination)
        result.scatter_(1, places.gather(1, self.kept).expand(-1, -1, width), kept)
        taken = places.gather(1, self.merged).expand(-1, -1, width)
        return result.scatter_(1, taken, _pick(destination, self.into))


def match_tokens(x: Tensor, height: int, width: int, ratio: float) -> Merging | None:
    """Decide which of the tokens x [B, height * width, C] to merge, `ratio` (0..1) of them; None if that is none.

    Bipartite soft matching without randomness: section 3.1 of Bolya et al. 2023, "Token Merging: Your ViT But Faster".
    """
    sources, destinations = _split(height, width, x.device)
    count = min(int(height * width * ratio), sources.shape[1])
    if count <= 0:
        return None
    unit = x / x.norm(dim=-1, keepdim=True)
    likeness = _pick(unit, sources) @ _pick(unit, destinations).transpose(1, 2)
    best, into = likeness.max(dim=-1)
    order = best.argsort(dim=-1, descending=True)[..., None]
    merged = order[:, :count]
    return Merging(
        sources=sources,
        destinations=destinations,
        kept=order[:, count:],
        merged=merged,
        into=into[..., None].gather(1, merged),
    )


def _split(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Indices [1, k, 1] of sources and destinations; rows and columns that fill no whole cell are sources."""
    is_destination = torch.zeros(height, width, dtype=torch.bool)
    is_destination[: height // CELL * CELL : CELL, : width // CELL * CELL : CELL] = True
    flat = is_destination.flatten()
    sources, destinations = (part.nonzero().view(1, -1, 1).to(device, non_blocking=True) for part in (~flat, flat))
    return sources, destinations


def _pick(x: Tensor, index: Tensor) -> Tensor:
    """The tokens of x [B, n, C] at index [B or 1, k, 1]."""
    return x.gather(1, index.expand(x.shape[0], -1, x.shape[-1]))
