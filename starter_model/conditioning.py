"""Captions to what the UNet sees: token rows, weights, hidden states."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from starter_model.captions import Pieces, caption
from starter_model.networks import TextEncoder
from starter_model.tokens import END, POSITIONS, START, UNKNOWN, Words
from starter_model.world import scene_of_seed


def token_row(pieces: Pieces, words: Words) -> tuple[list[int], list[float]]:
    """One chunk of 77 tokens with a weight each; what does not fit is cut off."""
    tokens, weights = [START], [1.0]
    for text, weight in pieces:
        piece = words.encode(text)
        tokens += piece
        weights += [weight] * len(piece)
    tokens, weights = tokens[: POSITIONS - 1], weights[: POSITIONS - 1]
    room = POSITIONS - len(tokens)
    return tokens + [END] * room, weights + [1.0] * room


def used_tokens(words: Words, captions: int = 10_000) -> Tensor:
    """A boolean [49408] of the tokens that captions use (start and end included)."""
    used = torch.zeros(49408, dtype=torch.bool)
    used[[START, END]] = True
    rng = np.random.default_rng(5)
    for seed in range(captions):
        for text, _ in caption(scene_of_seed(seed % 8000), rng):
            used[list(words.encode(text))] = True
    return used


def with_strange_words(tokens: list[int], rng: np.random.Generator) -> list[int]:
    """Insert one to six tokens that mean nothing, so that unknown words do no harm."""
    length = tokens.index(END)
    for _ in range(int(rng.integers(1, 7))):
        at = int(rng.integers(1, length + 1))
        tokens = [*tokens[:at], UNKNOWN, *tokens[at:-1]]
        length += 1
        if length >= POSITIONS - 1:
            break
    return [*tokens[: POSITIONS - 1], END]


def weighted(hidden: Tensor, weights: Tensor) -> Tensor:
    """Scale each position [b, n, c] by its weight [b, n] and restore the mean of the chunk, as prompts are weighted."""
    scaled = hidden * weights[..., None]
    return scaled * (hidden.mean((1, 2), keepdim=True) / scaled.mean((1, 2), keepdim=True))


class Conditioner:
    """Draws captions and encodes them with a frozen text encoder."""

    def __init__(self, encoder: TextEncoder, words: Words, known: Tensor, device: str = "cpu") -> None:
        self.encoder, self.words, self.device = encoder.eval().requires_grad_(False), words, device
        self.known = known

    def tokens(self, pieces: Pieces) -> tuple[list[int], list[float]]:
        """Like `token_row`, with every token outside the known ones replaced by the stand-in."""
        tokens, weights = token_row(pieces, self.words)
        return [t if self.known[t] else UNKNOWN for t in tokens], weights

    @torch.no_grad()
    def encode(self, rows: list[tuple[list[int], list[float]]], clip_skip: int = 1) -> Tensor:
        """Hidden states [b, 77, c] of token rows with weights."""
        tokens = torch.tensor([row[0] for row in rows], device=self.device)
        weights = torch.tensor([row[1] for row in rows], device=self.device)
        hidden = self.encoder(tokens, clip_skip)
        return hidden if bool((weights == 1).all()) else weighted(hidden, weights)

    def texts(self, texts: list[str], clip_skip: int = 1) -> Tensor:
        """Hidden states of plain texts; '(word:1.3)' is understood where it stands alone."""
        return self.encode([self.tokens(parse(text)) for text in texts], clip_skip)


def parse(text: str) -> Pieces:
    """Split '(words:1.3)' pieces out of a text. Only what sheets and evaluation need, not the whole prompt syntax."""
    pieces: list[tuple[str, float]] = []
    while "(" in text:
        before, _, rest = text.partition("(")
        inside, _, text = rest.partition(")")
        words, _, weight = inside.rpartition(":")
        pieces += [(before, 1.0), (words, float(weight))]
    return tuple((t, w) for t, w in [*pieces, (text, 1.0)] if t.strip())
