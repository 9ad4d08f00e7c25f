"""Networks merged into a model's weights, and the weights as they were afterwards.

No weight is ever written to: a merged weight is a new tensor that takes the original's place. Leaving puts the original
back, so that a model after any sequence of networks is bit for bit the one before. The merged weights are kept for the
next time; what changes then is computed again, and nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from modules.foundation.errors import NetworkError
from modules.hardware.fp8 import source_weight
from modules.networks.file import Layer, Network
from modules.networks.keys import LayerName, ModuleIndex
from modules.networks.kinds import bias_change, weight_change

MergeSteps = tuple[tuple[int, LayerName, float, int | None], ...]
"""What makes a merged weight: (network, layer, strength, rank) in the order of merging."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Use:
    """A network at work: how strong in the text encoder and in the UNet, and how many directions of each layer."""

    network: Network
    te: float = 1.0
    unet: float = 1.0
    rank: int | None = None

    def strength(self, layer: LayerName) -> float:
        """What the change of a layer is multiplied with."""
        return self.unet if layer.part == "unet" else self.te


@dataclass
class _Slot:
    """A weight or bias that was merged. `aside` is whichever of original and merged tensor is not in the module.

    The original is None for a bias that the module itself does not have.
    """

    module: nn.Module
    name: str
    recipe: MergeSteps
    aside: Tensor | None
    merged: bool = False

    def swap(self, place: Callable[[Tensor], torch.device]) -> None:
        """Exchange original and merged tensor; the one that leaves the module is kept where `place` says."""
        current: nn.Parameter | None = getattr(self.module, self.name)
        coming, self.merged = self.aside, not self.merged
        if current is None or coming is None:
            new = None if coming is None else nn.Parameter(coming, requires_grad=False)
            self.aside = None if current is None else current.data
            setattr(self.module, self.name, new)
            return
        device = current.device
        self.aside = current.data.to(place(current.data))
        current.data = coming.to(device)


@dataclass
class _Job:
    """One weight or bias to merge: the uses that touch it, with their layers."""

    module: nn.Module
    name: str
    uses: list[tuple[Use, LayerName, Layer]] = field(default_factory=list[tuple[Use, LayerName, Layer]])

    @property
    def recipe(self) -> MergeSteps:
        return tuple((id(use.network), name, use.strength(name), use.rank) for use, name, _ in self.uses)


def _where_it_is(tensor: Tensor) -> torch.device:
    return tensor.device


class Patcher:
    """Merges networks into one model. `place` says where the tensors are kept that are not in use at the moment."""

    def __init__(self, index: ModuleIndex, place: Callable[[Tensor], torch.device] = _where_it_is) -> None:
        self.index = index
        self._place = place
        self._slots: dict[tuple[int, str], _Slot] = {}
        self._active: tuple[Use, ...] = ()
        # A recipe knows networks by identity, so they must live as long as it does.
        self._kept: tuple[Use, ...] = ()

    @property
    def kept_bytes(self) -> int:
        """Memory taken by tensors that are not in the model: originals while networks are in, merged ones otherwise."""
        return sum(slot.aside.nbytes for slot in self._slots.values() if slot.aside is not None)

    @property
    def active(self) -> bool:
        """Whether networks are in the model at the moment."""
        return bool(self._active)

    @contextlib.contextmanager
    def using(self, uses: Sequence[Use]) -> Generator[None]:
        """Have exactly `uses` merged within the block; what was in force outside of it is again afterwards.

        Merged weights are kept for the next block until that one asks for others. Raises NetworkError for a network
        that does not fit; the model is then as it was.
        """
        before = self._active
        try:
            self._activate(tuple(uses))
            yield
        finally:
            if before:
                self._activate(before)
            else:
                self._set_aside()

    def forget(self) -> None:
        """Put the original weights back and free the merged ones."""
        self._set_aside()
        self._slots.clear()
        self._kept = ()

    def _set_aside(self) -> None:
        self._active = ()
        for slot in self._slots.values():
            if slot.merged:
                slot.swap(self._place)

    def _activate(self, uses: tuple[Use, ...]) -> None:
        jobs = self._jobs(uses)
        for key, slot in list(self._slots.items()):
            if key not in jobs or jobs[key].recipe != slot.recipe:
                if slot.merged:
                    slot.swap(self._place)
                del self._slots[key]
        self._active = ()
        self._kept = uses
        for key, job in jobs.items():
            if key not in self._slots:
                self._slots[key] = _Slot(job.module, job.name, job.recipe, _merged(job))
        for slot in self._slots.values():
            if not slot.merged:
                slot.swap(self._place)
        self._active = uses

    def _jobs(self, uses: tuple[Use, ...]) -> dict[tuple[int, str], _Job]:
        """Every weight and bias that the uses touch, by module and name."""
        jobs: dict[tuple[int, str], _Job] = {}
        for use in uses:
            for name, layer in use.network.layers.items():
                module = self.index.find(name)
                if module is None or use.strength(name) == 0.0:
                    continue
                touched = ["weight"] if layer.kind is not None else []
                touched += ["bias"] if bias_change(layer.parts) is not None else []
                for target in touched:
                    job = jobs.setdefault((id(module), target), _Job(module, target))
                    job.uses.append((use, name, layer))
        return jobs


@torch.inference_mode(False)
@torch.no_grad()
def _merged(job: _Job) -> Tensor:
    """The tensor with all its networks, computed in float32 and rounded once to the type of the original."""
    original: nn.Parameter | None = getattr(job.module, job.name)
    if original is None:
        weight: Tensor = getattr(job.module, "weight")  # noqa: B009 - a module's attributes are not typed
        value = torch.zeros(weight.shape[0], dtype=torch.float32, device=weight.device)
        result = torch.empty(value.shape, dtype=weight.dtype, device=weight.device)
    else:
        source = source_weight(job.module) if job.name == "weight" else None
        value = (original if source is None else source).detach().float()
        result = torch.empty_like(original.data)
    for use, name, layer in job.uses:
        try:
            value = value + use.strength(name) * _change(job.name, layer, value, use.rank)
        except (RuntimeError, ValueError, IndexError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            reason = str(error).splitlines()[0]
            raise NetworkError(f"The network {use.network.info.name!r} does not fit at {name}: {reason}") from error
    return result.copy_(value)


def _change(target: str, layer: Layer, value: Tensor, rank: int | None) -> Tensor:
    parts = {
        name: part.to(value.device, torch.float32 if part.is_floating_point() else part.dtype)
        for name, part in layer.parts.items()
    }
    if target == "bias":
        change = bias_change(parts)
        assert change is not None
        return change
    assert layer.kind is not None
    return weight_change(layer.kind, value, parts, rank)
