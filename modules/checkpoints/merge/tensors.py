"""Which tensors the merged file holds, and how each of them is made from the models'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modules.checkpoints.architectures.architecture import FurtherInput, further_inputs
from modules.checkpoints.architectures.sd1 import LATENTS
from modules.checkpoints.merge.arithmetic import add_difference, pieces_of, stored_as, weighted_sum
from modules.checkpoints.merge.discard import Discard
from modules.checkpoints.merge.recipe import MergeMethod, MergeRecipe
from modules.checkpoints.tensors import TensorSource
from modules.checkpoints.writing import Output
from modules.foundation.errors import CheckpointError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_NEVER_MERGED = frozenset({"cond_stage_model.transformer.text_model.embeddings.position_ids"})
_FIRST_CONVOLUTION = "model.diffusion_model.input_blocks.0.0.weight"
_LAST_CONVOLUTION = "model.diffusion_model.out.2.weight"
_VAE = "first_stage_model."


@dataclass(frozen=True, kw_only=True)
class OpenModel:
    """A model of the recipe with its open file."""

    name: str
    source: TensorSource

    def has(self, key: str) -> bool:
        """Whether it has a tensor of this name."""
        return key in self.source.shapes


class Merger:
    """Decides every tensor of the result from names, shapes and types alone; numbers are read when it is written."""

    def __init__(self, recipe: MergeRecipe, models: tuple[OpenModel, ...]) -> None:
        self._recipe, self._models = recipe, models
        self._a = models[0]
        self._discard = Discard(recipe.discard) if recipe.discard else None
        self._further_channels: FurtherInput | None = _further_channels(self._a)
        self._latents = _latent_channels(self._a)

    @property
    def image_input(self) -> FurtherInput | None:
        """What the result's UNet takes beside latents, where that comes of merging it with a model that does not."""
        mixed = any(_further_channels(model) is None for model in self._models[1:])
        return self._further_channels if mixed else None

    def outputs(self, vae: dict[str, Output] | None = None) -> list[Output]:
        """The tensors of the result; `vae` are those that take the place of the primary's own, by their names there.

        Raises CheckpointError, naming the tensor and the files, for models that do not go together.
        """
        outputs = [self._output(key) for key in self._a.source.shapes if not (vae and _is_vae(key))]
        if self._recipe.method is MergeMethod.WEIGHTED_SUM:
            b = self._models[1]
            outputs += [
                self._copy(b, key)
                for key in b.source.shapes
                if _is_merged(key) and not self._a.has(key) and not (vae and _is_vae(key))
            ]
        outputs += (vae or {}).values()
        return [output for output in outputs if self._discard is None or not self._discard.matches(output.key)]

    def kept_as(self, key: str, dtype: torch.dtype) -> torch.dtype:
        """The type in which a tensor that comes as `dtype` is stored. Tables of the noise schedule stay exact."""
        import torch

        halved = self._recipe.half and "model" in key and dtype in (torch.float32, torch.float64)
        return torch.float16 if halved else dtype

    def _output(self, key: str) -> Output:
        partners = [model for model in self._models[1:] if model.has(key)]
        wanted = len(self._models) - 1
        # A difference needs both of its sides; what only one of them has changes nothing.
        if not _is_merged(key) or not partners or len(partners) < wanted:
            return self._copy(self._a, key)
        if not all(model.source.dtype(key).is_floating_point for model in (self._a, *partners)):
            return self._copy(self._a, key)
        return self._combined(key, partners)

    def _copy(self, model: OpenModel, key: str) -> Output:
        stored = self.kept_as(key, model.source.dtype(key))

        def pieces() -> Iterator[Tensor]:
            for (piece,) in pieces_of(model.source.borrow(key)):
                yield stored_as(piece, stored, key)

        return Output(key=key, dtype=stored, shape=model.source.shapes[key], pieces=pieces)

    def _combined(self, key: str, partners: list[OpenModel]) -> Output:
        import torch

        own, other = self._a.source.shapes[key], partners[0].source.shapes[key]
        for model in partners[1:]:
            if model.source.shapes[key] != other:
                raise _mismatch(key, partners[0], model)
        common = self._a.source.dtype(key)
        for model in partners:
            common = torch.promote_types(common, model.source.dtype(key))
        stored = self.kept_as(key, common)
        if own == other:
            pieces = self._whole(key, partners, stored)
        elif key == _FIRST_CONVOLUTION and self._further_channels and other == (own[0], self._latents, *own[2:]):
            pieces = self._first_channels(key, partners, stored)
        else:
            raise self._why_not(key, partners[0])
        return Output(key=key, dtype=stored, shape=own, pieces=pieces)

    def _whole(self, key: str, partners: list[OpenModel], stored: torch.dtype) -> Callable[[], Iterator[Tensor]]:
        def pieces() -> Iterator[Tensor]:
            tensors = [model.source.borrow(key) for model in (self._a, *partners)]
            for parts in pieces_of(*tensors):
                yield stored_as(self._formula(*parts), stored, key)

        return pieces

    def _first_channels(
        self, key: str, partners: list[OpenModel], stored: torch.dtype
    ) -> Callable[[], Iterator[Tensor]]:
        """The channels of the latents are merged; those of the mask and the second picture are only the primary's."""

        def pieces() -> Iterator[Tensor]:
            import torch

            merged = self._a.source.read(key)
            latents = [model.source.borrow(key) for model in partners]
            merged = merged.to(torch.promote_types(merged.dtype, torch.float32))
            merged[:, : self._latents] = self._formula(merged[:, : self._latents], *latents)
            yield stored_as(merged.reshape(-1), stored, key)

        return pieces

    def _formula(self, a: Tensor, *others: Tensor) -> Tensor:
        if self._recipe.method is MergeMethod.ADD_DIFFERENCE:
            return add_difference(a, *others, multiplier=self._recipe.multiplier)
        return weighted_sum(a, *others, multiplier=self._recipe.multiplier)

    def _why_not(self, key: str, other: OpenModel) -> CheckpointError:
        kind = _further_channels(other) if key == _FIRST_CONVOLUTION else None
        if kind and not self._further_channels:
            return CheckpointError(
                f"{other.name} is made for more than latents ({kind}) and {self._a.name} is not. "
                f"When the two are merged, the {kind} model must be A."
            )
        return _mismatch(key, self._a, other)


def _further_channels(model: OpenModel) -> FurtherInput | None:
    shape = model.source.shapes.get(_FIRST_CONVOLUTION, ())
    if len(shape) != 4:
        return None
    return further_inputs(_latent_channels(model)).get(shape[1])


def _latent_channels(model: OpenModel) -> int:
    """What the UNet gives back; a file without the end of one counts as of the families in this layout."""
    shape = model.source.shapes.get(_LAST_CONVOLUTION)
    return shape[0] if shape else LATENTS.channels


def _mismatch(key: str, first: OpenModel, second: OpenModel) -> CheckpointError:
    return CheckpointError(
        f"{first.name} and {second.name} cannot be merged: {key} has the shape {first.source.shapes[key]} in the "
        f"one and {second.source.shapes[key]} in the other. Choose models of one family."
    )


def _is_merged(key: str) -> bool:
    """Weights are; tables of the noise schedule and markers are not."""
    return "model" in key and key not in _NEVER_MERGED


def _is_vae(key: str) -> bool:
    return key.startswith(_VAE)
