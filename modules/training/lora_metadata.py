"""What a LoRA's header tells: the entries of kohya's trainer, which other programs show and search."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from safetensors.torch import save as save_safetensors
from torch import Tensor

from modules.pipeline.model import LoadedModel
from modules.training.dataset import Dataset
from modules.training.options import TrainingOptions


def lora_metadata(
    options: TrainingOptions, model: LoadedModel, dataset: Dataset, *, sha256: str | None, number_type: str
) -> dict[str, str]:
    """The entries that hold for a whole training. No time is among them: equal trainings give equal files."""
    lora, steps, family = options.lora, options.steps, model.checkpoint.family
    rounds = sum(picture.repeats for picture in dataset.pictures)
    convolutions = {"conv_dim": lora.conv_rank, "conv_alpha": lora.conv_alpha or lora.conv_rank}
    path = model.checkpoint.info.path
    entries: dict[str, object] = {
        "ss_output_name": options.name,
        "ss_base_model_version": family.traces.base_model or family.name,
        "ss_v2": family.traces.base_model == "sd_v2",
        "ss_network_module": "networks.lora",
        "ss_network_dim": lora.rank,
        "ss_network_alpha": lora.alpha or float(lora.rank),
        "ss_network_dropout": lora.dropout or None,
        "ss_network_args": convolutions if lora.conv_rank else None,
        "ss_learning_rate": steps.learning_rate,
        "ss_unet_lr": steps.learning_rate if lora.unet else None,
        "ss_text_encoder_lr": (steps.text_encoder_learning_rate or steps.learning_rate) if lora.text_encoder else None,
        "ss_lr_scheduler": steps.curve,
        "ss_lr_warmup_steps": steps.warmup,
        "ss_optimizer": steps.optimiser,
        "ss_max_train_steps": steps.steps,
        "ss_batch_size_per_device": steps.batch_size,
        "ss_gradient_accumulation_steps": steps.gradient_accumulation,
        "ss_gradient_checkpointing": steps.gradient_checkpointing,
        "ss_mixed_precision": number_type,
        "ss_noise_offset": steps.noise_offset or None,
        "ss_min_snr_gamma": steps.min_snr_gamma,
        "ss_clip_skip": steps.clip_skip,
        "ss_seed": steps.seed,
        "ss_num_train_images": rounds,
        "ss_num_reg_images": 0,
        "ss_cache_latents": True,
        "ss_resolution": f"({options.dataset.width}, {options.dataset.height})",
        "ss_enable_bucket": options.dataset.fit == "buckets",
        "ss_bucket_info": _bucket_info(dataset) if options.dataset.fit == "buckets" else None,
        "ss_shuffle_caption": options.dataset.shuffle_tags,
        "ss_keep_tokens": options.dataset.keep_tags,
        "ss_caption_tag_dropout_rate": options.dataset.tag_dropout,
        "ss_flip_aug": options.dataset.flip,
        "ss_dataset_dirs": {
            name: {"n_repeats": repeats, "img_count": count} for name, (repeats, count) in dataset.folders.items()
        },
        "ss_tag_frequency": dataset.tag_frequency(),
        "ss_sd_model_name": path.name,
        "ss_new_sd_model_hash": sha256,
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{family.traces.modelspec}/lora" if family.traces.modelspec else None,
        "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
        "modelspec.title": options.name,
        "modelspec.resolution": f"{options.dataset.width}x{options.dataset.height}",
        "modelspec.prediction_type": "v" if model.schedule.prediction == "v_prediction" else "epsilon",
    }
    return {key: _text(value) for key, value in entries.items() if value is not None}


def with_metadata(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file of the tensors with these entries, and the hash by which other programs know the tensors.

    The entries are in the order of their names; safetensors itself writes them in another order each time.
    """
    data = save_safetensors(dict(tensors))
    start = 8 + int.from_bytes(data[:8], "little")
    entries = {**metadata, "sshs_model_hash": hashlib.sha256(data[start:]).hexdigest()}
    header = {"__metadata__": dict(sorted(entries.items())), **json.loads(data[8:start])}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[start:]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, dict) else str(value)


def _bucket_info(dataset: Dataset) -> dict[str, object]:
    counts: dict[tuple[int, int], int] = {}
    for picture in dataset.pictures:
        counts[picture.cut.size] = counts.get(picture.cut.size, 0) + picture.repeats
    entries = {str(n): {"resolution": list(size), "count": counts[size]} for n, size in enumerate(sorted(counts))}
    return {"buckets": entries}
