"""DeepDanbooru's tagger (Kichang Kim, model `resnet_custom_v3`), as its conversion to torch keeps it.

A residual network of bottlenecks (He et al. 2015) in six stages. Batch norms are folded into the convolutions; a
last 1x1 convolution gives a map for each tag, whose mean goes through a sigmoid. Pads are TensorFlow's "same".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from modules.checkpoints.assembly import naming_the_file
from modules.checkpoints.tensors import read_weights
from modules.foundation.errors import CheckpointError
from modules.imaging.resize import ResizeMode, flatten, resize
from modules.interrogate.options import InterrogateOptions
from modules.interrogate.tag_text import tags_to_text

if TYPE_CHECKING:
    from PIL import Image

SIDE = 512
"""Pixels of the square that the network was trained on."""

RATING = "rating:"


class SameConvolution(nn.Module):
    """A convolution whose result is the input's size by its stride, rounded up: odd padding goes to the far side."""

    def __init__(self, weight: Tensor, bias: Tensor | None, stride: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)
        self._stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """[batch, in, height, width] to [batch, out, height / stride, width / stride]."""
        x = functional.pad(x, same_padding(x.shape, self.weight.shape[-1], self._stride))
        return functional.conv2d(x, self.weight, self.bias, self._stride)


def same_padding(shape: Sequence[int], kernel: int, stride: int) -> tuple[int, int, int, int]:
    """Left, right, top and bottom, as TensorFlow's "same" has them."""
    sides: list[int] = []
    for length in (shape[-1], shape[-2]):
        missing = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        sides += [missing // 2, missing - missing // 2]
    return sides[0], sides[1], sides[2], sides[3]


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1, beside a way that is a 1x1 convolution in the first block of a stage."""

    def __init__(self, convolutions: Sequence[SameConvolution], shortcut: SameConvolution | None) -> None:
        super().__init__()
        self.narrow, self.middle, self.wide = convolutions
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """[batch, in, height, width] to [batch, out, height / stride, width / stride]."""
        inner = functional.relu(self.middle(functional.relu(self.narrow(x))))
        return functional.relu(self.wide(inner) + (x if self.shortcut is None else self.shortcut(x)))


class TagNetwork(nn.Module):
    """The whole network: pictures [batch, 3, height, width], 0..1, to probabilities [batch, tags]."""

    def __init__(self, stem: SameConvolution, blocks: Sequence[Bottleneck], head: SameConvolution) -> None:
        super().__init__()
        self.stem, self.blocks, self.head = stem, nn.Sequential(*blocks), head

    def forward(self, pictures: Tensor) -> Tensor:
        """The probability of each tag."""
        x = functional.relu(self.stem(pictures))
        x = functional.max_pool2d(functional.pad(x, same_padding(x.shape, 3, 2), value=float("-inf")), 3, 2)
        return self.head(self.blocks(x)).mean(dim=(2, 3)).sigmoid()


def network_of(tensors: Mapping[str, Tensor]) -> TagNetwork:
    """The network of a file's convolutions, which come in the order of their numbers. Raises CheckpointError."""
    layers = _convolutions(tensors)
    if len(layers) < 6 or layers[0][0].shape[1:] != (3, 7, 7) or layers[-1][0].shape[-1] != 1:
        raise CheckpointError("it does not hold the convolutions of DeepDanbooru's network")
    blocks: list[Bottleneck] = []
    rest = layers[1:-1]
    while rest:
        # The first block of a stage has a way of its own, and halves the picture in all stages but the first.
        is_first = len(rest) >= 4 and _begins_stage(rest)
        stride = 2 if is_first and blocks else 1
        taken, rest = rest[: 3 + is_first], rest[3 + is_first :]
        blocks.append(_block(taken, stride))
    return TagNetwork(SameConvolution(*layers[0], 2), blocks, SameConvolution(*layers[-1], 1))


Convolution = tuple[Tensor, Tensor | None]


def _convolutions(tensors: Mapping[str, Tensor]) -> list[Convolution]:
    numbered: list[tuple[int, Convolution]] = []
    for name, tensor in tensors.items():
        if tensor.ndim == 4 and (match := re.search(r"(\d+)\.weight$", name)) is not None:
            numbered.append((int(match[1]), (tensor.float(), _float(tensors.get(f"{name[: -len('weight')]}bias")))))
    return [layer for _, layer in sorted(numbered, key=lambda pair: pair[0])]


def _float(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.float()


def _begins_stage(rest: Sequence[Convolution]) -> bool:
    """Whether two of the next four convolutions look at the block's own input: the shortcut comes first."""
    first, second = rest[0][0].shape, rest[1][0].shape
    return first[-1] == 1 and second[-1] == 1 and first[1] == second[1] and first[0] == 4 * second[0]


def _block(layers: Sequence[Convolution], stride: int) -> Bottleneck:
    shortcut = SameConvolution(*layers[0], stride) if len(layers) == 4 else None
    narrow, middle, wide = layers[-3:]
    fits = (
        middle[0].shape[-1] == 3
        and wide[0].shape[-1] == 1
        and narrow[0].shape[0] == middle[0].shape[1]
        and middle[0].shape[0] == wide[0].shape[1]
    )
    if not fits:
        raise CheckpointError("its convolutions are not in the order of DeepDanbooru's network")
    return Bottleneck(
        (SameConvolution(*narrow, 1), SameConvolution(*middle, stride), SameConvolution(*wide, 1)), shortcut
    )


class DeepDanbooru:
    """A loaded tagger with its tags."""

    def __init__(self, path: Path, device: torch.device, dtype: torch.dtype) -> None:
        """Read the file, which holds the list of tags beside the weights. Raises CheckpointError naming it."""
        self._device, self._dtype = device, dtype
        with naming_the_file(path, "file of DeepDanbooru"):
            table = read_weights(path)
            self.tags = _tags(table)
            weights: Any = table.get("state_dict", table)
            tensors = {name: value for name, value in weights.items() if isinstance(value, Tensor)}
            network = network_of(tensors)
            if (count := network.head.weight.shape[0]) != len(self.tags):
                raise CheckpointError(f"it has {len(self.tags)} tags for a network that knows {count}")
            self.network = network.to(device, dtype).eval()

    @torch.inference_mode()
    def probabilities(self, image: Image.Image) -> dict[str, float]:
        """The probability 0..1 of every tag, in the order of the file."""
        picture = resize(flatten(image), SIDE, SIDE, ResizeMode.FILL)
        pixels = torch.from_numpy(np.array(picture, dtype=np.float32) / 255).permute(2, 0, 1)[None]
        found = self.network(pixels.to(self._device, self._dtype))[0].float().tolist()
        return dict(zip(self.tags, found, strict=True))

    def describe(self, image: Image.Image, options: InterrogateOptions) -> str:
        """The tags that are probable enough; ratings are not named."""
        probable = {
            tag: probability
            for tag, probability in self.probabilities(image).items()
            if probability >= options.deepbooru_threshold and not tag.startswith(RATING)
        }
        return tags_to_text(probable, options.deepbooru_tags)


def _tags(table: Mapping[str, Any]) -> list[str]:
    tags: Any = table.get("tags")
    if not isinstance(tags, (list, tuple)) or not tags:
        raise CheckpointError('it has no list "tags" of the tags that it knows')
    return [str(tag) for tag in tags]
