"""Every reader of model files, for tests that give each of them a malicious file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

from hypothesis import HealthCheck

from modules.checkpoints.describe import describe_checkpoint, describe_vae
from modules.checkpoints.image_networks import load_network
from modules.checkpoints.safetensors_header import read_header
from modules.foundation.errors import EaselError
from modules.networks.describe import describe_hypernetwork, describe_lora
from modules.networks.file import read_network
from modules.networks.hypernetwork import read_hypernetwork
from modules.networks.info import NetworkInfo
from modules.text_encoders.describe import describe_embedding
from modules.text_encoders.embedding_files import read_embedding
from modules.upscalers.file_check import problem_of

EVERY_CHECK = cast("list[HealthCheck]", list(HealthCheck))


def _network(path: Path) -> NetworkInfo:
    return NetworkInfo(path=path, folder=path.parent, kind="lora")


READERS: dict[str, Callable[[Path], object]] = {
    "header": read_header,
    "checkpoint": describe_checkpoint,
    "VAE": describe_vae,
    "LoRA in the list": describe_lora,
    "LoRA": lambda path: read_network(_network(path)),
    "embedding in the list": describe_embedding,
    "embedding": read_embedding,
    "upscaler in the list": problem_of,
    "upscaler": load_network,
    "hypernetwork in the list": describe_hypernetwork,
    "hypernetwork": lambda path: read_hypernetwork(_network(path)),
}


def read_with_all(path: Path) -> None:
    for reader in READERS.values():
        with contextlib.suppress(EaselError):
            reader(path)
