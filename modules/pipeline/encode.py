"""encode: the prompts of a batch become conditioning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from modules.checkpoints.architectures.family import PictureFacts
from modules.foundation.errors import PromptError
from modules.generation.conditioning import Conditioning, Sizes
from modules.generation.plan import BatchSlice, Plan
from modules.hooks.events import RunEvent
from modules.pipeline.engine import Engine
from modules.pipeline.model import LoadedModel
from modules.text_encoders.batches import MOST_CHUNKS, TOKENS
from modules.text_encoders.clip import interruptible
from modules.text_encoders.conditioner import size_vector
from modules.text_encoders.prompt_conditioning import (
    EncodingOptions,
    PromptConditioning,
    Timing,
    conditioning_key,
    encode_prompt,
)


def timing_of(plan: Plan) -> Timing:
    """How the prompts of a first pass are scheduled."""
    return Timing(steps=plan.sampler.model_calls(plan.steps), old_scheduling=plan.settings.use_old_scheduling)


def encode(
    plan: Plan,
    batch: BatchSlice,
    model: LoadedModel,
    engine: Engine,
    event: RunEvent,
    *,
    timing: Timing,
    size: tuple[int, int],
    check: Callable[[], None] | None = None,
) -> Conditioning:
    """Encode the prompts and negative prompts of a batch; equal ones, and those of earlier runs, only once.

    The tags of extra networks are not part of what is encoded; negative prompts have none. `size` is the (height,
    width) that models are told which take a size. `check` is called often and may raise Interrupted. Raises PromptError
    or RequestError for prompts that are too much.
    """
    options = encoding_options(plan)
    encoders, widths = model.text_encoder.encoders, model.text_encoder.widths
    further = engine.hooks.embeddings(event)
    embeddings = {encoder.name: engine.embeddings.table(encoder.tokenizer, widths, further) for encoder in encoders}
    state = tuple(engine.hooks.conditioning_state(event))
    text_encoder = engine.hooks.text_encoder(model.text_encoder, event)

    def encoded(prompt: str, *, composable: bool) -> PromptConditioning:
        def make() -> PromptConditioning:
            with model.on_device(*model.checkpoint.text_models), interruptible(model.text_encoder.encoders, check):
                return encode_prompt(
                    prompt,
                    text_encoder,
                    timing,
                    options,
                    embeddings=embeddings,
                    composable=composable,
                )

        if not plan.settings.persistent_cond_cache:
            return make()
        key = conditioning_key(
            prompt,
            timing,
            options,
            composable=composable,
            model=model.checkpoint.info.path,
            networks=state,
            embeddings=tuple(embeddings.values()),
        )
        return engine.conditioning_cache.get(key, make)

    texts = engine.hooks.prompts_read(tuple(plan.prompt_texts[batch.pictures]), event)
    positive = tuple(encoded(text, composable=True) for text in texts)
    negative = tuple(encoded(prompt, composable=False) for prompt in plan.negative_prompts[batch.pictures])
    _check_rows(positive)
    _check_rows(negative)
    return Conditioning(
        positive=positive,
        negative=negative,
        sizes=sizes_of(plan, model, size),
        empty=encoded("", composable=True).parts[0].conditions[0].cond if plan.settings.pad_cond_uncond else None,
    )


def _check_rows(prompts: Sequence[PromptConditioning]) -> None:
    """Raise PromptError for prompts that no memory holds side by side, filled up to the same length."""
    parts = [part for prompt in prompts for part in prompt.parts]
    longest = max(len(condition.cond) for part in parts for condition in part.conditions)
    if longest * len(parts) > MOST_CHUNKS * TOKENS:
        raise PromptError(
            f"{len(parts)} prompts of {longest // TOKENS} chunks of 75 tokens would be computed together; the most is "
            f"{MOST_CHUNKS:,} chunks. Make the prompt shorter, or the batch smaller."
        )


def sizes_of(plan: Plan, model: LoadedModel, picture: tuple[int, int]) -> Sizes | None:
    """What a model is told of a picture of (height, width) besides its text; None for families that take nothing."""
    settings, family = plan.settings, model.checkpoint.family
    if family.sizes is None:
        return None
    positive, negative = family.sizes(
        PictureFacts(
            size=picture,
            crop=(settings.sdxl_crop_top, settings.sdxl_crop_left),
            low_score=settings.sdxl_refiner_low_aesthetic_score,
            high_score=settings.sdxl_refiner_high_aesthetic_score,
        )
    )
    vector = size_vector(positive).to(model.hardware.device)
    same = positive == negative
    return Sizes(positive=vector, negative=vector if same else size_vector(negative).to(model.hardware.device))


def encoding_options(plan: Plan) -> EncodingOptions:
    """How the plan's prompts are read."""
    settings = plan.settings
    return EncodingOptions(
        clip_skip=settings.CLIP_stop_at_last_layers,
        sdxl_clip_l_skip=settings.sdxl_clip_l_skip,
        emphasis=settings.emphasis,
        dialect=settings.prompt_dialect,
        mean_per_prompt=settings.emphasis_mean_per_prompt,
        comma_backtrack=settings.comma_padding_backtrack,
    )
