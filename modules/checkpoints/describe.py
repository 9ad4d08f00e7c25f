"""What the catalogue tells of checkpoints and VAEs: family or problem, found out from names and shapes alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from modules.checkpoints.architectures.architecture import Architecture
from modules.checkpoints.identify import identify
from modules.checkpoints.pickle_header import pickle_shapes, read_pickle
from modules.checkpoints.safetensors_header import Shapes, TensorPlace, read_header
from modules.checkpoints.sniff import mismatch
from modules.checkpoints.tensors import TensorSource
from modules.foundation.errors import CheckpointError
from modules.foundation.json_text import parse_json
from modules.library.digests import old_hash
from modules.library.facts import NOTHING, Facts
from modules.library.folders import DIFFUSERS_INDEX

VERSION = 1
"""To be raised when files would be described differently."""

VAE_PREFIXES = ("", "first_stage_model.", "vae.")
INPUTS = {"edit": "instruct-pix2pix", "inpainting": "inpainting"}


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names, shapes and free text of a model file; `places` where its format tells where the numbers are."""

    shapes: Shapes
    metadata: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    places: Mapping[str, TensorPlace] = field(default_factory=dict[str, TensorPlace])


def read_names(path: Path) -> Names:
    """The names in a model file of any form. Raises CheckpointError naming the file and the reason."""
    is_safetensors = path.suffix.casefold() == ".safetensors"
    try:
        reason = mismatch(path, "safetensors" if is_safetensors else "torch")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    if reason is not None:
        raise CheckpointError(f"{path} is not a usable model file: {reason}.")
    if not is_safetensors:
        return Names(shapes=pickle_shapes(read_pickle(path)))
    header = read_header(path)
    return Names(shapes=header.shapes, metadata=header.metadata, places=header.places)


def describe_checkpoint(path: Path) -> Facts:
    """Family, kind of input and prediction of a checkpoint, or why it cannot be used."""
    try:
        if path.is_dir():
            return _describe_folder(path)
        names = read_names(path)
    except CheckpointError as error:
        return Facts(problem=str(error))
    family, problem, details = None, None, NOTHING
    try:
        # Identification asks for names and free text, never for numbers.
        architecture = identify(cast(TensorSource, names), path)
        family, details = architecture.family, _details(architecture)
    except CheckpointError as error:
        problem = str(error)
    return Facts(family=family, problem=problem, details=details, metadata=names.metadata, old_hash=_old_hash(path))


def describe_vae(path: Path) -> Facts:
    """Whether a file holds a VAE."""
    try:
        names = read_names(path)
    except CheckpointError as error:
        return Facts(problem=str(error))
    if any(f"{prefix}decoder.conv_in.weight" in names.shapes for prefix in VAE_PREFIXES):
        return Facts(metadata=names.metadata)
    return Facts(problem=f"{path} is not a usable VAE: it holds no decoder.", metadata=names.metadata)


def _details(architecture: Architecture) -> Mapping[str, str]:
    details: dict[str, str] = {}
    if architecture.image_input in INPUTS:
        details["variant"] = INPUTS[architecture.image_input]
    if architecture.prediction:
        details["prediction"] = architecture.prediction
    return details or NOTHING


def _describe_folder(path: Path) -> Facts:
    index, unet = _config(path / DIFFUSERS_INDEX), path / "unet"
    if not unet.is_dir():
        kind = index.get("_class_name", "pipeline")
        return Facts(problem=f"{path} is a {kind} without a UNet; Easel does not run it yet.")
    if not any(unet.glob("*.safetensors")) and not any(unet.glob("*.bin")):
        return Facts(problem=f"{unet} holds no weights; download or copy the folder again.")
    config = _config(unet / "config.json")
    variant = {8: "instruct-pix2pix", 9: "inpainting"}.get(config.get("in_channels", 4))
    return Facts(family=_folder_family(path, config), details={"variant": variant} if variant else NOTHING)


def _folder_family(path: Path, unet: Mapping[str, Any]) -> str:
    if unet.get("addition_embed_type") == "text_time":
        return "SDXL" if (path / "text_encoder").is_dir() else "SDXL refiner"
    # SD2 has OpenCLIP's encoder, which computes with another activation.
    text = _config(path / "text_encoder" / "config.json")
    return "SD2" if text.get("hidden_act") == "gelu" else "SD1"


def _config(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: it is no JSON ({error}).") from error
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def _old_hash(path: Path) -> str | None:
    try:
        return old_hash(path)
    except OSError:
        return None
