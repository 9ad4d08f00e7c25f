"""Training hypernetworks: the networks of a file with their dropout, in front of attention's keys and values."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from modules.checkpoints.pickles import load_pickle
from modules.checkpoints.restricted_unpickler import DAMAGE, first_line
from modules.foundation.atomic import atomic_write
from modules.foundation.errors import CheckpointError, NetworkError
from modules.networks.hypernetwork import Hypernetwork, activation_of, hypernetworks, tensor_names
from modules.networks.info import NetworkInfo
from modules.text_encoders.textual_inversion import TextualInversion
from modules.training.trainee import ParameterGroup, Trained

log = logging.getLogger(__name__)


class LearningHypernetwork(Hypernetwork):
    """One whose networks keep float32, whatever the model computes in."""

    def applied(self, context: Tensor, number: int, strength: float) -> Tensor:
        """As `Hypernetwork.applied`."""
        pair = self.layers.get(context.shape[-1])
        if pair is None:
            return context
        return context + (strength * pair[number](context.float())).to(context.dtype)


class HypernetworkTrainee:
    """A hypernetwork from a file, which goes on from where it is. Raises NetworkError for one that cannot be read."""

    def __init__(self, info: NetworkInfo, unet: nn.Module, device: torch.device, *, talkative: bool = False) -> None:
        try:
            content = load_pickle(info.path)
        except CheckpointError as error:
            raise NetworkError(str(error)) from error
        if not isinstance(content, dict):
            raise NetworkError(f"{info.path} holds no hypernetwork.")
        self.path: Path = info.path
        self._table = cast("dict[Any, Any]", content)
        step = self._table.get("step")
        self.start = step if isinstance(step, int) else 0
        self._unet = unet
        try:
            pairs = {
                size: (_learning_network(pair[0], self._table, device), _learning_network(pair[1], self._table, device))
                for size, pair in self._table.items()
                if isinstance(size, int)
            }
        except (*DAMAGE, RuntimeError) as error:
            raise NetworkError(f"{info.path} cannot be trained further: {first_line(error)}.") from error
        self.network = LearningHypernetwork(info=info, layers=pairs)
        if talkative:
            for size, pair in pairs.items():
                log.info("Hypernetwork %s, width %d: %s", info.name, size, pair[0])

    @property
    def learns_in_text(self) -> bool:
        """Never: what the text encoders give is changed behind them."""
        return False

    @property
    def embeddings(self) -> Sequence[TextualInversion]:
        """None."""
        return ()

    @property
    def groups(self) -> Sequence[ParameterGroup]:
        """One, with the weights of all networks."""
        named = {
            f"{size}.{number}.{name}": parameter
            for size, pair in self.network.layers.items()
            for number, network in enumerate(pair)
            for name, parameter in network.named_parameters()
        }
        return (ParameterGroup(part="unet", parameters=named),)

    @contextlib.contextmanager
    def in_place(self) -> Generator[None]:
        """Act in front of every attention of the UNet; dropout only where there are gradients."""
        networks = [network for pair in self.network.layers.values() for network in pair]
        with contextlib.ExitStack() as stack:
            for network in networks:
                stack.callback(network.register_forward_pre_hook(_dropout_where_it_learns).remove)
            stack.enter_context(hypernetworks(self._unet, [(self.network, 1.0)]))
            yield

    def save(self, path: Path, trained: Trained) -> None:
        """Write A1111's table with the weights as they are."""
        weights = {
            size: tuple(
                _named_tensors(network, source) for network, source in zip(pair, self._table[size], strict=True)
            )
            for size, pair in self.network.layers.items()
        }
        facts = {"step": trained.step, "sd_checkpoint": trained.checkpoint_hash}
        content = {**self._table, **weights, **facts, "sd_checkpoint_name": trained.checkpoint_name}
        with atomic_write(path) as file:
            torch.save(content, file)


def _dropout_where_it_learns(module: nn.Module, _: object) -> None:
    module.train(torch.is_grad_enabled())


def _named_tensors(network: nn.Module, source: Mapping[str, Tensor]) -> dict[str, Tensor]:
    state = network.state_dict()
    return {key: state[plain].detach().cpu().clone() for key, plain in tensor_names(source).items()}


def _learning_network(tensors: Mapping[str, Tensor], table: Mapping[Any, Any], device: torch.device) -> nn.Module:
    """The network of these tensors with every member at the number that its name has.

    Activations and dropout stand at the numbers between; which of them a free number means follows from the structure
    that the file names: activation, then layer norm, then dropout.
    """
    names = tensor_names(tensors)
    numbered: dict[int, dict[str, Tensor]] = {}
    for key, plain in names.items():
        number, _, part = plain.partition(".")
        numbered.setdefault(int(number), {})[part] = tensors[key].float()
    linear = [number for number in sorted(numbered) if numbered[number]["weight"].ndim == 2]
    activation = activation_of(table.get("activation_func"))
    shares = list(cast("Sequence[float]", table.get("dropout_structure") or ()))
    members: dict[str, nn.Module] = {}
    for layer, number in enumerate(linear, start=1):
        following = linear[layer] if layer < len(linear) else number + 4
        weight = numbered[number]["weight"]
        members[str(number)] = nn.Linear(weight.shape[1], weight.shape[0])
        place = number + 1
        last = layer == len(linear)
        if activation is not None and (not last or table.get("activate_output")):
            members[str(place)] = activation()
            place += 1
        if place in numbered and place < following:
            members[str(place)] = nn.LayerNorm(weight.shape[0])
            place += 1
        share = shares[layer] if layer < len(shares) else 0.0
        if share and (not last or table.get("last_layer_dropout")):
            members[str(place)] = nn.Dropout(share)
    network = nn.Sequential()
    for name in sorted(members, key=int):
        network.add_module(name, members[name])
    network.load_state_dict({f"{n}.{part}": tensor for n, parts in numbered.items() for part, tensor in parts.items()})
    return network.to(device).requires_grad_(True)
