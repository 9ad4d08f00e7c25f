"""Reading a network file: its layers, the kind of each, and textual inversions that came bundled with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from modules.checkpoints.tensors import TensorSource, open_tensors
from modules.foundation.errors import CheckpointError, NetworkError
from modules.foundation.json_text import parse_json
from modules.library.facts import stamp_of
from modules.networks.info import NetworkInfo
from modules.networks.keys import LayerName, ModuleIndex, split_key
from modules.networks.kinds import AdapterKind, bias_change, kind_of, weight_change
from modules.networks.metadata import family_of
from modules.networks.parts import Parts

BUNDLE = "bundle_emb."


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """What a network has for one layer. `kind` is None where it changes the bias alone."""

    kind: AdapterKind | None
    parts: Parts


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A network in memory. `embeddings` holds the tensors of bundled textual inversions by their names."""

    info: NetworkInfo
    stamp: tuple[int, int] | None
    metadata: Mapping[str, str]
    layers: Mapping[LayerName, Layer]
    embeddings: Mapping[str, Mapping[str, Tensor]]

    @property
    def family(self) -> str | None:
        """The family of models that it says it is for."""
        return family_of(self.metadata)

    @property
    def changes_text(self) -> bool:
        """Whether it changes a text encoder."""
        return any(layer.part != "unet" for layer in self.layers)


def read_network(info: NetworkInfo) -> Network:
    """Read a network file. Raises NetworkError naming the file and the reason."""
    stamp = stamp_of(info.path)
    try:
        with open_tensors(info.path) as source:
            layers, embeddings = _sorted(source)
            metadata = source.metadata
    except CheckpointError as error:
        raise NetworkError(str(error)) from error
    except ValueError as error:
        raise NetworkError(f"{info.path} is damaged: {error}.") from error
    _complete(layers, metadata)
    made = {name: Layer(kind=kind_of(frozenset(parts)), parts=parts) for name, parts in layers.items()}
    made = {name: layer for name, layer in made.items() if layer.kind or bias_change(layer.parts) is not None}
    if not made and not embeddings:
        raise NetworkError(f"{info.path} holds no network of a kind that is known.")
    return Network(info=info, stamp=stamp, metadata=metadata, layers=made, embeddings=embeddings)


def check_fit(network: Network, index: ModuleIndex, family: str) -> None:
    """See that a network belongs to a model of `family`. Raises NetworkError naming the file and the reason."""
    found = 0
    for name, layer in network.layers.items():
        module = index.find(name)
        if module is None:
            continue
        found += 1
        try:
            _check_layer(layer, module)
        except (ValueError, RuntimeError, IndexError) as error:
            reason = str(error).splitlines()[0]
            raise NetworkError(f"{_not_for(network, family)} (at {name}: {reason})") from error
    if not found and network.layers:
        raise NetworkError(f"{_not_for(network, family)} (none of its {len(network.layers)} layers is in the model)")


def _not_for(network: Network, family: str) -> str:
    made_for = network.family if network.family and network.family != family else None
    what = f"was made for {made_for} models" if made_for else "does not fit this model"
    return f"The network {network.info.name!r} {what}; the checkpoint is {family}, and it was left out."


def _check_layer(layer: Layer, module: nn.Module) -> None:
    """Compute shapes alone, without numbers."""
    weight = cast(Tensor, module.weight)
    if layer.kind is not None and "bias_indices" not in layer.parts:
        weight_change(layer.kind, torch.empty(weight.shape, device="meta"), _on_meta(layer.parts))
    bias = bias_change(layer.parts)
    if bias is not None and bias.numel() != weight.shape[0]:
        raise ValueError(f"it changes a bias of {bias.numel()}, but the model has {weight.shape[0]}")


def _on_meta(parts: Parts) -> Parts:
    # Scalars decide the way and are needed as numbers.
    scalars = ("alpha", "scale", "on_input")
    return {name: part if name in scalars else torch.empty(part.shape, device="meta") for name, part in parts.items()}


def _sorted(source: TensorSource) -> tuple[dict[LayerName, dict[str, Tensor]], dict[str, dict[str, Tensor]]]:
    """The file's tensors by layer, and those of bundled embeddings by name. Raises ValueError for NaN and infinity."""
    layers: dict[LayerName, dict[str, Tensor]] = {}
    embeddings: dict[str, dict[str, Tensor]] = {}
    for key in source.shapes:
        if key.startswith(BUNDLE):
            name, _, rest = key.removeprefix(BUNDLE).partition(".")
            embeddings.setdefault(name, {})[rest] = _finite(key, source.read(key))
        elif (split := split_key(key)) is not None:
            layers.setdefault(split[0], {})[split[1]] = _finite(key, source.read(key))
    return layers, embeddings


def _finite(key: str, tensor: Tensor) -> Tensor:
    if tensor.is_floating_point() and not torch.isfinite(tensor.sum(dtype=torch.float64)):
        raise ValueError(f"its tensor {key!r} contains values that are not numbers (NaN or infinity)")
    return tensor


def _complete(layers: dict[LayerName, dict[str, Tensor]], metadata: Mapping[str, str]) -> None:
    """Give layers the alpha that diffusers writes once for all of them."""
    try:
        adapter: object = parse_json(metadata.get("lora_adapter_metadata", "{}"))
    except ValueError:
        return
    if not isinstance(adapter, dict):
        return
    heads = {"unet": "unet", "te": "text_encoder", "te1": "text_encoder", "te2": "text_encoder_2"}
    for name, parts in layers.items():
        alpha = adapter.get(f"{heads[name.part]}.lora_alpha", adapter.get("lora_alpha"))
        if isinstance(alpha, int | float) and "up" in parts and "alpha" not in parts:
            parts["alpha"] = torch.tensor(float(alpha))
