"""How diffusers' UNet is called: for every family without its own call."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from modules.checkpoints.unet_vector import vector_arguments
from modules.pipeline.network_additions import addition_arguments
from modules.sampling.conditioning import CondBatch


def predict_with_unet(unet: nn.Module, x: Tensor, t: Tensor, cond: CondBatch) -> Tensor:
    """The output of a diffusers UNet for scaled latents x [rows, C, h, w] at time steps t [rows], in the type of x.

    Raises ExtensionError for additions that do not fit the UNet.
    """
    arguments: dict[str, Any] = {"encoder_hidden_states": cond.tokens.to(x.dtype)}
    if cond.vector is not None:
        arguments |= vector_arguments(unet, cond.vector.to(x.dtype))
    if cond.additions is not None:
        arguments |= addition_arguments(unet, cond.additions, x.dtype)
    return unet(x, t, **arguments, return_dict=False)[0]
