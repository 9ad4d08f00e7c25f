"""The vector beside the prompt that some UNets take: SDXL's with sizes already as sinusoids, unCLIP's of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


def with_whole_vector(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """`unet` without its own sinusoids, which it would compute again at every step; no parameter is touched."""
    unet.register_module("add_time_proj", nn.Identity())
    return unet


def vector_arguments(unet: nn.Module, vector: Tensor) -> dict[str, object]:
    """The arguments with which `unet` takes vectors [rows, m].

    For SDXL all of it goes into one of two parts, the other is empty.
    """
    if getattr(unet.config, "class_embed_type", None) is not None:
        return {"class_labels": vector}
    return {"added_cond_kwargs": {"text_embeds": vector[:, :0], "time_ids": vector}}
