"""encode: the prompts of a batch become conditioning."""

from __future__ import annotations

from modules.generation.conditioning import Conditioning
from modules.generation.plan import BatchSlice, Plan
from modules.pipeline.engine import Engine
from modules.pipeline.model import Model
from modules.text_encoders.scheduled import (
    EncodingOptions,
    PromptConditioning,
    Timing,
    conditioning_key,
    encode_prompt,
)


def encode(plan: Plan, batch: BatchSlice, model: Model, engine: Engine) -> Conditioning:
    """Encode the prompts and negative prompts of a batch; equal ones, and those of earlier runs, only once."""
    options = encoding_options(plan)
    table = engine.embeddings.table(engine.tokenizer, model.text_encoder.widths)
    embeddings = dict.fromkeys(model.text_encoder.widths, table)
    timing = Timing(steps=plan.sampler.model_calls(plan.steps), old_scheduling=plan.settings.use_old_scheduling)

    def one(prompt: str, *, composable: bool) -> PromptConditioning:
        def make() -> PromptConditioning:
            with model.on_device(model.checkpoint.text_encoder):
                return encode_prompt(
                    prompt,
                    model.text_encoder,
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
            embeddings=table,
        )
        return engine.conditioning_cache.get(key, make)

    return Conditioning(
        positive=tuple(one(prompt, composable=True) for prompt in plan.prompts[batch.pictures]),
        negative=tuple(one(prompt, composable=False) for prompt in plan.negative_prompts[batch.pictures]),
    )


def encoding_options(plan: Plan) -> EncodingOptions:
    """How the plan's prompts are read."""
    settings = plan.settings
    return EncodingOptions(
        clip_skip=settings.CLIP_stop_at_last_layers,
        emphasis=settings.emphasis,
        comma_backtrack=settings.comma_padding_backtrack,
    )
