"""What the catalogue tells of checkpoints and VAEs: family or problem, found out from names and shapes alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from modules.checkpoints.architectures.architecture import VARIANTS, Architecture
from modules.checkpoints.families import FamilyRegistry
from modules.checkpoints.folder_configs import folder_family, folder_image_input, read_configs
from modules.checkpoints.identify import identify
from modules.checkpoints.restricted_unpickler import pickle_shapes, read_pickle
from modules.checkpoints.safetensors_header import Shapes, TensorPlace, read_header
from modules.checkpoints.sniff import mismatch
from modules.checkpoints.tensors import TensorSource
from modules.foundation.errors import CheckpointError
from modules.library.digests import old_hash
from modules.library.facts import NOTHING, Facts

VERSION = 1
"""To be raised when files would be described differently."""

VAE_PREFIXES = ("", "first_stage_model.", "vae.")


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


def describe_checkpoint(path: Path, families: FamilyRegistry | None = None) -> Facts:
    """Family, kind of input and prediction of a checkpoint, or why it cannot be used."""
    families = families or FamilyRegistry()
    try:
        if path.is_dir():
            return _describe_folder(path, families)
        names = read_names(path)
    except CheckpointError as error:
        return Facts(problem=str(error))
    family, problem, details = None, None, NOTHING
    try:
        # Identification asks for names and free text, never for numbers.
        architecture = identify(cast(TensorSource, names), path, families)
        family, details = architecture.family.name, _details(architecture)
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
    if (variant := VARIANTS.get(architecture.image_input)) is not None:
        details["variant"] = variant
    if architecture.prediction:
        details["prediction"] = architecture.prediction
    return details or NOTHING


def _describe_folder(path: Path, families: FamilyRegistry) -> Facts:
    configs, unet = read_configs(path), path / "unet"
    family = folder_family(path, configs, families)
    if not any(unet.glob("*.safetensors")) and not any(unet.glob("*.bin")):
        return Facts(problem=f"{unet} holds no weights; download or copy the folder again.")
    variant = VARIANTS.get(folder_image_input(path, configs, family))
    return Facts(family=family.name, details={"variant": variant} if variant else NOTHING)


def _old_hash(path: Path) -> str | None:
    try:
        return old_hash(path)
    except OSError:
        return None
