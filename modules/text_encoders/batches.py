"""Batches of prompts of different lengths: columns of chunks, each distinct chunk encoded once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

from modules.foundation.errors import PromptError
from modules.text_encoders.chunks import Chunk
from modules.text_encoders.emphasis import Emphasis, apply_emphasis

LARGEST_BATCH = 32
"""How many chunks go through the transformer at once; a prompt that alternates over 1000 steps has many."""

TOKENS = 77
"""Vectors of a chunk, its start and its end among them."""

MOST_CHUNKS = 20_000
"""Of all texts of a prompt together; those of SDXL's encoders are then 12 GB. A thousand steps of 10 are 10,000."""

LONGEST = 1_500
"""Chunks of one text: as many as the tokens of the longest prompt fill. With BREAK there could be ten times as many."""

MOST_WEIGHT = 1e6
"""Of emphasis; long before that a picture is nothing but noise."""


class Columns:
    """The chunks of a batch of prompts, filled up to equal length and to at least `least` chunks.

    `rows[column][prompt]` is the index in `distinct` of that prompt's chunk; chunks that differ only in their weights
    are one, since weights act on what the transformer gives.
    """

    def __init__(self, prompts: Sequence[Sequence[Chunk]], filler: Chunk, least: int = 1) -> None:
        length = max(least, *(len(chunks) for chunks in prompts))
        _check(prompts, length)
        self.chunks = [[chunks[i] if i < len(chunks) else filler for chunks in prompts] for i in range(length)]
        self.distinct: list[Chunk] = []
        seen: dict[Hashable, int] = {}
        self.rows: list[list[int]] = []
        for column in self.chunks:
            self.rows.append([])
            for chunk in column:
                key = (chunk.tokens, chunk.embeddings)
                if key not in seen:
                    seen[key] = len(self.distinct)
                    self.distinct.append(chunk)
                self.rows[-1].append(seen[key])

    def some_at_a_time(self) -> list[list[Chunk]]:
        """The distinct chunks in batches of a size that a device can take."""
        return [self.distinct[start : start + LARGEST_BATCH] for start in range(0, len(self.distinct), LARGEST_BATCH)]

    def run(self, encode: Callable[[Sequence[Chunk]], Tensor]) -> Tensor:
        """`encode` applied to the distinct chunks: [distinct, ...]."""
        return torch.cat([encode(chunks) for chunks in self.some_at_a_time()])

    def run_pooled(self, encode: Callable[[Sequence[Chunk]], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """As `run` for an encoder that also gives a vector [width] for each chunk; those of the first column."""
        hidden, pooled = zip(*(encode(chunks) for chunks in self.some_at_a_time()), strict=True)
        return torch.cat(hidden), torch.cat(pooled)[self.rows[0]]

    def join(self, encoded: Tensor, emphasis: Emphasis, mean_per_prompt: bool) -> Tensor:
        """Put encoded chunks [distinct, 77, width] back in their places: [prompts, 77 * columns, width].

        Weights are applied column by column in float32, as the mean that "Original" restores is that of a column.
        """
        joined: list[Tensor] = []
        for chunks, rows in zip(self.chunks, self.rows, strict=True):
            hidden = encoded[torch.tensor(rows, device=encoded.device)]
            if any(weight != 1.0 for chunk in chunks for weight in chunk.multipliers):
                multipliers = torch.tensor([chunk.multipliers for chunk in chunks], device=encoded.device)
                hidden = apply_emphasis(hidden.float(), multipliers, emphasis, mean_per_prompt=mean_per_prompt)
            joined.append(hidden.to(encoded.dtype))
        return torch.cat(joined, dim=1)


def check_chunks(length: int, versions: int) -> None:
    """Raise PromptError for a prompt of `length` chunks in so many versions that no memory holds them."""
    if length > LONGEST:
        raise PromptError(f"The prompt has {length:,} chunks of 75 tokens; the most is {LONGEST:,}. Make it shorter.")
    if length * versions > MOST_CHUNKS:
        raise PromptError(
            f"The prompt has {length} chunks of 75 tokens in {versions} versions over the steps, "
            f"{length * versions} in all; the most is {MOST_CHUNKS}. Make it shorter, or let it change less often."
        )


def _check(prompts: Sequence[Sequence[Chunk]], length: int) -> None:
    """Raise PromptError for what no memory holds and no number stands for."""
    check_chunks(length, len(prompts))
    weights = (abs(weight) for chunks in prompts for chunk in chunks for weight in chunk.multipliers)
    if not all(weight <= MOST_WEIGHT for weight in weights):
        raise PromptError(f"A part of the prompt is weighted by more than {MOST_WEIGHT:g}. Take a smaller number.")
