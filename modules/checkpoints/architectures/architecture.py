"""What a family decides about a checkpoint it claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modules.checkpoints.declared import Prediction


@dataclass(frozen=True, kw_only=True)
class Component:
    """One network of a checkpoint: where its tensors are and the configuration of the class that runs them.

    `prefixes` are tried in order on each tensor name; the first that matches is taken off. `modules` maps what is
    left to the class's own names; an empty map means the names are the same.
    """

    prefixes: tuple[str, ...]
    config: Mapping[str, Any]
    modules: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A checkpoint's family and the three networks in it. `latent_scale` is what VAE latents are multiplied with."""

    family: str
    prediction: Prediction
    unet: Component
    vae: Component
    text_encoder: Component
    latent_scale: float


@dataclass(frozen=True)
class Refusal:
    """Why a checkpoint is not of a family; one clause that completes "it is not SD1: ..."."""

    family: str
    reason: str
