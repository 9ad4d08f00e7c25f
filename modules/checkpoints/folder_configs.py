"""What the configuration files of a checkpoint in diffusers' folder form say of it; no weight is looked at."""

from __future__ import annotations

from pathlib import Path

from modules.checkpoints.architectures.architecture import ImageInput, image_inputs, unknown_input
from modules.checkpoints.architectures.family import Family, FolderConfigs, takes_embedding
from modules.checkpoints.families import FamilyRegistry
from modules.foundation.errors import CheckpointError, UnknownArchitecture
from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonObject
from modules.foundation.text_files import read_file
from modules.library.folders import DIFFUSERS_INDEX


def read_configs(folder: Path) -> FolderConfigs:
    """What the folder's configuration files say. Raises CheckpointError naming the one that cannot be read."""
    parts = frozenset(part.name for part in folder.iterdir() if part.is_dir())
    return FolderConfigs(
        index=read_json(folder / DIFFUSERS_INDEX),
        unet=read_json(folder / "unet" / "config.json") if "unet" in parts else {},
        text=read_json(folder / "text_encoder" / "config.json") if "text_encoder" in parts else {},
        parts=parts,
    )


def folder_family(folder: Path, configs: FolderConfigs, families: FamilyRegistry) -> Family:
    """Told by which networks there are and what the UNet takes. Raises UnknownArchitecture."""
    kind = configs.index.get("_class_name", "pipeline")
    if not configs.unet:
        raise UnknownArchitecture(f"{folder} is a {kind} without a UNet; Easel does not run it yet.")
    for family in families.all():
        if family.folder is not None and family.folder.claims(configs):
            return family
    raise UnknownArchitecture(f"{folder} is a {kind}; Easel does not run it yet.")


def folder_image_input(folder: Path, configs: FolderConfigs, family: Family) -> ImageInput:
    """What the UNet gets beside the latent. Raises UnknownArchitecture for what no model of the family takes."""
    latent = family.latents.channels
    channels = int(configs.unet.get("in_channels", latent))
    if takes_embedding(configs):
        return "embedding"
    found = image_inputs(latent).get(channels)
    if found is None:
        raise UnknownArchitecture(f"{folder} cannot be run: {unknown_input(channels, latent)}.")
    return found


def read_json(path: Path) -> JsonObject:
    """A JSON object from a file. Raises CheckpointError naming the file."""
    try:
        value = parse_json(read_file(path))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: it is no JSON ({error}).") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} does not hold a JSON object.")
    return value
