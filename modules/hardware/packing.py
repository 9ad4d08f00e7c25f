"""Weights kept in the processor's own order, for large layers in bfloat16 on a CPU.

oneDNN computes with weights in blocks that suit the processor's registers. Given plain ones it reorders them at every
call, which for the wide layers of a UNet costs a quarter of the time at small picture sizes. The layers below keep the
reordered weights; results agree to bfloat16's rounding.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import psutil
import torch
from torch import Tensor, nn

from modules.hardware.device import Hardware

log = logging.getLogger(__name__)

LARGE = 320 * 320 * 9
"""Numbers in a weight from which on keeping it reordered pays: the narrowest 3x3 convolution of Stable Diffusion."""

CALLS_BEFORE = 2
"""How often a weight is used as it is first: one that changes at every call is never worth reordering."""

ROWS = 512
"""Rows of input that linear weights are ordered for; others work too."""

SPARE_BYTES = 2 * 1024**3
"""Host memory that must stay free."""


class Packed:
    """One layer's weight in oneDNN's order, together with the tensor it was made from.

    A weight that is exchanged (extra networks do that) is noticed by its place in memory; keeping the tensor alive
    makes sure that no other takes that place meanwhile.
    """

    def __init__(self) -> None:
        self._source: Tensor | None = None
        self._packed: Tensor | None = None
        self._calls = 0

    def of(self, weight: Tensor, pack: Callable[[Tensor], Tensor]) -> Tensor | None:
        """The packed form of `weight`, or None while it is better used as it is."""
        source = self._source
        if source is None or source.data_ptr() != weight.data_ptr():
            self._source, self._packed, self._calls = weight.detach(), None, 0
        self._calls += 1
        if self._packed is None and self._calls == CALLS_BEFORE + 1 and _has_room(weight):
            self._packed = pack(weight)
        return self._packed


class PackedConv2d(nn.Conv2d):
    """A convolution that computes with packed weights. Parameters and results are those of nn.Conv2d."""

    def take_over(self, other: nn.Conv2d) -> PackedConv2d:
        """Have the parameters of `other` as one's own."""
        self.weight, self.bias = other.weight, other.bias
        self.packed = Packed()
        return self

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        packed = self.packed.of(weight, self._pack) if _suits(input, weight) and self.padding_mode == "zeros" else None
        if packed is None:
            return super()._conv_forward(input, weight, bias)
        padding = cast(tuple[int, int], self.padding)
        return torch.ops.mkldnn._convolution_pointwise(
            input, packed, bias, padding, self.stride, self.dilation, self.groups, "none", [], ""
        )

    def _pack(self, weight: Tensor) -> Tensor:
        operations: Any = torch._C._nn  # type: ignore[reportPrivateUsage] - what torch's own compiler calls
        return operations.mkldnn_reorder_conv2d_weight(
            weight.detach().to_mkldnn(), self.padding, self.stride, self.dilation, self.groups
        )


class PackedLinear(nn.Linear):
    """A linear layer that computes with packed weights. Parameters and results are those of nn.Linear."""

    def take_over(self, other: nn.Linear) -> PackedLinear:
        """Have the parameters of `other` as one's own."""
        self.weight, self.bias = other.weight, other.bias
        self.packed = Packed()
        return self

    def forward(self, input: Tensor) -> Tensor:
        packed = self.packed.of(self.weight, _pack_linear) if _suits(input, self.weight) else None
        if packed is None:
            return super().forward(input)
        return torch.ops.mkldnn._linear_pointwise(input, packed, self.bias, "none", [], "")


def use_packed_weights(network: nn.Module, hardware: Hardware) -> None:
    """Replace the large layers of `network` by packing ones where that helps; names of parameters stay the same."""
    if not (hardware.is_cpu and hardware.unet_dtype == torch.bfloat16 and can_pack()):
        return
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if (packing := _packing(layer)) is not None:
                setattr(parent, name, packing.train(layer.training))


def forget_packed_weights(network: nn.Module) -> None:
    """Free the reordered weights of `network`; they are made again when it computes."""
    for layer in network.modules():
        if isinstance(layer, PackedConv2d | PackedLinear):
            layer.packed = Packed()


def can_pack() -> bool:
    """Whether this build of torch has the operations; they are not part of its public interface."""
    operations = getattr(torch.ops, "mkldnn")  # noqa: B009 - a namespace made at run time
    return (
        torch.backends.mkldnn.is_available()
        and hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight")  # type: ignore[reportPrivateUsage]
        and all(hasattr(operations, name) for name in ("_convolution_pointwise", "_linear_pointwise"))
        and hasattr(operations, "_reorder_linear_weight")
    )


def _packing(layer: nn.Module) -> nn.Module | None:
    """The packing twin of a layer that is worth one."""
    if type(layer) is nn.Conv2d and layer.weight.numel() >= LARGE and layer.kernel_size == (3, 3):
        shape: Any = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups, _has_bias(layer))
        return PackedConv2d(layer.in_channels, layer.out_channels, *shape, device="meta").take_over(layer)
    if type(layer) is nn.Linear and layer.weight.numel() >= LARGE:
        twin = PackedLinear(layer.in_features, layer.out_features, _has_bias(layer), device="meta")
        return twin.take_over(layer)
    return None


def _has_bias(layer: nn.Module) -> bool:
    return "bias" in dict(layer.named_parameters(recurse=False))


def _pack_linear(weight: Tensor) -> Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach(), ROWS)


def _suits(x: Tensor, weight: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == weight.dtype == torch.bfloat16 and not torch.is_grad_enabled()


def _has_room(weight: Tensor) -> bool:
    return psutil.virtual_memory().available > SPARE_BYTES + 2 * weight.nbytes
