"""Pictures as the tensors that scripts get of a batch, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor


def tensor_of(picture: Image.Image) -> Tensor:
    """A picture as a tensor [3, H, W] of 0 to 1, float32."""
    import torch

    return torch.from_numpy(numpy.asarray(picture.convert("RGB"), dtype=numpy.float32) / 255).permute(2, 0, 1).clone()


def picture_of(tensor: Tensor) -> Image.Image:
    """A tensor [3, H, W] of 0 to 1 as a picture; what lies outside is cut off."""
    values = (tensor.clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    return Image.fromarray(values.cpu().numpy())
