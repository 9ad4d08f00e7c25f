"""Alt-Diffusion's text encoder: prompts in many languages, in chunks as for CLIP, to vectors as CLIP's."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from modules.checkpoints.xlmr import ProjectedXlmRoberta
from modules.checkpoints.xlmr_layout import END, PAD, START
from modules.foundation.errors import CheckpointError
from modules.text_encoders.chunks import Chunk
from modules.text_encoders.clip import ClipEncoder, padded_tokens, put_vectors
from modules.text_encoders.sentencepiece_file import SentencePieceModel, read_sentencepiece
from modules.text_encoders.tokenizer import ClipTokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import CLIPTextModel

TOKENIZER_URL = "https://huggingface.co/FacebookAI/xlm-roberta-large"
FOLDERS = ("", "tokenizer", "xlm-roberta-large")
FILE, MODEL_FILE = "tokenizer.json", "sentencepiece.bpe.model"
"""The tokenizer in the form of the library tokenizers, and in that of SentencePiece."""

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
"""The first tokens, in the order of fairseq; SentencePiece has three of its own in their place."""


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
    """XLM-R's pieces of words (Conneau et al. 2020), by a `tokenizer.json` or a model file of SentencePiece."""

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
            if self._path.suffix == ".json":
                made = Tokenizer.from_str(self._path.read_text(encoding="utf-8"))
            else:
                made = _from_sentencepiece(read_sentencepiece(self._path.read_bytes()))
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


def _from_sentencepiece(model: SentencePieceModel) -> Tokenizer:
    """A tokenizer of SentencePiece's pieces under XLM-R's numbers."""
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import Unigram

    pieces = [*((token, 0.0) for token in SPECIAL), *model.pieces[3:], ("<mask>", 0.0)]
    made = Tokenizer(Unigram(pieces, unk_id=SPECIAL.index("<unk>")))
    blanks = normalizers.Replace(Regex(" {2,}"), " ")
    characters = [normalizers.Precompiled(model.character_map)] if model.character_map else []
    made.normalizer = normalizers.Sequence([*characters, blanks])
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return made


def tokenizer_beside(checkpoint: Path) -> XlmrTokenizer:
    """The tokenizer that belongs to a checkpoint: beside it, under its own name first.

    Raises CheckpointError that says which file is missing, where it belongs and where it can be had.
    """
    folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    own = checkpoint.with_name(f"{checkpoint.stem}.{FILE}")
    inside = (folder / part / name for part in FOLDERS for name in (FILE, MODEL_FILE))
    for path in (own, checkpoint.with_name(f"{checkpoint.stem}.{MODEL_FILE}"), *inside):
        if path.is_file():
            return XlmrTokenizer(path)
    missing = FileNotFoundError(str(own))
    raise CheckpointError(
        f"{checkpoint} reads its prompts with the tokenizer of XLM-R, which is missing: put {FILE} or {MODEL_FILE} "
        f"({TOKENIZER_URL}) beside it, for instance as {own.name}."
    ) from missing
