"""Which words of a list fit a picture best, by CLIP (Radford et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from modules.checkpoints.assembly import naming_the_file
from modules.interrogate.clip_keys import config_of, to_transformers
from modules.interrogate.options import NoWatcher, Watcher
from modules.interrogate.pictures import CLIP_MEAN, CLIP_STD, middle_square, normalised
from modules.interrogate.weights import module_with, read_config, read_tensors
from modules.text_encoders.tokenizer import ClipTokenizer

if TYPE_CHECKING:
    from PIL import Image

SCALE = 100.0
"""What similarities are multiplied by before the softmax: CLIP's temperature, at which its training ended."""

TEXTS_AT_ONCE = 64


class WordFeatures:
    """The vectors of lists of words, kept over models that come and go: 1500 words are a minute's work on a CPU."""

    def __init__(self, most: int = 16) -> None:
        self._most = most
        self._kept: dict[tuple[object, tuple[str, ...]], Tensor] = {}

    def get(self, key: tuple[object, tuple[str, ...]]) -> Tensor | None:
        """What was kept under `key`."""
        return self._kept.get(key)

    def keep(self, key: tuple[object, tuple[str, ...]], features: Tensor) -> None:
        """Keep the vectors; the oldest go when there are too many."""
        self._kept[key] = features
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]


class ClipRanking:
    """A loaded CLIP, both halves of it."""

    def __init__(self, path: Path, device: torch.device, dtype: torch.dtype, features: WordFeatures) -> None:
        """Read the weights in `path`. Raises CheckpointError naming it."""
        status = path.stat()
        self._identity = (path, status.st_size, status.st_mtime_ns)
        self._device, self._dtype, self._features = device, dtype, features
        self._tokenizer = ClipTokenizer()
        self.model = _model(path, device, dtype)
        self._side: int = self.model.config.vision_config.image_size
        self._length: int = self.model.config.text_config.max_position_embeddings

    @torch.inference_mode()
    def image_features(self, image: Image.Image) -> Tensor:
        """The picture's vector of length 1, [1, projection] in float32."""
        pixels = normalised(middle_square(image, self._side), CLIP_MEAN, CLIP_STD).to(self._device, self._dtype)
        model: Any = self.model
        return _unit(model.visual_projection(model.vision_model(pixel_values=pixels).pooler_output))

    def rank(
        self, features: Tensor, words: Sequence[str], count: int, watcher: Watcher | None = None
    ) -> list[tuple[str, float]]:
        """The `count` words that fit best, each with its share of the softmax over all of them, 0..1."""
        texts = self.text_features(tuple(words), watcher or NoWatcher())
        shares = (SCALE * features @ texts.to(features.device).T).softmax(dim=-1)[0]
        best = shares.topk(min(count, len(words)))
        return [(words[int(i)], float(share)) for share, i in zip(best.values, best.indices, strict=True)]

    @torch.inference_mode()
    def text_features(self, words: tuple[str, ...], watcher: Watcher) -> Tensor:
        """The vectors of the words, of length 1, [words, projection] in float32. Long ones are cut off."""
        key = (self._identity, words)
        if (kept := self._features.get(key)) is not None:
            return kept
        parts: list[Tensor] = []
        for start in range(0, len(words), TEXTS_AT_ONCE):
            watcher.check()
            parts.append(self._encoded(words[start : start + TEXTS_AT_ONCE]))
        made = torch.cat(parts).cpu()
        self._features.keep(key, made)
        return made

    def _encoded(self, words: Sequence[str]) -> Tensor:
        rows = [ids[: self._length - 2] for ids in self._tokenizer.encode_batch(words)]
        # Positions behind the first end word are never looked at: the mask is causal.
        table = torch.full((len(rows), self._length), self._tokenizer.end)
        table[:, 0] = self._tokenizer.start
        for row, ids in enumerate(rows):
            table[row, 1 : 1 + len(ids)] = torch.tensor(ids, dtype=table.dtype)
        longest = max((len(ids) for ids in rows), default=0) + 2
        model: Any = self.model
        hidden = model.text_model(input_ids=table[:, :longest].to(self._device)).last_hidden_state
        ends = torch.tensor([len(ids) + 1 for ids in rows], device=hidden.device)
        return _unit(model.text_projection(hidden[torch.arange(len(rows), device=hidden.device), ends]))


def _unit(vectors: Tensor) -> Tensor:
    vectors = vectors.float()
    return vectors / vectors.norm(dim=-1, keepdim=True)


def _model(path: Path, device: torch.device, dtype: torch.dtype) -> Any:
    from transformers import CLIPConfig, CLIPModel

    with naming_the_file(path, "CLIP"):
        tensors = read_tensors(path)
        if "text_model.embeddings.token_embedding.weight" in tensors and (path.parent / "config.json").is_file():
            config = read_config(path.parent)
        else:
            tensors = to_transformers(tensors)
            # OpenAI's were trained with the quick form of GELU, which nothing in the file tells.
            config = config_of(tensors, "quick_gelu")
        return module_with(path, lambda: CLIPModel(CLIPConfig(**config)), tensors, device, dtype)
