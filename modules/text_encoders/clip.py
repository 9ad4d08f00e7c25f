"""CLIP's text transformer as Stable Diffusion 1 uses it: prompts of any length to one sequence of vectors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from modules.foundation.errors import PromptError
from modules.prompts.attention import Dialect
from modules.text_encoders.batches import Columns
from modules.text_encoders.chunks import Chunk, ChunkedPrompt, EmbeddingLookup, chunk_prompt, empty_chunk
from modules.text_encoders.emphasis import Emphasis
from modules.text_encoders.textual_inversion import TextualInversion
from modules.text_encoders.tokenizer import ClipTokenizer

if TYPE_CHECKING:
    from transformers import CLIPTextModel


class ClipEncoder:
    """A text model with its tokenizer. The model is used where and as it is: it may move or be patched between calls.

    `name` is what textual inversion files for several encoders call this one. `check`, where there is one, is called
    before every text and every run of the model, and may raise Interrupted.
    """

    def __init__(self, model: CLIPTextModel, tokenizer: ClipTokenizer, name: str = "clip_l") -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.name = name
        self.check: Callable[[], None] | None = None

    @property
    def width(self) -> int:
        """The length of the vectors."""
        return self.model.config.hidden_size

    def chunk(
        self,
        text: str,
        *,
        dialect: Dialect = "A1111",
        emphasis: Emphasis = "Original",
        comma_backtrack: int = 20,
        embeddings: EmbeddingLookup | None = None,
    ) -> ChunkedPrompt:
        """`text` as chunks, as `encode` will take it."""
        if self.check is not None:
            self.check()
        return chunk_prompt(
            text,
            self.tokenizer,
            dialect="none" if emphasis == "None" else dialect,
            comma_backtrack=comma_backtrack,
            embeddings=embeddings,
        )

    @torch.no_grad()
    def encode(
        self,
        texts: Sequence[str],
        *,
        clip_skip: int = 1,
        emphasis: Emphasis = "Original",
        dialect: Dialect = "A1111",
        comma_backtrack: int = 20,
        embeddings: EmbeddingLookup | None = None,
        mean_per_prompt: bool = False,
    ) -> Tensor:
        """Encode a batch of texts to [batch, 77 * chunks, width] in the model's dtype, on its device.

        A text with fewer chunks than the longest is filled up with empty ones. `clip_skip` 1 takes the last layer, n
        the n-th from the end; the final layer norm follows either way. Raises PromptError if there is no such layer.
        """
        prompts = [
            self.chunk(
                text, dialect=dialect, emphasis=emphasis, comma_backtrack=comma_backtrack, embeddings=embeddings
            ).chunks
            for text in texts
        ]
        return self.encode_chunks(prompts, clip_skip=clip_skip, emphasis=emphasis, mean_per_prompt=mean_per_prompt)

    def encode_chunks(
        self,
        prompts: Sequence[Sequence[Chunk]],
        *,
        clip_skip: int = 1,
        emphasis: Emphasis = "Original",
        mean_per_prompt: bool = False,
    ) -> Tensor:
        """Encode prompts that are chunks already; otherwise as `encode`, but with gradients where the caller has them.

        Vectors of textual inversions may be parameters that learn.
        """
        layers = self.layers_for(clip_skip)
        columns = Columns(prompts, empty_chunk(self.tokenizer))
        hidden = columns.run(lambda chunks: self.final(self.hidden_states(chunks, layers)))
        return columns.join(hidden, emphasis, mean_per_prompt)

    def layers_for(self, clip_skip: int) -> int:
        """How many layers to run. Raises PromptError if that is fewer than none."""
        layers = self.model.config.num_hidden_layers + 1 - clip_skip
        if not 0 <= layers <= self.model.config.num_hidden_layers:
            raise PromptError(
                f"Clip skip is {clip_skip}, but this checkpoint's text encoder has only "
                f"{self.model.config.num_hidden_layers} layers. Choose a lower clip skip."
            )
        return layers

    def hidden_states(self, chunks: Sequence[Chunk], layers: int) -> Tensor:
        """The output of the given number of layers for each chunk, [chunks, 77, width], without final layer norm."""
        if self.check is not None:
            self.check()
        model = self.model
        rows = [padded_tokens(chunk, self.tokenizer) for chunk in chunks]
        hidden = model.embeddings.token_embedding(torch.tensor(rows, device=model.device))
        put_vectors(hidden, chunks, self.name)
        return self.run_layers(model.embeddings(inputs_embeds=hidden), model.encoder.layers[:layers])

    def run_layers(self, hidden: Tensor, layers: Iterable[nn.Module]) -> Tensor:
        """These layers one after another, each token seeing only those before it."""
        for layer in layers:
            hidden = layer(hidden, attention_mask=None, is_causal=True)
        return hidden

    def final(self, hidden: Tensor) -> Tensor:
        """The final layer norm."""
        return self.model.final_layer_norm(hidden)


@contextlib.contextmanager
def interruptible(encoders: Iterable[ClipEncoder], check: Callable[[], None] | None) -> Generator[None]:
    """Have these encoders call `check` within the block."""
    encoders = tuple(encoders)
    before = [encoder.check for encoder in encoders]
    try:
        for encoder in encoders:
            encoder.check = check
        yield
    finally:
        for encoder, previous in zip(encoders, before, strict=True):
            encoder.check = previous


def put_vectors(hidden: Tensor, chunks: Sequence[Chunk], encoder: str) -> None:
    """Write the vectors of textual inversions into the places of their tokens in `hidden` [chunks, 77, width]."""
    for row, chunk in enumerate(chunks):
        for offset, embedding in chunk.embeddings:
            vectors = cast(TextualInversion, embedding).vectors_for(encoder)
            # The start token stands before offset 0, and the last place belongs to the end token.
            target = hidden[row, offset + 1 : -1][: len(vectors)]
            target.copy_(vectors[: len(target)])


def padded_tokens(chunk: Chunk, tokenizer: ClipTokenizer) -> list[int]:
    """The chunk's ids with everything after the first end token set to the id this tokenizer pads with."""
    tokens = list(chunk.tokens)
    if tokenizer.pad != tokenizer.end:
        end = tokens.index(tokenizer.end) + 1
        tokens[end:] = [tokenizer.pad] * (len(tokens) - end)
    return tokens
