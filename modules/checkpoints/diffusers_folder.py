"""Checkpoints in diffusers' folder form: model_index.json beside a folder for each network."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from modules.checkpoints.architectures.architecture import IMAGE_INPUTS, EncoderName, Family, unknown_input
from modules.checkpoints.assembly import (
    Assembly,
    clip_tensors,
    clip_without_numbers,
    naming_the_file,
    unet_without_numbers,
    vae_tensors,
    vae_without_numbers,
)
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.ldm_keys import current_attention_name
from modules.checkpoints.load import NOT_WEIGHTS, Drawing, TextDrawing, read_json
from modules.checkpoints.tensors import TensorSource, open_tensors
from modules.foundation.errors import CheckpointError, UnknownArchitecture
from modules.hardware.device import Hardware

WEIGHTS = ("diffusion_pytorch_model", "model", "pytorch_model")
VARIANTS = ("", ".fp16", ".bf16")
PROJECTION = "text_projection.weight"
SUFFIXES = (".safetensors", ".bin")
LATENT_SCALES: Mapping[Family, float] = {"SD1": 0.18215, "SD2": 0.18215, "SDXL": 0.13025, "SDXL refiner": 0.13025}


def drawn_up_folder(info: CheckpointInfo, hardware: Hardware, files: contextlib.ExitStack) -> Drawing:
    """Everything about a folder but its numbers; what is opened goes onto `files`.

    Raises CheckpointError naming the file and the reason.
    """
    folder = info.path
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
    vae_config = read_json(folder / "vae" / "config.json")
    with naming_the_file(folder):
        return Drawing(
            family=family,
            prediction=prediction,
            latent_scale=float(vae_config.get("scaling_factor") or LATENT_SCALES[family]),
            unet=Assembly(
                what="UNet",
                module=unet_without_numbers(unet_config),
                keys=_weights(folder / "unet", files),
                dtype=hardware.unet_dtype,
            ),
            vae=Assembly(
                what="VAE",
                module=vae_without_numbers(_plain(vae_config)),
                keys=_weights(folder / "vae", files, current_attention_name),
                dtype=hardware.vae_dtype,
                rename=vae_tensors,
            ),
            text_encoders=_text_encoders(folder, family, hardware, files),
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


def _text_encoders(
    folder: Path, family: Family, hardware: Hardware, files: contextlib.ExitStack
) -> tuple[TextDrawing, ...]:
    names: dict[Family, dict[str, EncoderName]] = {
        "SD1": {"text_encoder": "clip_l"},
        "SD2": {"text_encoder": "clip_h"},
        "SDXL": {"text_encoder": "clip_l", "text_encoder_2": "clip_g"},
        "SDXL refiner": {"text_encoder_2": "clip_g"},
    }
    return tuple(_text_encoder(folder / part, name, hardware, files) for part, name in names[family].items())


def _text_encoder(folder: Path, name: EncoderName, hardware: Hardware, files: contextlib.ExitStack) -> TextDrawing:
    module = clip_without_numbers(_plain(read_json(folder / "config.json")))

    def projection(left: dict[str, Tensor]) -> Tensor | None:
        # A linear layer in this form, a matrix to multiply with from the right in the original one.
        found = left.get(PROJECTION)
        return None if found is None or name != "clip_g" else found.T

    nested = clip_tensors(module)

    def rename(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        inner = {key.removeprefix("text_model."): tensor for key, tensor in tensors.items()}
        left = {PROJECTION: inner.pop(PROJECTION)} if PROJECTION in inner else {}
        return nested(inner) | left

    return TextDrawing(
        name=name,
        assembly=Assembly(
            what="text encoder", module=module, keys=_weights(folder, files), dtype=hardware.text_dtype, rename=rename
        ),
        projection=projection,
        # SD2's encoder is saved without the layer that is never used.
        layers=module.config.num_hidden_layers if name == "clip_h" else None,
    )


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without diffusers' own remarks."""
    return {key: value for key, value in config.items() if not key.startswith("_") and key != "architectures"}


def _weights(
    folder: Path, files: contextlib.ExitStack, rename: Callable[[str], str] = lambda key: key
) -> list[tuple[TensorSource, dict[str, str]]]:
    """The opened weights of one network, each with its tensors' names there and here."""
    sources = [files.enter_context(open_tensors(path)) for path in weight_files(folder)]
    return [
        (source, {key: rename(key) for key in source.shapes if not key.endswith(NOT_WEIGHTS)}) for source in sources
    ]


def weight_files(folder: Path) -> list[Path]:
    """The file with the weights of one network, or the several that an index names.

    safetensors files go before others, whole numbers of bits before variants. Raises CheckpointError if there are none.
    """
    for suffix in SUFFIXES:
        for name in WEIGHTS:
            for variant in VARIANTS:
                if (path := folder / f"{name}{variant}{suffix}").is_file():
                    return [path]
                indices = (f"{name}{suffix}.index{variant}.json", f"{name}{variant}{suffix}.index.json")
                if (index := next((folder / each for each in indices if (folder / each).is_file()), None)) is not None:
                    return _shards(index)
    raise CheckpointError(f"{folder} holds no weights (looked for {WEIGHTS[0]}{SUFFIXES[0]} and the like).")


def _shards(index: Path) -> list[Path]:
    table = read_json(index).get("weight_map")
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in cast("dict[str, Any]", table).values()):
        raise CheckpointError(f"{index} does not say which files hold the weights.")
    names = sorted(set(cast("dict[str, str]", table).values()))
    for name in names:
        if Path(name).name != name or not (index.parent / name).is_file():
            raise CheckpointError(f"{index.parent / name} is missing, which {index.name} names. Download it again.")
    return [index.parent / name for name in names]


def _alphas_cumprod(scheduler: Mapping[str, Any]) -> Tensor:
    steps = int(scheduler.get("num_train_timesteps", 1000))
    start, end = float(scheduler.get("beta_start", 0.00085)), float(scheduler.get("beta_end", 0.012))
    if scheduler.get("beta_schedule", "scaled_linear") == "linear":
        betas = torch.linspace(start, end, steps, dtype=torch.float64)
    else:
        betas = torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).to(torch.float32)
