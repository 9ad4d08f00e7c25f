"""Weights kept in 8 bits and cast layer by layer when they are used: half the memory of 16-bit ones.

The type is float8_e4m3fn (Micikevicius et al. 2022, "FP8 Formats for Deep Learning"), whose largest number is 448. What
is computed is computed in the type of a layer's input; biases and norms stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

FP8 = torch.float8_e4m3fn
LARGEST = 448.0


@dataclass(frozen=True, kw_only=True)
class WeightStorage:
    """How a network's weights are kept: in 8 bits or as they were read; `keeps_source` keeps the latter beside them.

    The source is kept in host memory and is what networks (LoRA) are merged into.
    """

    fp8: bool = False
    keeps_source: bool = False


AS_READ = WeightStorage()


class Fp8Linear(nn.Linear):
    """A linear layer whose weight is cast to the type of its input."""

    source: Tensor | None = None

    def take_over(self, other: nn.Linear) -> Fp8Linear:
        """Have the parameters of `other` as one's own, the weight in 8 bits."""
        self.weight, self.bias = _in_fp8(other.weight), other.bias
        return self

    def forward(self, input: Tensor) -> Tensor:
        return functional.linear(input, self.weight.to(input.dtype), self.bias)


class Fp8Conv2d(nn.Conv2d):
    """A convolution whose weight is cast to the type of its input."""

    source: Tensor | None = None

    def take_over(self, other: nn.Conv2d) -> Fp8Conv2d:
        """Have the parameters of `other` as one's own, the weight in 8 bits."""
        self.weight, self.bias = _in_fp8(other.weight), other.bias
        return self

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return super()._conv_forward(input, weight.to(input.dtype), bias)


def store_in_fp8(network: nn.Module, *, keep_source: bool = False) -> None:
    """Replace the linear layers and convolutions of `network` by such; names of parameters stay the same."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            twin = _twin(layer)
            if twin is None:
                continue
            if keep_source:
                weight: nn.Parameter = layer.get_parameter("weight")
                twin.source = weight.detach().cpu()
            setattr(parent, name, twin.train(layer.training))


def source_weight(layer: nn.Module) -> Tensor | None:
    """The weight of a layer as it was before it was kept in 8 bits, where that was kept; on its device."""
    if isinstance(layer, Fp8Linear | Fp8Conv2d) and layer.source is not None:
        return layer.source.to(layer.weight.device)
    return None


def has_fp8(device: torch.device) -> bool:
    """Whether a device knows the type."""
    try:
        return bool(torch.ones(1, device=device).to(FP8).float().item() == 1.0)
    except (RuntimeError, TypeError, NotImplementedError):
        return False


def _in_fp8(weight: Tensor) -> nn.Parameter:
    return nn.Parameter(weight.detach().clamp(-LARGEST, LARGEST).to(FP8), requires_grad=False)


def _twin(layer: Any) -> Any:
    if type(layer) is nn.Linear:
        return Fp8Linear(layer.in_features, layer.out_features, _has_bias(layer), device="meta").take_over(layer)
    if type(layer) is nn.Conv2d:
        shape: Any = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups)
        more: Any = {"bias": _has_bias(layer), "padding_mode": layer.padding_mode, "device": "meta"}
        return Fp8Conv2d(layer.in_channels, layer.out_channels, *shape, **more).take_over(layer)
    return None


def _has_bias(layer: nn.Module) -> bool:
    return "bias" in dict(layer.named_parameters(recurse=False))
