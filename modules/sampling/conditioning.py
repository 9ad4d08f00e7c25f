"""Conditioning as guidance sees it: plain tensors, put together into the rows of one network batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Cond:
    """One encoded prompt.

    `tokens` [n, width] goes to cross-attention; `vector` [m], where a model has one (SDXL), to the time embedding.
    """

    tokens: Tensor
    vector: Tensor | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class StepConds:
    """What the images of a batch are guided by during one step.

    `positive` holds, for each image, the prompts that AND joins with their weights; `negative` one prompt for each
    image. A step that reuses the same object costs nothing.
    """

    positive: tuple[tuple[tuple[Cond, float], ...], ...]
    negative: tuple[Cond, ...]

    def image(self, index: int) -> StepConds:
        """The part that belongs to one image."""
        return StepConds(positive=(self.positive[index],), negative=(self.negative[index],))


CondsAt = Callable[[int], StepConds]
"""The conditioning that holds at an evaluation of the model, counted from 0."""


class WithVectors:
    """`conds` with a vector of each image beside its prompts, [images, m], and zeros beside negative prompts."""

    def __init__(self, conds: CondsAt, vectors: Tensor) -> None:
        self._conds, self._vectors = conds, vectors
        self._nothing = torch.zeros_like(vectors[0])
        self._source: StepConds | None = None
        self._made: StepConds | None = None

    def __call__(self, call: int) -> StepConds:
        """What holds at an evaluation; the same object for as long as nothing changes."""
        source = self._conds(call)
        if self._made is None or source is not self._source:
            self._source = source
            self._made = StepConds(
                positive=tuple(
                    tuple((replace(cond, vector=vector), weight) for cond, weight in parts)
                    for parts, vector in zip(source.positive, self._vectors, strict=True)
                ),
                negative=tuple(replace(cond, vector=self._nothing) for cond in source.negative),
            )
        return self._made


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkAdditions:
    """What outsiders put into one call of the network beside the conditioning: nothing, unless a hook adds it.

    `down` are added to what the down blocks hand over to the up blocks, the input convolution's output first, `mid` to
    what the middle block gives, each with the rows of the call; `attention` are further arguments of the attention
    processors.
    """

    down: tuple[Tensor, ...] = ()
    mid: Tensor | None = None
    attention: Mapping[str, object] = field(default_factory=dict[str, object])

    def with_residuals(self, down: Sequence[Tensor], mid: Tensor | None) -> NetworkAdditions:
        """These with more residuals. Raises ValueError where their number is another than that of those there are."""
        if self.down and down:
            down = [own + more for own, more in zip(self.down, down, strict=True)]
        if self.mid is not None and mid is not None:
            mid = self.mid + mid
        return replace(self, down=tuple(down) or self.down, mid=self.mid if mid is None else mid)


@dataclass(frozen=True, kw_only=True, eq=False)
class CondBatch:
    """Conditioning for the rows of one network call.

    `tokens` [rows, n, width], `vector` [rows, m] or None, `image_cond` [rows, C, H, W] or None (what inpainting and
    depth models get beside the latent), `images` the image that each row belongs to. `additions` are there in the
    network call itself, where a hook made some.
    """

    tokens: Tensor
    vector: Tensor | None
    image_cond: Tensor | None
    images: tuple[int, ...]
    additions: NetworkAdditions | None = None

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, start: int, stop: int) -> CondBatch:
        """The rows from `start` up to `stop`, as views of the same tensors."""
        part = slice(start, stop)
        return CondBatch(
            tokens=self.tokens[part],
            vector=None if self.vector is None else self.vector[part],
            image_cond=None if self.image_cond is None else self.image_cond[part],
            images=self.images[part],
        )

    def copied(self) -> CondBatch:
        """The same rows in tensors of their own."""
        return replace(
            self,
            tokens=self.tokens.clone(),
            vector=None if self.vector is None else self.vector.clone(),
            image_cond=None if self.image_cond is None else self.image_cond.clone(),
        )

    def without_image(self) -> CondBatch:
        """The same rows with zeros beside the latent, which means "no picture"."""
        blank = None if self.image_cond is None else torch.zeros_like(self.image_cond)
        return CondBatch(tokens=self.tokens, vector=self.vector, image_cond=blank, images=self.images)

    def with_tokens(self, tokens: Tensor) -> CondBatch:
        """The same rows with other tokens."""
        return CondBatch(tokens=tokens, vector=self.vector, image_cond=self.image_cond, images=self.images)


def stack(conds: Sequence[Cond], images: Sequence[int], image_cond: Tensor | None) -> CondBatch:
    """A batch with one row for each of `conds`; shorter ones are filled up with their last token's vector."""
    longest = max(len(cond.tokens) for cond in conds)
    vectors = [cond.vector for cond in conds if cond.vector is not None]
    return CondBatch(
        tokens=torch.stack([_lengthen(cond.tokens, longest) for cond in conds]),
        vector=torch.stack(vectors) if vectors else None,
        image_cond=None if image_cond is None else image_cond[_row_index(images, image_cond)],
        images=tuple(images),
    )


def join(first: CondBatch, second: CondBatch) -> CondBatch:
    """The rows of both, which must have the same number of tokens."""
    return CondBatch(
        tokens=torch.cat([first.tokens, second.tokens]),
        vector=None if first.vector is None or second.vector is None else torch.cat([first.vector, second.vector]),
        image_cond=None
        if first.image_cond is None or second.image_cond is None
        else torch.cat([first.image_cond, second.image_cond]),
        images=first.images + second.images,
    )


def pad_with_empty(cond: CondBatch, uncond: CondBatch, empty: Tensor) -> tuple[CondBatch, CondBatch]:
    """The shorter of both filled up with the tokens of the empty prompt [n, width], as often as they fit."""
    missing = (cond.tokens.shape[1] - uncond.tokens.shape[1]) // len(empty)
    if missing == 0:
        return cond, uncond
    shorter = uncond if missing > 0 else cond
    filling = empty.to(shorter.tokens).repeat(abs(missing), 1).expand(len(shorter), -1, -1)
    padded = shorter.with_tokens(torch.cat([shorter.tokens, filling], dim=1))
    return (cond, padded) if missing > 0 else (padded, uncond)


def fit_uncond(cond: CondBatch, uncond: CondBatch) -> CondBatch:
    """`uncond` made as long as `cond`: filled up with its last token's vector, or cut."""
    wanted, length = cond.tokens.shape[1], uncond.tokens.shape[1]
    if length >= wanted:
        return uncond.with_tokens(uncond.tokens[:, :wanted])
    filling = uncond.tokens[:, -1:].expand(-1, wanted - length, -1)
    return uncond.with_tokens(torch.cat([uncond.tokens, filling], dim=1))


def _lengthen(tokens: Tensor, length: int) -> Tensor:
    if len(tokens) == length:
        return tokens
    return torch.cat([tokens, tokens[-1:].expand(length - len(tokens), -1)])


def _row_index(images: Sequence[int], image_cond: Tensor) -> Tensor:
    return torch.tensor(images, dtype=torch.long).to(image_cond.device, non_blocking=True)
