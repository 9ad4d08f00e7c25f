"""The vector beside the prompt that SDXL's UNet takes: given whole, with sizes already as sinusoids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


def with_whole_vector(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """`unet` without its own sinusoids, which it would compute again at every step; no parameter is touched."""
    unet.register_module("add_time_proj", nn.Identity())
    return unet


def vector_arguments(vector: Tensor) -> dict[str, Tensor]:
    """The UNet's `added_cond_kwargs` for vectors [rows, m]: all in one of its two parts, the other is empty."""
    return {"text_embeds": vector[:, :0], "time_ids": vector}
