"""Checkpoints in diffusers' folder form: model_index.json beside a folder for each network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modules.checkpoints.architectures.architecture import IMAGE_INPUTS, EncoderName, Family, unknown_input
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.load import LoadedCheckpoint, TextModel, build_clip, build_unet, build_vae, place, read_json
from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import CheckpointError, UnknownArchitecture
from modules.hardware.device import Hardware

WEIGHTS = ("diffusion_pytorch_model", "model", "pytorch_model")
VARIANTS = ("", ".fp16")
SUFFIXES = (".safetensors", ".bin")
LATENT_SCALES: Mapping[Family, float] = {"SD1": 0.18215, "SD2": 0.18215, "SDXL": 0.13025, "SDXL refiner": 0.13025}


def load_folder(
    info: CheckpointInfo, hardware: Hardware, on_progress: Callable[[float], None] | None = None
) -> LoadedCheckpoint:
    """Load a folder. Raises CheckpointError naming the file and the reason."""
    folder, report = info.path, on_progress or (lambda share: None)
    index = read_json(folder / "model_index.json")
    unet_config = _plain(read_json(folder / "unet" / "config.json")) if (folder / "unet").is_dir() else {}
    family = _family(folder, index, unet_config)
    channels = int(unet_config.get("in_channels", 4))
    if channels not in IMAGE_INPUTS:
        raise UnknownArchitecture(f"{folder} cannot be run: {unknown_input(channels)}.")
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    prediction = scheduler.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction"):
        raise CheckpointError(f"{folder}: prediction type {prediction!r} is not known.")
    text_encoders = _text_encoders(folder, family, hardware)
    report(0.15)
    vae_config = read_json(folder / "vae" / "config.json")
    vae_tensors = current_attention_names(_weights(folder / "vae", hardware.vae_dtype, hardware))
    vae = build_vae(_plain(vae_config), vae_tensors, hardware)
    report(0.25)
    unet = build_unet(unet_config, _weights(folder / "unet", hardware.unet_dtype, hardware), hardware)
    report(1.0)
    return LoadedCheckpoint(
        info=info,
        family=family,
        prediction=prediction,
        latent_scale=float(vae_config.get("scaling_factor", LATENT_SCALES[family])),
        unet=unet,
        vae=vae,
        text_encoders=text_encoders,
        alphas_cumprod=_alphas_cumprod(scheduler),
        image_input=IMAGE_INPUTS[channels],
        zero_terminal_snr=bool(scheduler.get("rescale_betas_zero_snr", False)),
    )


def _family(folder: Path, index: Mapping[str, Any], unet_config: Mapping[str, Any]) -> Family:
    """Told by which networks there are and what the UNet takes."""
    kind = index.get("_class_name")
    if not unet_config:
        raise UnknownArchitecture(f"{folder} is a {kind} without a UNet; Easel does not run it yet.")
    if unet_config.get("addition_embed_type") == "text_time":
        return "SDXL" if (folder / "text_encoder").is_dir() else "SDXL refiner"
    if unet_config.get("class_embed_type") or unet_config.get("addition_embed_type"):
        raise UnknownArchitecture(f"{folder} is a {kind}; Easel does not run it yet.")
    return "SD2" if _is_openclip(read_json(folder / "text_encoder" / "config.json")) else "SD1"


def _is_openclip(text_config: Mapping[str, Any]) -> bool:
    return text_config.get("hidden_act", "quick_gelu") == "gelu"


def _text_encoders(folder: Path, family: Family, hardware: Hardware) -> tuple[TextModel, ...]:
    names: dict[Family, dict[str, EncoderName]] = {
        "SD1": {"text_encoder": "clip_l"},
        "SD2": {"text_encoder": "clip_h"},
        "SDXL": {"text_encoder": "clip_l", "text_encoder_2": "clip_g"},
        "SDXL refiner": {"text_encoder_2": "clip_g"},
    }
    return tuple(_text_encoder(folder / part, name, hardware) for part, name in names[family].items())


def _text_encoder(folder: Path, name: EncoderName, hardware: Hardware) -> TextModel:
    config = _plain(read_json(folder / "config.json"))
    tensors = _weights(folder, hardware.text_dtype, hardware)
    # A linear layer in this form, a matrix to multiply with from the right in the original one.
    projection = tensors.pop("text_projection.weight", None)
    model = build_clip(config, {key.removeprefix("text_model."): tensor for key, tensor in tensors.items()})
    return TextModel(
        name=name,
        model=model,
        projection=None if projection is None or name != "clip_g" else projection.T,
        # SD2's encoder is saved without the layer that is never used.
        layers=model.config.num_hidden_layers if name == "clip_h" else None,
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


def current_attention_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
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
