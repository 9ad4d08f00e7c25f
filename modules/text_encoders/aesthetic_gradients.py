"""Aesthetic gradients (Gallego 2022): a text encoder learns, for one prompt, to speak the language of some pictures.

The pictures are the mean of their CLIP vectors. A copy of the text encoder takes a few steps by gradient so that its
vector of the prompt comes nearer to that mean; what the copy makes of the prompt is mixed with what the original makes.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from modules.foundation.errors import PromptError
from modules.text_encoders.batches import Columns
from modules.text_encoders.chunks import Chunk, EmbeddingLookup, empty_chunk
from modules.text_encoders.clip import ClipEncoder, padded_tokens
from modules.text_encoders.conditioner import chunk_texts
from modules.text_encoders.prompt_conditioning import EncodedTexts, EncodingOptions, TextEncoder

PARALLEL = 1e-4
"""Below this sine of the angle between two vectors there is no arc between them; the straight mixture is exact."""


@dataclass(frozen=True, kw_only=True)
class AestheticOptions:
    """How far a prompt is led to the pictures.

    `weight` is the share of the personalised encoder, mixed in along a straight line or, with `slerp`, along an arc.
    `text` moves the mean of the pictures by the share `angle` of the arc towards that text, or away from it.
    """

    weight: float = 0.9
    steps: int = 5
    learning_rate: float = 1e-4
    slerp: bool = False
    text: str = ""
    text_is_negative: bool = False
    angle: float = 0.1


class AestheticEncoder:
    """A text encoder that is personalised for each prompt. Negative prompts are encoded as they are.

    `target` [width] is the mean vector of the pictures. `projections` [width of the encoder, width] by encoder's name
    lead from texts into the space of pictures; encoders without one stay as they are. No weight of the model changes.
    """

    def __init__(
        self, encoder: TextEncoder, target: Tensor, projections: Mapping[str, Tensor], options: AestheticOptions
    ) -> None:
        self._encoder, self._target, self._options = encoder, target, options
        self._projections = projections

    @property
    def encoders(self) -> tuple[ClipEncoder, ...]:
        """Those of the model."""
        return self._encoder.encoders

    @property
    def widths(self) -> Mapping[str, int]:
        """Those of the model."""
        return self._encoder.widths

    def __call__(
        self,
        texts: Sequence[str],
        options: EncodingOptions,
        embeddings: Mapping[str, EmbeddingLookup],
        *,
        negative: bool = False,
    ) -> EncodedTexts:
        """As the model's own, for the versions of one prompt. Raises PromptError where learning gives no numbers."""
        plain = self._encoder(texts, options, embeddings, negative=negative)
        if negative or not self._options.steps or not self._options.weight:
            return plain
        with contextlib.ExitStack() as stack:
            for encoder in self.encoders:
                if encoder.name in self._projections:
                    prompts = chunk_texts(encoder, texts, options, embeddings)
                    distinct = Columns([each.chunks for each in prompts], empty_chunk(encoder.tokenizer)).distinct
                    stack.enter_context(self._personalised(encoder, distinct, options))
            own = self._encoder(texts, options, embeddings)
        pooled = plain.pooled
        if pooled is not None and own.pooled is not None:
            pooled = self._mixed(pooled, own.pooled)
        return replace(plain, cross_attention=self._mixed(plain.cross_attention, own.cross_attention), pooled=pooled)

    def _mixed(self, plain: Tensor, own: Tensor) -> Tensor:
        mix = slerp if self._options.slerp else torch.lerp
        return mix(plain.float(), own.float(), self._options.weight).to(plain.dtype)

    @contextlib.contextmanager
    def _personalised(self, encoder: ClipEncoder, chunks: Sequence[Chunk], options: EncodingOptions) -> Generator[None]:
        """Have `encoder` compute with a copy of its model that has learned, within the block."""
        original = encoder.model
        with torch.inference_mode(False), torch.enable_grad():
            projection = self._projections[encoder.name].detach().to(original.device, torch.float32).clone()
            target = self._target.detach().to(original.device, torch.float32).clone()
            encoder.model = copy.deepcopy(original).float()
            try:
                if self._options.text:
                    with torch.no_grad():
                        (text,) = chunk_texts(encoder, [self._options.text], options, {})
                        towards = text_vectors(encoder, text.chunks, projection).mean(dim=0)
                    target = slerp(target, -towards if self._options.text_is_negative else towards, self._options.angle)
                learn(encoder, chunks, projection, target, self._options)
            except BaseException:
                encoder.model = original
                raise
        try:
            yield
        finally:
            encoder.model = original


def learn(
    encoder: ClipEncoder, chunks: Sequence[Chunk], projection: Tensor, target: Tensor, options: AestheticOptions
) -> None:
    """Change the encoder's weights so that the vectors of these chunks come nearer to `target` (section 3).

    Adam takes `options.steps` steps up the gradient of the mean cosine. Raises PromptError where that is no number.
    """
    model = encoder.model.requires_grad_(True)
    optimiser = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
    for _ in range(options.steps):
        optimiser.zero_grad()
        loss = -torch.cosine_similarity(text_vectors(encoder, chunks, projection), target, dim=-1).mean()
        if not torch.isfinite(loss):
            raise PromptError("Aesthetic gradients went astray and gave no numbers. Lower the aesthetic learning rate.")
        loss.backward()
        optimiser.step()
    model.requires_grad_(False)


def text_vectors(encoder: ClipEncoder, chunks: Sequence[Chunk], projection: Tensor) -> Tensor:
    """CLIP's vector of each chunk [chunks, width], of length 1: that of its end token, projected."""
    hidden = encoder.final(encoder.hidden_states(chunks, encoder.model.config.num_hidden_layers))
    ends = [padded_tokens(chunk, encoder.tokenizer).index(encoder.tokenizer.end) for chunk in chunks]
    at_end = hidden[torch.arange(len(ends), device=hidden.device), torch.tensor(ends, device=hidden.device)]
    return torch.nn.functional.normalize(at_end @ projection, dim=-1)


def slerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """From the vectors `start` [..., width] along the arc to `end`; their angle is divided by `share`."""
    cosine = torch.cosine_similarity(start, end, dim=-1).clamp(-1, 1)[..., None]
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    arc = (torch.sin((1 - share) * angle) * start + torch.sin(share * angle) * end) / sine.clamp_min(PARALLEL)
    return torch.where(sine < PARALLEL, torch.lerp(start, end, share), arc)
