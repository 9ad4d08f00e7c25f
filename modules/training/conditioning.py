"""The prompts of a training batch as conditioning, with gradients where something in the text learns."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from modules.checkpoints.architectures.family import PictureFacts
from modules.pipeline.model import LoadedModel
from modules.sampling.conditioning import CondBatch
from modules.text_encoders.chunks import EmbeddingLookup
from modules.text_encoders.conditioner import size_vector
from modules.text_encoders.prompt_conditioning import EncodedTexts, EncodingOptions
from modules.training.dataset import TrainingPicture

MOST_REMEMBERED = 1024
"""Prompts whose encoding is remembered, where nothing in the text learns."""


class Conditioner:
    """Encodes the prompts of batches."""

    def __init__(
        self,
        model: LoadedModel,
        options: EncodingOptions,
        embeddings: Mapping[str, EmbeddingLookup],
        *,
        learns: bool,
    ) -> None:
        self._model, self._options, self._embeddings, self._learns = model, options, embeddings, learns
        self._known: OrderedDict[str, tuple[Tensor, Tensor | None]] = OrderedDict()

    def batch(self, prompts: Sequence[str], pictures: Sequence[TrainingPicture]) -> CondBatch:
        """Conditioning for one prompt and picture in each row."""
        if self._learns:
            encoded = self._encoded(prompts)
            tokens, pooled = encoded.cross_attention, encoded.pooled
        else:
            tokens, pooled = self._remembered(prompts)
        return CondBatch(
            tokens=tokens,
            vector=self._vector(pooled, pictures),
            image_cond=None,
            images=tuple(range(len(prompts))),
        )

    def _encoded(self, prompts: Sequence[str]) -> EncodedTexts:
        return self._model.text_encoder(list(prompts), self._options, self._embeddings)

    @torch.no_grad()
    def _remembered(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._known]
        for prompt in missing:
            encoded = self._encoded([prompt])
            self._known[prompt] = encoded.cross_attention[0], None if encoded.pooled is None else encoded.pooled[0]
        rows = [self._known[prompt] for prompt in prompts]
        for prompt in prompts:
            self._known.move_to_end(prompt)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        if len({len(tokens) for tokens, _ in rows}) > 1:  # shorter ones are filled up with empty chunks
            together = self._encoded(prompts)
            return together.cross_attention, together.pooled
        pooled = [each for _, each in rows if each is not None]
        return torch.stack([tokens for tokens, _ in rows]), torch.stack(pooled) if pooled else None

    def _vector(self, pooled: Tensor | None, pictures: Sequence[TrainingPicture]) -> Tensor | None:
        sizes = self._model.checkpoint.family.sizes
        if pooled is None or sizes is None:
            return pooled
        rows = [size_vector(sizes(facts_of(picture))[0]).to(pooled) for picture in pictures]
        return torch.cat([pooled, torch.stack(rows)], dim=1)


def facts_of(picture: TrainingPicture) -> PictureFacts:
    """What a model is told of a training picture; aesthetic scores are those of a good picture."""
    cut = picture.cut
    return PictureFacts(
        size=(cut.size[1], cut.size[0]),
        original=(picture.size[1], picture.size[0]),
        crop=(cut.top, cut.left),
        low_score=2.5,
        high_score=6.0,
    )
