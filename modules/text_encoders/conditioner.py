"""The text encoders of a checkpoint behind one call, by family."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import cast

import torch
from torch import Tensor

from modules.text_encoders.batches import Columns
from modules.text_encoders.chunks import ChunkedPrompt, EmbeddingLookup, empty_chunk
from modules.text_encoders.clip import ClipEncoder
from modules.text_encoders.embeddings import TextualInversion
from modules.text_encoders.openclip import OpenClipEncoder
from modules.text_encoders.scheduled import EncodedTexts, EncodingOptions


class SingleTextEncoder:
    """For models with one text encoder (Stable Diffusion 1 with CLIP, 2 with OpenCLIP)."""

    def __init__(self, encoder: ClipEncoder) -> None:
        self.encoder = encoder

    @property
    def widths(self) -> Mapping[str, int]:
        """The width of each encoder's vectors by its name; embeddings have to fit them."""
        return {self.encoder.name: self.encoder.width}

    def __call__(
        self,
        texts: Sequence[str],
        options: EncodingOptions,
        embeddings: Mapping[str, EmbeddingLookup],
        *,
        negative: bool = False,
    ) -> EncodedTexts:
        """Encode a batch of texts, negative or not alike. Raises PromptError for a clip skip deeper than the model."""
        prompts = chunk_texts(self.encoder, texts, options, embeddings)
        hidden = self.encoder.encode_chunks(
            [prompt.chunks for prompt in prompts],
            clip_skip=options.clip_skip,
            emphasis=options.emphasis,
            mean_per_prompt=options.mean_per_prompt,
        )
        return EncodedTexts(cross_attention=hidden, used=used_embeddings(prompts))


class DualTextEncoder:
    """For SDXL: CLIP and OpenCLIP side by side, both without final norm, and OpenCLIP's vector of the whole text.

    `skips_by_clip_skip` lets clip skip act on CLIP; otherwise the last layer but one is taken from both.
    """

    def __init__(self, first: ClipEncoder, second: OpenClipEncoder, *, skips_by_clip_skip: bool = False) -> None:
        self.first, self.second = first, second
        self.skips_by_clip_skip = skips_by_clip_skip

    @property
    def widths(self) -> Mapping[str, int]:
        """The width of each encoder's vectors by its name; embeddings have to fit them."""
        return {encoder.name: encoder.width for encoder in (self.first, self.second)}

    def __call__(
        self,
        texts: Sequence[str],
        options: EncodingOptions,
        embeddings: Mapping[str, EmbeddingLookup],
        *,
        negative: bool = False,
    ) -> EncodedTexts:
        """Encode a batch of texts to [texts, 77 * chunks, both widths]. An empty negative prompt is all zeros."""
        by_encoder = [chunk_texts(each, texts, options, embeddings) for each in (self.first, self.second)]
        chunks = max(len(prompt.chunks) for prompts in by_encoder for prompt in prompts)
        columns = [
            Columns([prompt.chunks for prompt in prompts], empty_chunk(encoder.tokenizer), least=chunks)
            for prompts, encoder in zip(by_encoder, (self.first, self.second), strict=True)
        ]
        layers = self.first.layers_for(options.clip_skip if self.skips_by_clip_skip else 2)
        first = columns[0].run(lambda some: self.first.hidden_states(some, layers))
        second, pooled = columns[1].run_pooled(self.second.with_pooled)
        joined = [
            each.join(hidden, options.emphasis, options.mean_per_prompt)
            for each, hidden in zip(columns, (first, second), strict=True)
        ]
        hidden = torch.cat(joined, dim=-1)
        if negative and not any(texts):
            hidden, pooled = torch.zeros_like(hidden), torch.zeros_like(pooled)
        used = tuple(embedding for prompts in reversed(by_encoder) for embedding in used_embeddings(prompts))
        return EncodedTexts(cross_attention=hidden, pooled=pooled, used=used)


def size_vector(sizes: Sequence[tuple[float, float]], width: int = 256) -> Tensor:
    """SDXL's sizes as one vector: each number as `width` sinusoids (Vaswani et al. 2017), cosines first.

    sizes: (height, width) of the original, (top, left) of the crop, (height, width) of the target, in pixels.
    """
    numbers = torch.tensor([number for pair in sizes for number in pair], dtype=torch.float32)
    frequencies = torch.exp(-math.log(10_000) * torch.arange(width // 2, dtype=torch.float32) / (width // 2))
    angles = numbers[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1).flatten()


def chunk_texts(
    encoder: ClipEncoder, texts: Sequence[str], options: EncodingOptions, embeddings: Mapping[str, EmbeddingLookup]
) -> list[ChunkedPrompt]:
    """The texts as chunks for one encoder."""
    return [
        encoder.chunk(
            text,
            dialect=options.dialect,
            emphasis=options.emphasis,
            comma_backtrack=options.comma_backtrack,
            embeddings=embeddings.get(encoder.name),
        )
        for text in texts
    ]


def used_embeddings(prompts: Iterable[ChunkedPrompt]) -> tuple[TextualInversion, ...]:
    """The textual inversions in a batch, each once, in the order of A1111: chunk by chunk, then prompt by prompt."""
    columns = zip_longest(*(prompt.chunks for prompt in prompts))
    places = (place for column in columns for chunk in column if chunk for place in chunk.embeddings)
    return tuple(dict.fromkeys(cast(TextualInversion, place.embedding) for place in places))
