"""The token counter beside the prompt boxes: how long the longest text is that sampling will encode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from modules.prompts.attention import Dialect
from modules.prompts.comments import strip_comments
from modules.prompts.composition import split_and
from modules.prompts.editing import parse_schedule
from modules.prompts.networks import extract_networks
from modules.prompts.styles import Style, apply_styles
from modules.text_encoders.chunks import EmbeddingLookup, chunk_prompt
from modules.text_encoders.tokenizer import ClipTokenizer


class TokenCount(NamedTuple):
    """`tokens` of the `room` in the chunks that they need."""

    tokens: int
    room: int


def count_tokens(
    prompt: str,
    tokenizer: ClipTokenizer,
    *,
    steps: int = 20,
    is_negative: bool = False,
    styles: Iterable[Style] = (),
    comments: bool = True,
    dialect: Dialect = "A1111",
    comma_backtrack: int = 20,
    embeddings: EmbeddingLookup | None = None,
) -> TokenCount:
    """Count `prompt` as a generation would encode it: with its styles, without comments and network tags.

    A composed or edited prompt counts as its longest text. A negative prompt is not split at AND.
    """
    positive, negative = apply_styles("" if is_negative else prompt, prompt if is_negative else "", styles)
    text = negative if is_negative else positive
    text, _ = extract_networks(strip_comments(text) if comments else text)
    parts = [text] if is_negative else [part for part, _ in split_and(text)]
    # Alternation repeats the same few texts at every step.
    texts = dict.fromkeys(entry.text for part in parts for entry in parse_schedule(part, steps))
    chunked = (
        chunk_prompt(text, tokenizer, dialect=dialect, comma_backtrack=comma_backtrack, embeddings=embeddings)
        for text in texts
    )
    longest = max(chunked, key=lambda prompt: prompt.token_count)
    return TokenCount(longest.token_count, longest.room)
