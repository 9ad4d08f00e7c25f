"""Hypernetworks, as NovelAI's Kurumuz described them in 2022: small networks in front of attention's keys and values.

They are no hypernetworks in the sense of Ha et al. (2016), but the name has stuck.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from modules.checkpoints.pickles import load_pickle
from modules.checkpoints.restricted_unpickler import DAMAGE, first_line
from modules.foundation.errors import CheckpointError, NetworkError
from modules.networks.info import NetworkInfo

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leakyrelu": nn.LeakyReLU,
    "elu": nn.ELU,
    # The trainer's own name for its hard form.
    "swish": nn.Hardswish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "celu": nn.CELU,
    "gelu": nn.GELU,
    "glu": nn.GLU,
    "hardshrink": nn.Hardshrink,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "hardtanh": nn.Hardtanh,
    "logsigmoid": nn.LogSigmoid,
    "logsoftmax": nn.LogSoftmax,
    "mish": nn.Mish,
    "prelu": nn.PReLU,
    "relu6": nn.ReLU6,
    "rrelu": nn.RReLU,
    "selu": nn.SELU,
    "silu": nn.SiLU,
    "softmax": nn.Softmax,
    "softmin": nn.Softmin,
    "softplus": nn.Softplus,
    "softshrink": nn.Softshrink,
    "softsign": nn.Softsign,
    "tanhshrink": nn.Tanhshrink,
}
"""The activations that a file may name; "linear", or none, stands for no activation."""

_KEY = re.compile(r"^linear\.(\d+)\.(weight|bias)$")
# The first files had two layers with names of their own and nothing between them.
_OLD_NAMES = {"linear1": "linear.0", "linear2": "linear.1"}

Pair = tuple[nn.Module, nn.Module]


@dataclass(frozen=True, kw_only=True, eq=False)
class Hypernetwork:
    """One hypernetwork. `layers` holds, by the width of what attention looks at, the networks for keys and values."""

    info: NetworkInfo
    layers: Mapping[int, Pair]

    def applied(self, context: Tensor, number: int, strength: float) -> Tensor:
        """`context` [..., width] with the network for keys (0) or values (1) added: c + s f(c)."""
        pair = self.layers.get(context.shape[-1])
        if pair is None:
            return context
        with torch.inference_mode(False):
            network = pair[number].to(context.device, context.dtype)
        return context + strength * network(context)


def read_hypernetwork(info: NetworkInfo) -> Hypernetwork:
    """Read a hypernetwork file. Nothing in it is executed. Raises NetworkError naming the file and the reason."""
    try:
        content = load_pickle(info.path)
    except CheckpointError as error:
        raise NetworkError(str(error)) from error
    if not isinstance(content, dict):
        raise NetworkError(f"{info.path} holds no hypernetwork.")
    table = cast("dict[Any, Any]", content)
    try:
        layers = {
            size: (_network(pair[0], table), _network(pair[1], table))
            for size, pair in table.items()
            if isinstance(size, int)
        }
    except DAMAGE as error:
        raise NetworkError(f"{info.path} is not a usable hypernetwork: {first_line(error)}.") from error
    if not layers:
        raise NetworkError(f"{info.path} holds no hypernetwork.")
    return Hypernetwork(info=info, layers=layers)


def _network(tensors: Mapping[str, Tensor], table: Mapping[object, object]) -> nn.Module:
    """The network that these tensors belong to: linear layers, each with activation and layer norm as the file says.

    Dropout leaves numbers free among the names of the layers; making pictures, it does nothing.
    """
    found: dict[int, dict[str, Tensor]] = {}
    for key, name in tensor_names(tensors).items():
        if not torch.isfinite(tensors[key]).all():
            raise ValueError(f"its tensor {key!r} contains values that are not numbers (NaN or infinity)")
        number, _, part = name.partition(".")
        found.setdefault(int(number), {})[part] = tensors[key]
    members = [found[number] for number in sorted(found)]
    last = max(index for index, member in enumerate(members) if member["weight"].ndim == 2)
    activation = activation_of(table.get("activation_func"))
    modules: list[nn.Module] = []
    for index, member in enumerate(members):
        if "bias" not in member and member["weight"].numel() == 1 and modules and isinstance(modules[-1], nn.PReLU):
            # The one activation that learns something.
            modules[-1].load_state_dict({"weight": member["weight"].reshape(1).float()})
            continue
        weight, bias = member["weight"].float(), member["bias"].float()
        module = nn.Linear(weight.shape[1], weight.shape[0]) if weight.ndim == 2 else nn.LayerNorm(weight.shape[0])
        module.load_state_dict({"weight": weight, "bias": bias})
        modules.append(module)
        wanted = index < last or bool(table.get("activate_output", False))
        if weight.ndim == 2 and activation is not None and wanted:
            modules.append(activation())
    return nn.Sequential(*modules).eval().requires_grad_(False)


def tensor_names(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """For each tensor of one network its number and part, as in "2.weight". Raises ValueError for other names."""
    names: dict[str, str] = {}
    for key in tensors:
        head, _, tail = key.partition(".")
        match = _KEY.match(f"{_OLD_NAMES[head]}.{tail}" if head in _OLD_NAMES else key)
        if match is None:
            raise ValueError(f"its tensor {key!r} has no place in a hypernetwork")
        names[key] = f"{match[1]}.{match[2]}"
    return names


def activation_of(name: object) -> Callable[[], nn.Module] | None:
    """What makes the activation that a file names; None for none. Raises ValueError for a name that is not known."""
    if name is None or name == "linear":
        return None
    if not isinstance(name, str) or name.lower() not in ACTIVATIONS:
        raise ValueError(f"its activation {name!r} is not known; known are {', '.join(ACTIVATIONS)}")
    kind = ACTIVATIONS[name.lower()]
    return (lambda: kind(dim=-1)) if name.lower() in ("softmax", "softmin", "logsoftmax") else kind  # pyright: ignore[reportCallIssue]


@contextlib.contextmanager
def hypernetworks(unet: nn.Module, uses: Sequence[tuple[Hypernetwork, float]]) -> Generator[None]:
    """Have hypernetworks with these strengths in front of every attention of `unet` within the block.

    Several act one after another. No weight is touched.
    """
    with contextlib.ExitStack() as stack:
        active = [(network, strength) for network, strength in uses if strength != 0.0]
        for module in unet.modules() if active else ():
            for number, name in enumerate(("to_k", "to_v")):
                projection = getattr(module, name, None)
                if isinstance(projection, nn.Module):
                    handle = projection.register_forward_pre_hook(_in_front(active, number))
                    stack.callback(handle.remove)
        yield


def _in_front(uses: Sequence[tuple[Hypernetwork, float]], number: int) -> Callable[..., tuple[Any, ...]]:
    def hook(module: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Any, ...]:
        context = arguments[0]
        for network, strength in uses:
            context = network.applied(context, number, strength)
        return (context, *arguments[1:])

    return hook
