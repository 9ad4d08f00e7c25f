"""What is known of a checkpoint before its numbers are read: its networks, empty, and where their tensors are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from modules.checkpoints.architectures.architecture import ImageInput
from modules.checkpoints.architectures.family import Family
from modules.checkpoints.assembly import Assembly
from modules.sampling.latent_space import LatentSpace
from modules.sampling.parameterisation import Prediction

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

NOT_WEIGHTS = (".position_ids", ".attn_mask", ".logit_scale")
"""Tensors that some files have and no network needs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TextEncoderAssembly:
    """A text encoder that is about to be read; see TextModel."""

    name: str
    assembly: Assembly[CLIPTextModel]
    layers: int | None = None
    projection: Callable[[dict[str, Tensor]], Tensor | None] = lambda left: None


@dataclass(frozen=True, kw_only=True, eq=False)
class CheckpointAssembly:
    """Everything about a checkpoint but its numbers. `prediction` is None where only the weights can tell."""

    family: Family
    prediction: Prediction | None
    latents: LatentSpace
    unet: Assembly[UNet2DConditionModel]
    vae: Assembly[AutoencoderKL]
    text_encoders: tuple[TextEncoderAssembly, ...]
    alphas_cumprod: Tensor | None
    image_input: ImageInput
    zero_terminal_snr: bool

    @property
    def parts(self) -> tuple[Assembly[Any], ...]:
        """The networks in the order in which they are read."""
        return (*(text.assembly for text in self.text_encoders), self.vae, self.unet)

    @property
    def bytes(self) -> int:
        """Memory that the networks will take."""
        return sum(part.bytes for part in self.parts)
