"""The text encoders of a checkpoint behind one call, by family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import cast

from modules.text_encoders.chunks import ChunkedPrompt, EmbeddingLookup
from modules.text_encoders.clip import ClipEncoder
from modules.text_encoders.embeddings import TextualInversion
from modules.text_encoders.scheduled import EncodedTexts, EncodingOptions


class SingleTextEncoder:
    """For models with one CLIP text encoder (Stable Diffusion 1)."""

    def __init__(self, encoder: ClipEncoder) -> None:
        self.encoder = encoder

    @property
    def widths(self) -> Mapping[str, int]:
        """The width of each encoder's vectors by its name; embeddings have to fit them."""
        return {self.encoder.name: self.encoder.width}

    def __call__(
        self, texts: Sequence[str], options: EncodingOptions, embeddings: Mapping[str, EmbeddingLookup]
    ) -> EncodedTexts:
        """Encode a batch of texts. Raises PromptError for a clip skip deeper than the model."""
        prompts = chunk_texts(self.encoder, texts, options, embeddings)
        hidden = self.encoder.encode_chunks(
            [prompt.chunks for prompt in prompts],
            clip_skip=options.clip_skip,
            emphasis=options.emphasis,
            mean_per_prompt=options.mean_per_prompt,
        )
        return EncodedTexts(cross_attention=hidden, used=used_embeddings(prompts))


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
