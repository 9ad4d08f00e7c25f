"""Weights of true shapes in small files: every tensor is one number, seen through a stride of nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from modules.faces.retinaface import RetinaFace


def constant_weights(network: nn.Module, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Zeros of the network's shapes, ones for variances, and `values` where they are given."""
    return {
        key: values.get(key, torch.tensor(float(key.endswith("running_var"))).expand(tensor.shape).clone())
        for key, tensor in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }


def write_detector(folder: Path) -> Path:
    """A RetinaFace that sees one face, large, wherever it looks: only the biases of its heads are planted."""
    with torch.device("meta"):
        network = RetinaFace()
    template = torch.tensor([[-0.3, -0.2], [0.3, -0.2], [0.0, 0.1], [-0.25, 0.4], [0.25, 0.4]])
    planted = {
        # Two classes for each of two anchors: only the larger anchor is a face.
        **{f"ClassHead.{level}.conv1x1.bias": torch.tensor([9.0, -9.0, 9.0, -9.0]) for level in (0, 1)},
        "ClassHead.2.conv1x1.bias": torch.tensor([9.0, -9.0, -9.0, 9.0]),
        # Boxes many times as large as the picture, so that all of them are one.
        "BboxHead.2.conv1x1.bias": torch.tensor([0.0, 0.0, 20.0, 20.0] * 2),
        # A fifth of an anchor of 512 pixels: 100 pixels from eye to eye.
        "LandmarkHead.2.conv1x1.bias": (template * 3.3).flatten().repeat(2),
    }
    path = folder / "detection_Resnet50_Final.pth"
    torch.save({f"module.{key}": value for key, value in constant_weights(network, planted).items()}, path)
    return path


def write_gfpgan(folder: Path) -> Path:
    """A GFPGAN whose every face is middle grey."""
    from spandrel.architectures.GFPGAN import GFPGAN

    with torch.device("meta"):
        network = GFPGAN()
    path = folder / "GFPGANv1.4.pth"
    torch.save({"params_ema": constant_weights(network, {})}, path)
    return path
