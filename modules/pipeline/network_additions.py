"""What hooks add to a call of the UNet, as the arguments of diffusers' UNet2DConditionModel."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from modules.foundation.errors import ExtensionError
from modules.sampling.conditioning import NetworkAdditions


def addition_arguments(unet: Any, additions: NetworkAdditions, dtype: torch.dtype) -> dict[str, Any]:
    """The arguments that carry `additions`, in the number type of the network.

    Raises ExtensionError for another number of residuals than the UNet has places for.
    """
    arguments: dict[str, Any] = {}
    if additions.attention:
        arguments["cross_attention_kwargs"] = dict(additions.attention)
    if not additions.down and additions.mid is None:
        return arguments
    places = skip_connections(unet)
    if additions.down and len(additions.down) != places:
        raise ExtensionError(
            f"A hook adds {len(additions.down)} residuals to the down blocks of this UNet, which hand over {places}. "
            "What adds them was made for another family of models; detach it."
        )
    # diffusers takes both or neither.
    nothing = torch.zeros((), dtype=dtype, device=unet.device)
    arguments["down_block_additional_residuals"] = tuple(
        _as(dtype, residual) for residual in additions.down or (nothing,) * places
    )
    arguments["mid_block_additional_residual"] = nothing if additions.mid is None else _as(dtype, additions.mid)
    return arguments


def skip_connections(unet: Any) -> int:
    """How many tensors the down blocks hand to the up blocks, that of the input convolution included."""
    return 1 + sum(len(block.resnets) + (1 if block.downsamplers else 0) for block in unet.down_blocks)


def _as(dtype: torch.dtype, tensor: Tensor) -> Tensor:
    return tensor.to(dtype)
