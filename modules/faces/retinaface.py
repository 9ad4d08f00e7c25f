"""RetinaFace on ResNet-50: the network, laid out as the well-known weights file has it.

Deng et al., "RetinaFace: Single-shot Multi-level Face Localisation in the Wild", CVPR 2020: a feature pyramid (Lin et
al. 2017) over three stages of the backbone, a context module after each (SSH, Najibi et al. 2017), and heads that give,
for two anchors at each place, a class, a box and five landmarks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet50

from modules.checkpoints.tensors import read_weights
from modules.foundation.errors import CheckpointError

WIDTH = 256
ANCHORS = 2
STAGES = (512, 1024, 2048)
"""Channels of the backbone's last three stages, at 1/8, 1/16 and 1/32 of the picture's size."""


def _convolution(inputs: int, outputs: int, size: int = 3, *, active: bool = True) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if active else nn.Sequential(*layers)


class Backbone(nn.Module):
    """ResNet-50 without its head."""

    def __init__(self) -> None:
        super().__init__()
        whole = resnet50(weights=None)
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
            setattr(self, name, getattr(whole, name))

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The features of the last three stages."""
        layer: Any = self
        x = layer.layer1(layer.maxpool(layer.relu(layer.bn1(layer.conv1(picture)))))
        first = layer.layer2(x)
        second = layer.layer3(first)
        return first, second, layer.layer4(second)


class Pyramid(nn.Module):
    """What coarse levels know is added to the finer ones."""

    def __init__(self) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (_convolution(channels, WIDTH, 1) for channels in STAGES)
        self.merge1, self.merge2 = _convolution(WIDTH, WIDTH), _convolution(WIDTH, WIDTH)

    def forward(self, stages: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Three levels of `WIDTH` channels."""
        fine, middle, coarse = self.output1(stages[0]), self.output2(stages[1]), self.output3(stages[2])
        middle = self.merge2(middle + functional.interpolate(coarse, size=middle.shape[2:]))
        fine = self.merge1(fine + functional.interpolate(middle, size=fine.shape[2:]))
        return fine, middle, coarse


class Context(nn.Module):
    """SSH's context module: what lies within 3, 5 and 7 pixels, side by side."""

    def __init__(self) -> None:
        super().__init__()
        quarter = WIDTH // 4
        self.conv3X3 = _convolution(WIDTH, WIDTH // 2, active=False)
        self.conv5X5_1 = _convolution(WIDTH, quarter)
        self.conv5X5_2 = _convolution(quarter, quarter, active=False)
        self.conv7X7_2 = _convolution(quarter, quarter)
        self.conv7x7_3 = _convolution(quarter, quarter, active=False)

    def forward(self, x: Tensor) -> Tensor:
        """As many channels as came."""
        five = self.conv5X5_1(x)
        seven = self.conv7x7_3(self.conv7X7_2(five))
        return functional.relu(torch.cat([self.conv3X3(x), self.conv5X5_2(five), seven], dim=1))


class Head(nn.Module):
    """`values` numbers for each anchor of a level."""

    def __init__(self, values: int) -> None:
        super().__init__()
        self._values = values
        self.conv1x1 = nn.Conv2d(WIDTH, ANCHORS * values, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, anchors of all places, values)."""
        return self.conv1x1(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, self._values)


class RetinaFace(nn.Module):
    """The whole network."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.fpn = Backbone(), Pyramid()
        self.ssh1, self.ssh2, self.ssh3 = Context(), Context(), Context()
        for name, values in (("ClassHead", 2), ("BboxHead", 4), ("LandmarkHead", 10)):
            setattr(self, name, nn.ModuleList(Head(values) for _ in STAGES))

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probability of a face, box and landmarks for each anchor, in the network's own measure.

        `picture` is (batch, 3, height, width), blue, green and red from 0 to 255 less their means.
        """
        levels = self.fpn(self.body(picture))
        levels = [context(level) for context, level in zip((self.ssh1, self.ssh2, self.ssh3), levels, strict=True)]
        heads: list[Any] = [self.ClassHead, self.BboxHead, self.LandmarkHead]
        classes, boxes, landmarks = (
            torch.cat([head(level) for head, level in zip(each, levels, strict=True)], dim=1) for each in heads
        )
        return classes.softmax(-1)[..., 1], boxes, landmarks


def load_retinaface(path: Path) -> RetinaFace:
    """The network with the weights of a file. Raises CheckpointError naming the file and the reason."""
    weights = {key.removeprefix("module."): value for key, value in read_weights(path).items()}
    network = RetinaFace()
    try:
        found = network.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path} holds no RetinaFace on ResNet-50: {str(error).splitlines()[-1].strip()}"
        ) from error
    missing = [key for key in found.missing_keys if not key.endswith("num_batches_tracked")]
    if missing:
        raise CheckpointError(f"{path} holds no RetinaFace on ResNet-50: it has no {missing[0]}.")
    return network.eval()
