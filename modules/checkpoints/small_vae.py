"""Small networks that stand in for a VAE: TAESD, and the approximation that live previews are known from.

TAESD is Ollin Boer Bohan's "Tiny AutoEncoder for Stable Diffusion" (github.com/madebyollin/taesd); diffusers has its
layers. The approximation is a stack of convolutions, whose sizes are those of its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from modules.checkpoints.tensors import read_weights
from modules.foundation.errors import CheckpointError
from modules.hardware.device import Hardware

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

LatentNetwork = Callable[[Tensor], Tensor]
"""Scaled latents [B, C, h, w] -> pictures [B, 3, H, W] in -1..1, or the other way round; float32."""


def load_tiny(path: Path, hardware: Hardware, channels: int, *, encoder: bool = False) -> LatentNetwork:
    """TAESD's decoder or encoder for latents of `channels`. Raises CheckpointError.

    Tensors have the names of its own files or those of diffusers.
    """
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    weights = {key: value for key, value in read_weights(path).items() if isinstance(value, Tensor)}
    whole: AutoencoderTiny = AutoencoderTiny(latent_channels=channels)
    part: object = whole.encoder if encoder else whole.decoder
    prefix = "encoder." if encoder else "decoder."
    if any(key.startswith(prefix + "layers.") for key in weights):
        weights = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
    else:
        # The original decoder counts its clamp as a layer; diffusers' does not.
        weights = {f"layers.{_shifted(key, 0 if encoder else 1)}": value for key, value in weights.items()}
    try:
        part.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{path} is not a TAESD {'encoder' if encoder else 'decoder'}.") from error
    part.to(hardware.device, hardware.vae_dtype).eval()
    return lambda x: part(x.to(hardware.vae_dtype)).float()


def load_approximation(path: Path, hardware: Hardware, channels: int) -> LatentNetwork:
    """The approximation for latents of `channels`; its pictures are twice as large. Raises CheckpointError."""
    weights = {key: value for key, value in read_weights(path).items() if isinstance(value, Tensor)}
    names = sorted({key.rpartition(".")[0] for key in weights}, key=lambda name: (len(name), name))
    try:
        layers = [(weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in names]
        fits = bool(layers) and layers[0][0].shape[1] == channels and layers[-1][0].shape[0] == 3
    except (KeyError, IndexError):
        layers, fits = [], False
    if not fits:
        raise CheckpointError(f"{path} is not an approximation of a VAE.")
    network = _Approximation([(weight.float(), bias.float()) for weight, bias in layers]).to(hardware.device)
    return network.eval()


def _shifted(key: str, by: int) -> str:
    index, _, rest = key.partition(".")
    return f"{int(index) - by}.{rest}" if index.isdigit() else key


class _Approximation(nn.Module):
    def __init__(self, layers: list[tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.layers = nn.ParameterList([nn.Parameter(part, requires_grad=False) for pair in layers for part in pair])

    def forward(self, x: Tensor) -> Tensor:
        weights, biases = self.layers[::2], self.layers[1::2]
        x = functional.interpolate(x.float(), scale_factor=2.0, mode="nearest")
        around = sum((weight.shape[-1] - 1) // 2 for weight in weights)
        x = functional.pad(x, (around,) * 4)
        for weight, bias in zip(weights, biases, strict=True):
            x = functional.leaky_relu(functional.conv2d(x, weight, bias), 0.1)
        return x.to(torch.float32)
