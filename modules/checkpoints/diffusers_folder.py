"""Checkpoints in diffusers' folder form: model_index.json beside a folder for each network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.load import LoadedCheckpoint, build_clip, build_unet, build_vae, place, read_json
from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import CheckpointError, UnknownArchitecture
from modules.hardware.device import Hardware

WEIGHTS = ("diffusion_pytorch_model", "model", "pytorch_model")
VARIANTS = ("", ".fp16")
SUFFIXES = (".safetensors", ".bin")


def load_folder(info: CheckpointInfo, hardware: Hardware) -> LoadedCheckpoint:
    """Load an SD1 folder. Raises CheckpointError naming the file and the reason."""
    folder = info.path
    index = read_json(folder / "model_index.json")
    if "text_encoder_2" in index or "transformer" in index:
        raise UnknownArchitecture(f"{folder} is a {index.get('_class_name')}; Easel does not run it yet.")
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    prediction = scheduler.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction"):
        raise CheckpointError(f"{folder}: prediction type {prediction!r} is not known.")
    text_config = read_json(folder / "text_encoder" / "config.json")
    vae_config = read_json(folder / "vae" / "config.json")
    vae_tensors = _new_attention_names(_weights(folder / "vae", hardware.vae_dtype, hardware))
    return LoadedCheckpoint(
        info=info,
        family="SD1",
        prediction=prediction,
        latent_scale=float(vae_config.get("scaling_factor", 0.18215)),
        unet=build_unet(
            _plain(read_json(folder / "unet" / "config.json")),
            _weights(folder / "unet", hardware.unet_dtype, hardware),
            hardware,
        ),
        vae=build_vae(_plain(vae_config), vae_tensors, hardware),
        text_encoder=build_clip(_plain(text_config), _text_weights(folder / "text_encoder", hardware)),
        alphas_cumprod=_alphas_cumprod(scheduler),
    )


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without diffusers' own remarks."""
    return {key: value for key, value in config.items() if not key.startswith("_") and key != "architectures"}


def _weights(folder: Path, dtype: torch.dtype, hardware: Hardware) -> dict[str, Tensor]:
    names = (f"{name}{variant}{suffix}" for suffix in SUFFIXES for name in WEIGHTS for variant in VARIANTS)
    candidates = [folder / name for name in names]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise CheckpointError(f"{folder} holds no weights (looked for {candidates[0].name} and the like).")
    with open_tensors(path) as source:
        return {key: place(source.read(key), dtype, hardware) for key in source.shapes}


def _text_weights(folder: Path, hardware: Hardware) -> dict[str, Tensor]:
    found = _weights(folder, hardware.text_dtype, hardware)
    return {key.removeprefix("text_model."): tensor for key, tensor in found.items()}


def _new_attention_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """diffusers renamed the VAE's attention once; older folders have the older names."""
    renames = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
    for old, new in renames.items():
        tensors = {key.replace(old, new): tensor for key, tensor in tensors.items()}
    return tensors


def _alphas_cumprod(scheduler: Mapping[str, Any]) -> Tensor:
    steps = int(scheduler.get("num_train_timesteps", 1000))
    start, end = float(scheduler.get("beta_start", 0.00085)), float(scheduler.get("beta_end", 0.012))
    if scheduler.get("beta_schedule", "scaled_linear") == "linear":
        betas = torch.linspace(start, end, steps, dtype=torch.float64)
    else:
        betas = torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).to(torch.float32)
