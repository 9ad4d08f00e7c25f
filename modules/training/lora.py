"""LoRA (Hu et al. 2021) and its form for convolutions, LoCon: low-rank changes of layers, in kohya's file layout."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import RequestError
from modules.networks.keys import ldm_paths
from modules.pipeline.model import LoadedModel
from modules.text_encoders.textual_inversion import TextualInversion
from modules.training.draws import generator
from modules.training.lora_metadata import with_metadata
from modules.training.options import LoraOptions
from modules.training.trainee import ParameterGroup, Trained, tensors_of

_IN_TRANSFORMER = re.compile(r"(?:^|\.)attentions\.\d+\.")
_IN_RESNET = re.compile(r"(?:^|\.)(?:resnets|downsamplers|upsamplers)\.\d+\.")
_IN_TEXT_LAYER = re.compile(r"(?:^|\.)layers\.\d+\.(?:self_attn|mlp)\.")


class LowRank(nn.Module):
    """The change of one layer: alpha / rank * up(down(x)). Begins as none at all, since `up` is zero."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int, alpha: float, dropout: float) -> None:
        super().__init__()
        inputs, outputs = layer.weight.shape[1], layer.weight.shape[0]
        self._convolution = layer if isinstance(layer, nn.Conv2d) else None
        kernel = tuple(layer.weight.shape[2:])
        self.down = nn.Parameter(torch.empty(rank, inputs, *kernel))
        self.up = nn.Parameter(torch.zeros(outputs, rank, *(1 for _ in kernel)))
        self.alpha, self.rank, self.dropout = alpha, rank, dropout

    def forward(self, x: Tensor) -> Tensor:
        """The change of the layer's output for its input."""
        down, up = self.down.to(x.dtype), self.up.to(x.dtype)
        layer = self._convolution
        if layer is None:
            inner = functional.linear(x, down)
        else:
            arguments: tuple[Any, ...] = (layer.stride, layer.padding, layer.dilation)
            inner = functional.conv2d(x, down, None, *arguments)
        if self.dropout and torch.is_grad_enabled():
            inner = functional.dropout(inner, self.dropout)
        changed = functional.linear(inner, up) if layer is None else functional.conv2d(inner, up)
        return changed * (self.alpha / self.rank)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A layer that learns: its name in the file, the part of the model, and whether it is a wide convolution."""

    name: str
    part: Literal["unet", "text"]
    module: nn.Linear | nn.Conv2d
    wide: bool = False


class LoraTrainee:
    """A new LoRA for a model. Raises RequestError where nothing of it would learn."""

    def __init__(self, path: Path, options: LoraOptions, model: LoadedModel, seed: int) -> None:
        self.path, self.options, self.start = path, options, 0
        self._targets: dict[str, Target] = {}
        self.layers: dict[str, LowRank] = {}
        for target in targets_of(model, options):
            rank = options.conv_rank if target.wide else options.rank
            alpha = (options.conv_alpha if target.wide else options.alpha) or float(rank)
            layer = LowRank(target.module, rank, alpha, options.dropout)
            # He et al. 2015 with the slope that nn.Linear begins with, from a draw of the layer's own.
            nn.init.kaiming_uniform_(layer.down, a=math.sqrt(5), generator=generator(seed, "layer", target.name))
            self.layers[target.name] = layer.to(model.hardware.device)
            self._targets[target.name] = target
        if not self.layers:
            raise RequestError("Nothing would be trained: choose the UNet, the text encoder or both.", "lora")

    @property
    def learns_in_text(self) -> bool:
        """Whether layers of the text encoders are among those that learn."""
        return self.options.text_encoder

    @property
    def embeddings(self) -> Sequence[TextualInversion]:
        """None."""
        return ()

    @property
    def groups(self) -> Sequence[ParameterGroup]:
        """Up to two: the layers of the text encoders and those of the UNet."""
        groups: list[ParameterGroup] = []
        for part in ("text", "unet"):
            named: dict[str, nn.Parameter] = {}
            for name, layer in self.layers.items():
                if self._targets[name].part == part:
                    named |= {f"{name}.lora_down.weight": layer.down, f"{name}.lora_up.weight": layer.up}
            if named:
                groups.append(ParameterGroup(part=part, parameters=named))
        return groups

    @contextlib.contextmanager
    def in_place(self) -> Generator[None]:
        """Have the changes added to what the layers give."""
        with contextlib.ExitStack() as stack:
            for name, layer in self.layers.items():
                stack.callback(self._targets[name].module.register_forward_hook(_adding(layer)).remove)
            yield

    def save(self, path: Path, trained: Trained) -> None:
        """Write kohya's layout, numbers as float32, with the metadata that other programs read."""
        tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors_of(self).items()}
        tensors |= {f"{name}.alpha": torch.tensor(layer.alpha) for name, layer in self.layers.items()}
        tensors = dict(sorted(tensors.items()))
        data = with_metadata(tensors, trained.metadata)
        with atomic_write(path) as file:
            file.write(data)


def _adding(layer: LowRank) -> Any:
    def hook(module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output + layer(arguments[0])

    return hook


def targets_of(model: LoadedModel, options: LoraOptions) -> Iterator[Target]:
    """The layers that learn, in the order of the model, under the names that kohya's trainer gives them.

    In the UNet those of transformers, and with `conv_rank` those of its other blocks; in text encoders attention and
    feed-forward layers. Of a model with several text encoders the UNet is named as in the original checkpoint.
    """
    checkpoint = model.checkpoint
    several = len(checkpoint.text_models) > 1
    if options.text_encoder:
        for number, encoder in enumerate(checkpoint.text_models, start=1):
            head = f"lora_te{number}_" if several else "lora_te_"
            for path, module in _layers(encoder):
                if _IN_TEXT_LAYER.search(path):
                    name = path.removeprefix("text_model.").replace(".", "_")
                    yield Target(name=f"{head}text_model_{name}", part="text", module=module)
    if not options.unet:
        return
    names = ldm_paths(checkpoint.unet) if several else {}
    for path, module in _layers(checkpoint.unet):
        transformer = _IN_TRANSFORMER.search(path) is not None
        if not transformer and not (options.conv_rank and _IN_RESNET.search(path)):
            continue
        wide = isinstance(module, nn.Conv2d) and module.kernel_size != (1, 1)
        if wide and not options.conv_rank:
            continue
        name = names.get(path, path).replace(".", "_")
        yield Target(name=f"lora_unet_{name}", part="unet", module=module, wide=wide)


def _layers(network: nn.Module) -> Iterator[tuple[str, nn.Linear | nn.Conv2d]]:
    for path, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            yield path, module
