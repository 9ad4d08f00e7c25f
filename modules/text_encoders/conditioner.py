"""The text encoders of a checkpoint behind one call, by family."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from modules.text_encoders.batches import Columns, check_chunks
from modules.text_encoders.chunks import ChunkedPrompt, EmbeddingLookup, empty_chunk
from modules.text_encoders.clip import ClipEncoder
from modules.text_encoders.openclip import OpenClipEncoder
from modules.text_encoders.prompt_conditioning import EncodedTexts, EncodingOptions, TextEncoder
from modules.text_encoders.textual_inversion import TextualInversion
from modules.text_encoders.tokenizer import ClipTokenizer, Manner
from modules.text_encoders.xlmr import XlmrEncoder, tokenizer_beside

if TYPE_CHECKING:
    from modules.checkpoints.load import LoadedCheckpoint, TextModel


class SingleTextEncoder:
    """For models with one text encoder (Stable Diffusion 1 with CLIP, 2 with OpenCLIP)."""

    def __init__(self, encoder: ClipEncoder) -> None:
        self.encoder = encoder
        self.encoders: tuple[ClipEncoder, ...] = (encoder,)

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


class PooledTextEncoder:
    """For SDXL: encoders side by side, without final norm, and the last one's vector of the whole text.

    The base has CLIP and OpenCLIP, the refiner OpenCLIP alone. The last layer but one is taken; of CLIP another one
    where the options let clip skip act on it.
    """

    def __init__(self, *encoders: ClipEncoder, pooling: OpenClipEncoder) -> None:
        self.encoders: tuple[ClipEncoder, ...] = (*encoders, pooling)
        self._others, self._pooling = encoders, pooling

    @property
    def widths(self) -> Mapping[str, int]:
        """The width of each encoder's vectors by its name; embeddings have to fit them."""
        return {encoder.name: encoder.width for encoder in self.encoders}

    def __call__(
        self,
        texts: Sequence[str],
        options: EncodingOptions,
        embeddings: Mapping[str, EmbeddingLookup],
        *,
        negative: bool = False,
    ) -> EncodedTexts:
        """Encode a batch of texts to [texts, 77 * chunks, all widths]. An empty negative prompt is all zeros."""
        by_encoder = [chunk_texts(each, texts, options, embeddings) for each in self.encoders]
        chunks = max(len(prompt.chunks) for prompts in by_encoder for prompt in prompts)
        *columns, last = (
            Columns([prompt.chunks for prompt in prompts], empty_chunk(encoder.tokenizer), least=chunks)
            for prompts, encoder in zip(by_encoder, self.encoders, strict=True)
        )
        hidden = [
            each.join(_hidden(encoder, each, options), options.emphasis, options.mean_per_prompt)
            for each, encoder in zip(columns, self._others, strict=True)
        ]
        pooling_hidden, pooled = last.run_pooled(self._pooling.with_pooled)
        joined = torch.cat([*hidden, last.join(pooling_hidden, options.emphasis, options.mean_per_prompt)], dim=-1)
        if negative and not any(texts):
            joined, pooled = torch.zeros_like(joined), torch.zeros_like(pooled)
        used = tuple(embedding for prompts in reversed(by_encoder) for embedding in used_embeddings(prompts))
        return EncodedTexts(cross_attention=joined, pooled=pooled, used=used)


def _hidden(encoder: ClipEncoder, columns: Columns, options: EncodingOptions) -> Tensor:
    layers = encoder.layers_for(options.clip_skip if options.sdxl_clip_l_skip else 2)
    return columns.run(lambda some: encoder.hidden_states(some, layers))


def text_encoder_of(checkpoint: LoadedCheckpoint, tokenizers: Mapping[Manner, ClipTokenizer]) -> TextEncoder:
    """The text encoders of a loaded checkpoint in the arrangement of its family."""
    family = checkpoint.family
    if family.text_encoder is not None:
        return family.text_encoder(checkpoint)
    encoders = [_encoder(each, tokenizers, checkpoint.info.path) for each in checkpoint.text_encoders]
    last = encoders[-1]
    if family.pooled_text:
        assert isinstance(last, OpenClipEncoder)
        return PooledTextEncoder(*encoders[:-1], pooling=last)
    return SingleTextEncoder(last)


def _encoder(text: TextModel, tokenizers: Mapping[Manner, ClipTokenizer], path: Path) -> ClipEncoder:
    match text.kind:
        case "openclip":
            return OpenClipEncoder(text.model, tokenizers["openclip"], text.projection, text.name, text.layers)
        case "xlmr":
            return XlmrEncoder(text.model, tokenizer_beside(path), text.name)
        case "clip":
            return ClipEncoder(text.model, tokenizers["clip"], text.name)


def size_vector(sizes: Sequence[float], width: int = 256) -> Tensor:
    """Numbers as one vector: each as `width` sinusoids (Vaswani et al. 2017), cosines first."""
    numbers = torch.tensor(sizes, dtype=torch.float32)
    frequencies = torch.exp(-math.log(10_000) * torch.arange(width // 2, dtype=torch.float32) / (width // 2))
    angles = numbers[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1).flatten()


def chunk_texts(
    encoder: ClipEncoder, texts: Sequence[str], options: EncodingOptions, embeddings: Mapping[str, EmbeddingLookup]
) -> list[ChunkedPrompt]:
    """The texts as chunks for one encoder. Equal ones, as alternation repeats them, are read once.

    Raises PromptError as soon as one is so long that all of them, filled up to its length, would be too many.
    """
    known: dict[str, ChunkedPrompt] = {}
    for text in dict.fromkeys(texts):
        known[text] = encoder.chunk(
            text,
            dialect=options.dialect,
            emphasis=options.emphasis,
            comma_backtrack=options.comma_backtrack,
            embeddings=embeddings.get(encoder.name),
        )
        check_chunks(len(known[text].chunks), len(texts))
    return [known[text] for text in texts]


def used_embeddings(prompts: Iterable[ChunkedPrompt]) -> tuple[TextualInversion, ...]:
    """The textual inversions in a batch, each once, in the order of A1111: chunk by chunk, then prompt by prompt."""
    columns = zip_longest(*(prompt.chunks for prompt in prompts))
    places = (place for column in columns for chunk in column if chunk for place in chunk.embeddings)
    return tuple(dict.fromkeys(cast(TextualInversion, place.embedding) for place in places))
