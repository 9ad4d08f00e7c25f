"""A whole prompt as conditioning: parts joined by AND, each of them changing over the steps."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from modules.prompts.attention import Dialect
from modules.prompts.composition import split_and
from modules.prompts.editing import ScheduledText, parse_schedule
from modules.text_encoders.chunks import EmbeddingLookup
from modules.text_encoders.emphasis import Emphasis

if TYPE_CHECKING:
    from torch import Tensor

    from modules.text_encoders.cache import ConditioningCache
    from modules.text_encoders.clip import ClipEncoder
    from modules.text_encoders.textual_inversion import TextualInversion


@dataclass(frozen=True, kw_only=True)
class EncodingOptions:
    """How prompts are read and encoded: everything besides text and model that decides the conditioning.

    `sdxl_clip_l_skip` lets clip skip act on SDXL's first encoder too.
    """

    clip_skip: int = 1
    sdxl_clip_l_skip: bool = False
    emphasis: Emphasis = "Original"
    dialect: Dialect = "A1111"
    comma_backtrack: int = 20
    mean_per_prompt: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedTexts:
    """A batch of encoded texts.

    cross_attention: [texts, 77 * chunks, width]. pooled: [texts, width of the projection] where the model has one.
    used: the textual inversions in the texts, once for every encoder that met them.
    """

    cross_attention: Tensor
    pooled: Tensor | None = None
    used: tuple[TextualInversion, ...] = ()


class TextEncoder(Protocol):
    """All the text encoders of a checkpoint behind one call.

    `encoders` are those of CLIP's kind, which may meet textual inversions; `widths` the widths of their vectors by
    name, which embeddings have to fit. Both are empty for a family with another kind of encoder.
    """

    @property
    def encoders(self) -> tuple[ClipEncoder, ...]: ...

    @property
    def widths(self) -> Mapping[str, int]: ...

    def __call__(
        self,
        texts: Sequence[str],
        options: EncodingOptions,
        embeddings: Mapping[str, EmbeddingLookup],
        *,
        negative: bool = False,
    ) -> EncodedTexts:
        """Encode a batch. `embeddings` holds a look-up for each encoder that may meet embeddings, by its name.

        `negative` texts are those to lead away from; SDXL takes an empty one as zeros.
        """
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class TimedCondition:
    """What holds up to and including step `until_step`. cond: [77 * chunks, width]; pooled: [width] or None."""

    until_step: int
    cond: Tensor
    pooled: Tensor | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ConditionPart:
    """One part of a composed prompt: its weight, and its conditions in the order of their steps."""

    weight: float
    conditions: tuple[TimedCondition, ...]

    def at(self, step: int) -> TimedCondition:
        """The condition of a step counted from 0.

        As in A1111 a change after step n, counted from 1, is seen from the step with index n + 1 on.
        """
        return next((each for each in self.conditions if step <= each.until_step), self.conditions[-1])


@dataclass(frozen=True, kw_only=True, eq=False)
class PromptConditioning:
    """One prompt, encoded. A prompt without AND has one part of weight 1.

    `used` names the textual inversions met, those of later parts first and again for every part and encoder: the order
    of infotext's "TI hashes". `has_brackets` tells whether any encoded text has a bracket that could mean emphasis:
    only then does a picture's infotext name the emphasis mode.
    """

    parts: tuple[ConditionPart, ...]
    used: tuple[TextualInversion, ...] = ()
    has_brackets: bool = False


@dataclass(frozen=True, kw_only=True)
class Timing:
    """For which sampling steps a prompt is scheduled; see `modules.prompts.editing.parse_schedule`."""

    steps: int
    hires_steps: int | None = None
    old_scheduling: bool = False


def encode_prompt(
    prompt: str,
    encoder: TextEncoder,
    timing: Timing,
    options: EncodingOptions,
    *,
    embeddings: Mapping[str, EmbeddingLookup] | None = None,
    composable: bool = True,
) -> PromptConditioning:
    """Encode one prompt for all its steps. A prompt that is not `composable` is a negative one: AND is text in it.

    The texts of one part are encoded together, so that the mean which "Original" emphasis restores is that of all of
    them, as in A1111.
    """
    parts = split_and(prompt) if composable else [(prompt, 1.0)]
    # Equal parts are encoded once.
    encoded: dict[str, tuple[list[ScheduledText], EncodedTexts]] = {}
    used: tuple[TextualInversion, ...] = ()
    for text, _ in parts:
        if text not in encoded:
            schedule = parse_schedule(
                text, timing.steps, hires_steps=timing.hires_steps, old_scheduling=timing.old_scheduling
            )
            texts = [entry.text for entry in schedule]
            batch = encoder(texts, options, embeddings or {}, negative=not composable)
            encoded[text] = schedule, batch
            used = batch.used + used
    return PromptConditioning(
        parts=tuple(ConditionPart(weight=weight, conditions=_timed(*encoded[text])) for text, weight in parts),
        used=used,
        has_brackets=any(sign in entry.text for schedule, _ in encoded.values() for entry in schedule for sign in "(["),
    )


def _timed(schedule: list[ScheduledText], batch: EncodedTexts) -> tuple[TimedCondition, ...]:
    return tuple(
        TimedCondition(
            until_step=entry.until_step,
            cond=batch.cross_attention[index],
            pooled=None if batch.pooled is None else batch.pooled[index],
        )
        for index, entry in enumerate(schedule)
    )


def used_in(
    positive: Iterable[PromptConditioning], negative: Iterable[PromptConditioning]
) -> tuple[TextualInversion, ...]:
    """The textual inversions of a batch in the order of infotext's "TI hashes": latest encoded first, negative last."""
    batches = [*dict.fromkeys(negative), *dict.fromkeys(positive)]
    return tuple(embedding for conditioning in reversed(batches) for embedding in conditioning.used)


def conditioning_key(
    prompt: str,
    timing: Timing,
    options: EncodingOptions,
    *,
    composable: bool,
    model: Hashable,
    networks: Hashable = (),
    embeddings: Hashable = (),
) -> Hashable:
    """The key under which a prompt's conditioning may be remembered.

    `model` identifies the weights of the text encoders with dtype and device, `networks` what patches them now, and
    `embeddings` the state of the embeddings folders.
    """
    return prompt, timing, options, composable, model, networks, embeddings


def size_in_bytes(conditioning: PromptConditioning) -> int:
    """What a conditioning takes up; conditions that share memory count once."""
    tensors = [
        tensor
        for part in conditioning.parts
        for condition in part.conditions
        for tensor in (condition.cond, condition.pooled)
        if tensor is not None
    ]
    return sum({tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}.values())


def new_cache(max_bytes: int) -> ConditioningCache[PromptConditioning]:
    """A cache for prompts of this module's kind."""
    from modules.text_encoders.cache import ConditioningCache

    return ConditioningCache(max_bytes, size_in_bytes)
