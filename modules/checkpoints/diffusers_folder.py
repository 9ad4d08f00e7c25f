"""Checkpoints in diffusers' folder form: model_index.json beside a folder for each network."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from modules.checkpoints.architectures.family import Family
from modules.checkpoints.assembly import (
    Assembly,
    clip_tensors,
    clip_without_numbers,
    naming_the_file,
    unet_without_numbers,
    vae_tensors,
    vae_without_numbers,
    without_numbers,
)
from modules.checkpoints.checkpoint_assembly import NOT_WEIGHTS, CheckpointAssembly, TextEncoderAssembly
from modules.checkpoints.families import FamilyRegistry
from modules.checkpoints.folder_configs import folder_family, folder_image_input, read_configs, read_json
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.ldm_keys import current_attention_name
from modules.checkpoints.tensors import TensorSource, open_tensors
from modules.foundation.errors import CheckpointError
from modules.foundation.plain import JsonMapping, JsonObject
from modules.hardware.device import Hardware

if TYPE_CHECKING:
    from transformers import CLIPTextModel

WEIGHTS = ("diffusion_pytorch_model", "model", "pytorch_model")
VARIANTS = ("", ".fp16", ".bf16")
PROJECTION = "text_projection.weight"
SUFFIXES = (".safetensors", ".bin")


def assemble_folder(
    info: CheckpointInfo, hardware: Hardware, files: contextlib.ExitStack, families: FamilyRegistry
) -> CheckpointAssembly:
    """Everything about a folder but its numbers; what is opened goes onto `files`.

    Raises CheckpointError naming the file and the reason.
    """
    folder = info.path
    configs = read_configs(folder)
    family = folder_family(folder, configs, families)
    image_input = folder_image_input(folder, configs, family)
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    prediction = scheduler.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction"):
        raise CheckpointError(f"{folder}: prediction type {prediction!r} is not known.")
    vae_config = read_json(folder / "vae" / "config.json")
    with naming_the_file(folder):
        return CheckpointAssembly(
            family=family,
            prediction=prediction,
            latents=replace(family.latents, scale=float(vae_config.get("scaling_factor") or family.latents.scale)),
            unet=Assembly(
                what="UNet",
                module=unet_without_numbers(_plain(configs.unet)),
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
            image_input=image_input,
            zero_terminal_snr=bool(scheduler.get("rescale_betas_zero_snr", False)),
        )


def _text_encoders(
    folder: Path, family: Family, hardware: Hardware, files: contextlib.ExitStack
) -> tuple[TextEncoderAssembly, ...]:
    assert family.folder is not None
    return tuple(
        _text_encoder(folder / part, name, family, hardware, files) for part, name in family.folder.encoders.items()
    )


def _text_encoder(
    folder: Path, name: str, family: Family, hardware: Hardware, files: contextlib.ExitStack
) -> TextEncoderAssembly:
    config, build = _plain(read_json(folder / "config.json")), family.folder.build if family.folder else None
    if build is not None:
        made = cast("CLIPTextModel", without_numbers(lambda: build(config)))
        keys = _weights(folder, files)
        assembly = Assembly(what="text encoder", module=made, keys=keys, dtype=hardware.text_dtype)
        return TextEncoderAssembly(name=name, assembly=assembly)
    module = clip_without_numbers(config)

    def projection(left: dict[str, Tensor]) -> Tensor | None:
        # A linear layer in this form, a matrix to multiply with from the right in the original one.
        found = left.get(PROJECTION)
        return None if found is None or not family.pooled_text else found.T

    nested = clip_tensors(module)

    def rename(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        inner = {key.removeprefix("text_model."): tensor for key, tensor in tensors.items()}
        left = {PROJECTION: inner.pop(PROJECTION)} if PROJECTION in inner else {}
        return nested(inner) | left

    cut = family.folder is not None and family.folder.lacks_last_layer
    return TextEncoderAssembly(
        name=name,
        assembly=Assembly(
            what="text encoder", module=module, keys=_weights(folder, files), dtype=hardware.text_dtype, rename=rename
        ),
        projection=projection,
        layers=module.config.num_hidden_layers if cut else None,
    )


def _plain(config: JsonMapping) -> JsonObject:
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
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in cast("JsonObject", table).values()):
        raise CheckpointError(f"{index} does not say which files hold the weights.")
    names = sorted(set(cast("dict[str, str]", table).values()))
    for name in names:
        if Path(name).name != name or not (index.parent / name).is_file():
            raise CheckpointError(f"{index.parent / name} is missing, which {index.name} names. Download it again.")
    return [index.parent / name for name in names]


def _alphas_cumprod(scheduler: JsonMapping) -> Tensor:
    steps = int(scheduler.get("num_train_timesteps", 1000))
    start, end = float(scheduler.get("beta_start", 0.00085)), float(scheduler.get("beta_end", 0.012))
    if scheduler.get("beta_schedule", "scaled_linear") == "linear":
        betas = torch.linspace(start, end, steps, dtype=torch.float64)
    else:
        betas = torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).to(torch.float32)
