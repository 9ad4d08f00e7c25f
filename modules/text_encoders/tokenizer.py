"""CLIP's byte pair encoding (Radford et al. 2021), in the two manners that checkpoints were trained with.

Text is cleaned by ftfy, its white space collapsed, and lowered before it is split, which decides the tokens of every
curly quote and full-width letter. OpenCLIP differs in resolving HTML entities, in its special words, and in padding
with 0 instead of the end token.
"""

from __future__ import annotations

import functools
import gzip
import html
import re
import threading
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Manner = Literal["clip", "openclip"]

START, END, COMMA = 49406, 49407, 267
VOCABULARY = 49408
_MERGES = VOCABULARY - 512 - 2
_SPECIAL_WORDS: dict[Manner, tuple[str, str]] = {
    "clip": ("<|startoftext|>", "<|endoftext|>"),
    "openclip": ("<start_of_text>", "<end_of_text>"),
}


class ClipTokenizer:
    """Token ids of texts, without start, end and padding. The vocabulary is read at first use; threads may share it.

    Texts have the same ids with two tokenizers of the same `key`.
    """

    def __init__(self, manner: Manner = "clip") -> None:
        self.manner: Manner = manner
        self.key: str = manner
        self.start, self.end, self.comma = START, END, COMMA
        self.pad = END if manner == "clip" else 0
        self._lock = threading.Lock()

    def encode(self, text: str) -> list[int]:
        """The token ids of one text."""
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text."""
        encodings = self._tokenizer.encode_batch([self._clean(text) for text in texts], add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def decode(self, ids: Sequence[int]) -> list[str]:
        """The words and parts of words that these ids stand for, as `</w>`-marked text."""
        return [self._tokenizer.id_to_token(token) or "" for token in ids]

    @property
    def _tokenizer(self) -> Tokenizer:
        with self._lock:
            return self._built

    @functools.cached_property
    def _built(self) -> Tokenizer:
        return _build(_SPECIAL_WORDS[self.manner])

    def _clean(self, text: str) -> str:
        import ftfy

        # Half of a surrogate pair, which JSON can carry, is no text.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        # Line by line, and for each of them it takes its time: empty ones, which would end as one blank, go before.
        text = ftfy.fix_text(re.sub(r"\n{2,}", "\n", text))
        if self.manner == "openclip":
            text = html.unescape(html.unescape(text))
        return re.sub(r"\s+", " ", text).strip().lower()


def _build(special_words: tuple[str, str]) -> Tokenizer:
    from tokenizers import AddedToken, Regex, Tokenizer
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

    merges = _read_merges()
    alphabet = list(byte_characters())
    words = [*alphabet, *(character + "</w>" for character in alphabet), *(left + right for left, right in merges)]
    vocabulary = {word: index for index, word in enumerate([*words, *special_words])}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=merges, end_of_word_suffix="</w>"))
    tokenizer.add_special_tokens(  # pyright: ignore[reportUnknownMemberType]
        [AddedToken(word, normalized=False, special=True) for word in special_words]
    )
    word = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+")
    split = Split(word, behavior="removed", invert=True)
    tokenizer.pre_tokenizer = Sequence([split, ByteLevel(add_prefix_space=False, use_regex=False)])
    return tokenizer


def _read_merges() -> list[tuple[str, str]]:
    packed = (resources.files("modules.text_encoders") / "data" / "bpe_simple_vocab_16e6.txt.gz").read_bytes()
    lines = gzip.decompress(packed).decode("utf-8").split("\n")[1 : 1 + _MERGES]
    pairs = (line.partition(" ") for line in lines)
    return [(left, right) for left, _, right in pairs]


def byte_characters() -> dict[str, int]:
    """The characters that stand for the 256 bytes, in the order of their ids: printable ones for themselves first."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = [*printable, *range(256, 256 + len(others))]
    return {chr(code): byte for code, byte in zip(characters, [*printable, *others], strict=True)}
