"""Alt-Diffusion's text encoder: prompts in many languages, in chunks as for CLIP, to vectors as CLIP's."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from modules.checkpoints.xlmr import END, PAD, START, ProjectedXlmRoberta
from modules.foundation.errors import CheckpointError
from modules.text_encoders.chunks import Chunk
from modules.text_encoders.clip import ClipEncoder, padded_tokens, put_vectors
from modules.text_encoders.tokenizer import ClipTokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import CLIPTextModel

TOKENIZER_URL = "https://huggingface.co/FacebookAI/xlm-roberta-large"
FOLDERS = ("", "tokenizer", "xlm-roberta-large")
FILE = "tokenizer.json"


class XlmrEncoder(ClipEncoder):
    """XLM-RoBERTa with its projection. Clip skip does not act on it: only one layer has a projection."""

    def __init__(self, model: CLIPTextModel, tokenizer: ClipTokenizer, name: str = "xlmr") -> None:
        super().__init__(model, tokenizer, name)

    def layers_for(self, clip_skip: int) -> int:
        """All layers."""
        return self.model.config.num_hidden_layers

    def hidden_states(self, chunks: Sequence[Chunk], layers: int) -> Tensor:
        """The projected vectors of each chunk, [chunks, 77, projection]; `layers` are always all."""
        if self.check is not None:
            self.check()
        model = cast(ProjectedXlmRoberta, self.model)
        rows = torch.tensor([padded_tokens(chunk, self.tokenizer) for chunk in chunks], device=model.device)
        vectors = model.word_embeddings(rows)
        put_vectors(vectors, chunks, self.name)
        return model(vectors, rows != self.tokenizer.pad)

    def final(self, hidden: Tensor) -> Tensor:
        """Nothing: the projection is the end."""
        return hidden


class XlmrTokenizer(ClipTokenizer):
    """XLM-R's pieces of words (Conneau et al. 2020), by the `tokenizer.json` in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.key = str(path)
        self._path = path
        self.start, self.end, self.pad = START, END, PAD
        comma: int | None = self._built.token_to_id(",")
        self.comma = -1 if comma is None else comma

    @functools.cached_property
    def _built(self) -> Tokenizer:
        from tokenizers import Tokenizer

        try:
            made = Tokenizer.from_str(self._path.read_text(encoding="utf-8"))
        except Exception as error:  # the library raises nothing more special
            raise CheckpointError(f"{self._path} is no usable tokenizer ({error}). Download it again.") from error
        found = {token: made.token_to_id(token) for token in ("<s>", "<pad>", "</s>")}
        if found != {"<s>": START, "<pad>": PAD, "</s>": END}:
            raise CheckpointError(f"{self._path} is not the tokenizer of XLM-R. Take that of {TOKENIZER_URL}.")
        return made

    def _clean(self, text: str) -> str:
        # Half of a surrogate pair, which JSON can carry, is no text.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return re.sub(r"\s+", " ", text).strip()


def tokenizer_beside(checkpoint: Path) -> XlmrTokenizer:
    """The tokenizer that belongs to a checkpoint: beside it, under its own name first.

    Raises CheckpointError that says which file is missing, where it belongs and where it can be had.
    """
    folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    own = checkpoint.with_name(f"{checkpoint.stem}.{FILE}")
    for path in (own, *(folder / part / FILE for part in FOLDERS)):
        if path.is_file():
            return XlmrTokenizer(path)
    missing = FileNotFoundError(str(own))
    raise CheckpointError(
        f"{checkpoint} reads its prompts with the tokenizer of XLM-R, which is missing: put {FILE} "
        f"({TOKENIZER_URL}) beside it as {own.name}."
    ) from missing
