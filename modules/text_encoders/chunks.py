"""Prompts as chunks of 75 tokens, the length that CLIP was trained with.

Each chunk gets a start and an end token of its own and is padded to 77. A prompt is broken where it overflows or, if a
comma lies within the last few tokens, after that comma; BREAK ends a chunk wherever it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from modules.prompts.attention import BREAK, Dialect, parse_attention
from modules.text_encoders.tokenizer import ClipTokenizer

CHUNK_LENGTH = 75


class Embedding(Protocol):
    """What the chunks need to know of a textual inversion."""

    @property
    def name(self) -> str:
        """The word that stands for it in a prompt."""
        ...

    @property
    def vectors(self) -> int:
        """How many tokens it replaces."""
        ...


class EmbeddingLookup(Protocol):
    """Finds textual inversions among tokens."""

    def find(self, tokens: Sequence[int], position: int) -> tuple[Embedding, int] | None:
        """The embedding whose name begins at `position` and the number of tokens of that name, or None."""
        ...


class EmbeddingPlace(NamedTuple):
    """The vectors of `embedding` replace the tokens from `offset` on, counted from the one after the start token."""

    offset: int
    embedding: Embedding


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """One run of the text encoder: 77 token ids, the weight of each, and where vectors replace tokens (id 0 there)."""

    tokens: tuple[int, ...]
    multipliers: tuple[float, ...]
    embeddings: tuple[EmbeddingPlace, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChunkedPrompt:
    """A prompt in chunks, at least one. `token_count` counts full chunks as 75, the last one as far as it is filled."""

    chunks: tuple[Chunk, ...]
    token_count: int

    @property
    def room(self) -> int:
        """How many tokens the chunks could hold."""
        return -(-max(self.token_count, 1) // CHUNK_LENGTH) * CHUNK_LENGTH


def chunk_prompt(
    text: str,
    tokenizer: ClipTokenizer,
    *,
    dialect: Dialect = "A1111",
    comma_backtrack: int = 20,
    embeddings: EmbeddingLookup | None = None,
) -> ChunkedPrompt:
    """Tokenize `text` and lay the tokens out in chunks.

    `comma_backtrack` is how many tokens before the end of a full chunk a comma is looked for; 0 never looks.
    """
    pieces = parse_attention(text, dialect)
    layout = _Layout(tokenizer, comma_backtrack)
    for (piece, weight), tokens in zip(pieces, tokenizer.encode_batch([piece for piece, _ in pieces]), strict=True):
        if piece == BREAK and weight == -1:
            layout.finish_chunk()
            continue
        position = 0
        while position < len(tokens):
            layout.make_room(tokens[position])
            found = embeddings.find(tokens, position) if embeddings else None
            if found is None:
                layout.add_token(tokens[position], weight)
                position += 1
            else:
                layout.add_embedding(found[0], weight)
                position += found[1]
    return layout.finish()


def empty_chunk(tokenizer: ClipTokenizer) -> Chunk:
    """The chunk of an empty prompt; shorter prompts of a batch are filled up with it."""
    return _Layout(tokenizer, 0).finish().chunks[0]


@dataclass
class _Layout:
    tokenizer: ClipTokenizer
    comma_backtrack: int
    done: list[Chunk] = field(default_factory=list[Chunk])
    tokens: list[int] = field(default_factory=list[int])
    multipliers: list[float] = field(default_factory=list[float])
    places: list[EmbeddingPlace] = field(default_factory=list[EmbeddingPlace])
    last_comma: int | None = None

    def make_room(self, token: int) -> None:
        """Begin another chunk if this one is full, taking along what stands after a comma near its end."""
        if token == self.tokenizer.comma:
            self.last_comma = len(self.tokens)
        if len(self.tokens) < CHUNK_LENGTH:
            return
        near = self.last_comma is not None and CHUNK_LENGTH - self.last_comma <= self.comma_backtrack
        if near and self.last_comma is not None and token != self.tokenizer.comma:
            cut = self.last_comma + 1
            moved, moved_multipliers = self.tokens[cut:], self.multipliers[cut:]
            del self.tokens[cut:], self.multipliers[cut:]
            # Embeddings stay behind where their tokens move on: A1111 does so, and pictures depend on it.
            self.finish_chunk()
            self.tokens, self.multipliers = moved, moved_multipliers
        else:
            self.finish_chunk()

    def add_token(self, token: int, weight: float) -> None:
        self.tokens.append(token)
        self.multipliers.append(weight)

    def add_embedding(self, embedding: Embedding, weight: float) -> None:
        """Place an embedding; one that does not fit whole begins another chunk."""
        length = min(embedding.vectors, CHUNK_LENGTH)  # more vectors than that have no place anywhere
        if len(self.tokens) + length > CHUNK_LENGTH:
            self.finish_chunk()
        self.places.append(EmbeddingPlace(len(self.tokens), embedding))
        self.tokens += [0] * length
        self.multipliers += [weight] * length

    def finish_chunk(self) -> None:
        tokenizer, missing = self.tokenizer, CHUNK_LENGTH - len(self.tokens)
        tokens = (tokenizer.start, *self.tokens, *[tokenizer.end] * missing, tokenizer.end)
        multipliers = (1.0, *self.multipliers, *[1.0] * missing, 1.0)
        self.done.append(Chunk(tokens=tokens, multipliers=multipliers, embeddings=tuple(self.places)))
        self.tokens, self.multipliers, self.places, self.last_comma = [], [], [], None

    def finish(self) -> ChunkedPrompt:
        token_count = len(self.done) * CHUNK_LENGTH + len(self.tokens)
        if self.tokens or not self.done:
            self.finish_chunk()
        return ChunkedPrompt(chunks=tuple(self.done), token_count=token_count)
