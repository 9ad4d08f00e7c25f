"""Which kind of network a layer's tensors are, and its change of a weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from modules.foundation.registry import Registry
from modules.networks import full, glora, ia3, loha, lokr, lora, oft
from modules.networks.dora import decompose
from modules.networks.parts import Parts

Delta = Callable[[Tensor, Parts, int | None], Tensor]


@dataclass(frozen=True, kw_only=True)
class AdapterKind:
    """One kind of network: the sets of tensors of which it needs one, and its mathematics.

    `delta(weight, parts, rank)` gives what strength 1 adds to a layer's weight, in a shape of as many elements.
    """

    name: str
    needs: tuple[frozenset[str], ...]
    delta: Delta


_BUILT_IN = (
    AdapterKind(name="LoRA", needs=lora.NEEDS, delta=lora.delta),
    AdapterKind(name="LoHa", needs=loha.NEEDS, delta=loha.delta),
    AdapterKind(name="LoKr", needs=lokr.NEEDS, delta=lokr.delta),
    AdapterKind(name="IA3", needs=ia3.NEEDS, delta=ia3.delta),
    AdapterKind(name="GLoRA", needs=glora.NEEDS, delta=glora.delta),
    AdapterKind(name="OFT", needs=oft.NEEDS, delta=oft.delta),
    AdapterKind(name="full", needs=full.NEEDS, delta=full.delta),
)

KINDS: Registry[AdapterKind] = Registry("kind of network", lambda kind: (kind.name,), _BUILT_IN)
"""The kinds in the order in which a layer's tensors are tried."""


def kind_of(names: frozenset[str]) -> AdapterKind | None:
    """The kind whose tensors have these names, or None."""
    return next((kind for kind in KINDS if any(need <= names for need in kind.needs)), None)


def weight_change(kind: AdapterKind, weight: Tensor, parts: Parts, rank: int | None = None) -> Tensor:
    """What a layer's network of strength 1 adds to its weight, in the weight's shape and type.

    Raises ValueError if it does not fit.
    """
    delta = kind.delta(weight, parts, rank)
    if "bias_indices" in parts:
        # LyCORIS' sparse rest, for networks that were extracted from the difference of two checkpoints.
        size = [int(length) for length in parts["bias_size"].tolist()]
        delta = delta.reshape(size).index_put(
            tuple(parts["bias_indices"].long()), parts["bias_values"], accumulate=True
        )
    delta = _shaped(delta, weight)
    return decompose(weight, delta, parts["dora_scale"]) if "dora_scale" in parts else delta


def bias_change(parts: Parts) -> Tensor | None:
    """What a layer's network of strength 1 adds to its bias, or None."""
    return next((parts[name].flatten() for name in ("diff_b", "b_norm", "up_bias") if name in parts), None)


def _shaped(delta: Tensor, weight: Tensor) -> Tensor:
    if delta.numel() == weight.numel():
        return delta.reshape(weight.shape)
    if weight.ndim == 4 and delta.ndim == 4 and delta.shape[0] == weight.shape[0] and delta.shape[1] < weight.shape[1]:
        # Trained on a model without the mask's channels: those of an inpainting model stay as they are.
        padded = torch.zeros_like(weight)
        padded[:, : delta.shape[1]] = delta
        return padded
    raise ValueError(f"it changes {tuple(delta.shape)}, but the model has {tuple(weight.shape)}")
