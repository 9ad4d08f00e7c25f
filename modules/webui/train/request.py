"""From the values of the Train tab to what is to be trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from modules.application.training import template_lines
from modules.foundation.errors import RequestError
from modules.foundation.plain import JsonObject
from modules.training.options import PreviewOptions, TrainingKind, TrainingOptions
from modules.webui.panel.control import Control
from modules.webui.panel.control_values import ControlValues
from modules.webui.train import controls as own

if TYPE_CHECKING:
    from modules.application.application import Application


def training_options(
    app: Application, kind: TrainingKind, values: Mapping[str, object], preview: PreviewOptions | None
) -> TrainingOptions:
    """What the tab asks for. `preview` are the parameters of the txt2img tab.

    Raises RequestError naming the control, UnknownName for a template that is not there.
    """
    controls = ControlValues(values)
    name = controls.text({"embedding": "embedding", "hypernetwork": "hypernetwork", "lora": "lora_name"}[kind])
    if not name.strip():
        raise RequestError(f"Choose the {kind} to train." if kind != "lora" else "Give the LoRA a name.", "name")
    is_lora = kind == "lora"
    fields: JsonObject = {
        "kind": kind,
        "name": name,
        "dataset": _dataset(app, controls, is_lora=is_lora),
        "steps": _lora_steps(controls) if is_lora else _steps(controls, kind),
        "output": {
            "log_folder": controls.text("log_folder") or "textual_inversion",
            "save_every": _whole(controls, own.SAVE_EVERY),
            "preview_every": _whole(controls, own.IMAGE_EVERY),
            "picture_cards": controls.switch("cards") and kind == "embedding",
            "overwrite": controls.switch("lora_overwrite") and is_lora,
        },
    }
    if preview is not None and controls.switch("from_txt2img"):
        fields["output"]["preview"] = preview.model_dump()
    if is_lora:
        fields["lora"] = {
            "rank": _whole(controls, own.RANK),
            "alpha": _number(controls, own.ALPHA),
            "conv_rank": _whole(controls, own.CONV_RANK),
            "dropout": _number(controls, own.LORA_DROPOUT),
            "text_encoder": controls.switch("text_encoder"),
        }
    return _checked(fields)


def _dataset(app: Application, controls: ControlValues, *, is_lora: bool) -> JsonObject:
    settings = app.settings.current
    buckets = is_lora and controls.switch("buckets")
    return {
        "folder": controls.text("dataset"),
        "width": _whole(controls, own.WIDTH),
        "height": _whole(controls, own.HEIGHT),
        "fit": "own" if controls.switch("varsize") else "buckets" if buckets else "crop",
        "template": [] if is_lora else list(template_lines(app, controls.text("template"))),
        "shuffle_tags": controls.switch("shuffle"),
        "tag_dropout": _number(controls, own.TAG_DROPOUT),
        "keep_tags": _whole(controls, own.KEEP_TAGS) if is_lora else 0,
        "latent_sampling": controls.text("latents"),
        "weights_from_alpha": controls.switch("use_weight"),
        "flip": is_lora and controls.switch("flip"),
        "word_pattern": settings.dataset_filename_word_regex,
        "word_join": settings.dataset_filename_join_string,
    }


def _steps(controls: ControlValues, kind: TrainingKind) -> JsonObject:
    return {
        "steps": _whole(controls, own.STEPS),
        "batch_size": _whole(controls, own.BATCH_SIZE),
        "gradient_accumulation": _whole(controls, own.GRADIENT_STEP),
        "learning_rate": controls.text(f"{kind}_rate"),
        "clipping": controls.text("clipping"),
        "clip_at": controls.text("clip_at"),
        "weight_decay": 0.0 if kind == "embedding" else 0.01,
    }


def _lora_steps(controls: ControlValues) -> JsonObject:
    return {
        "steps": _whole(controls, own.LORA_STEPS),
        "batch_size": _whole(controls, own.LORA_BATCH),
        "gradient_accumulation": _whole(controls, own.GRADIENT_STEP),
        "learning_rate": controls.text("lora_rate"),
        "text_encoder_learning_rate": controls.text("text_rate"),
        "curve": controls.text("curve"),
        "warmup": _whole(controls, own.WARMUP),
        "clipping": controls.text("clipping"),
        "clip_at": controls.text("clip_at"),
        "optimiser": controls.text("optimiser"),
        "precision": controls.text("precision"),
        "gradient_checkpointing": controls.switch("checkpointing"),
        "min_snr_gamma": _number(controls, own.MIN_SNR) or None,
        "noise_offset": _number(controls, own.NOISE_OFFSET),
    }


def preview_options(values: Mapping[str, object]) -> PreviewOptions:
    """The parameters of the txt2img tab, by the names of its controls. Raises RequestError."""
    controls = ControlValues(values)
    return cast(
        PreviewOptions,
        _checked(
            {
                "prompt": controls.text("prompt"),
                "negative_prompt": controls.text("negative_prompt"),
                "steps": min(controls.whole("steps", "Sampling steps"), 150),
                "sampler": controls.text("sampler") or None,
                "cfg_scale": controls.number("cfg_scale", "CFG Scale"),
                "seed": controls.seed("seed", "Seed"),
                "width": controls.whole("width", "Width"),
                "height": controls.whole("height", "Height"),
            },
            PreviewOptions,
        ),
    )


def _whole(controls: ControlValues, control: Control) -> int:
    return controls.whole(control.name, control.label)


def _number(controls: ControlValues, control: Control) -> float:
    return controls.number(control.name, control.label)


def _checked(fields: JsonObject, model: type[Any] = TrainingOptions) -> Any:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = " ".join(str(part) for part in first["loc"])
        raise RequestError(f"{field.replace('_', ' ')}: {first['msg'].lower()}; it is {first['input']!r}.") from error
