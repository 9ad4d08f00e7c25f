"""The UNet's upsampling, for latents whose size is not a multiple of eight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


class DoublingUpsample(nn.Module):
    """Doubles by nearest neighbour, convolves, and only then brings the result to the size of the skip connection.

    diffusers resizes to the skip connection's size first and convolves after. For sizes where halving and doubling
    return to the same number both are equal; for others (96 pixels are 12, 6, 3, 2 cells) the pictures that people
    know come from this order.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, hidden_states: Tensor, output_size: tuple[int, int] | None = None) -> Tensor:
        """[B, C, h, w] -> [B, C, 2h, 2w], or [B, C, *output_size] where that is given."""
        doubled = self.conv(functional.interpolate(hidden_states, scale_factor=2.0, mode="nearest"))
        if output_size is None or tuple(doubled.shape[-2:]) == tuple(output_size):
            return doubled
        return functional.interpolate(doubled, size=output_size, mode="nearest")


def with_doubling_upsamples(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """`unet` with its upsampling modules replaced; parameter names stay the same."""
    for block in unet.up_blocks:
        if isinstance(block.upsamplers, nn.ModuleList):
            convolutions = [getattr(each, "conv") for each in block.upsamplers]  # noqa: B009 - modules are untyped
            block.upsamplers = nn.ModuleList([DoublingUpsample(conv) for conv in convolutions])
    return unet
