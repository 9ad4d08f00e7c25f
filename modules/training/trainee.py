"""What is trained: its parameters, how they take part in the model, and the file they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from torch import Tensor, nn

from modules.text_encoders.textual_inversion import TextualInversion


@dataclass(frozen=True, kw_only=True, eq=False)
class ParameterGroup:
    """Parameters that share a learning rate, with the names under which a training's state keeps them."""

    part: Literal["unet", "text"]
    parameters: Mapping[str, nn.Parameter]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a saved file tells of its training."""

    step: int
    checkpoint_hash: str | None
    checkpoint_name: str
    metadata: Mapping[str, str]


class Trainee(Protocol):
    """An embedding, a hypernetwork or a LoRA while it learns.

    `start` are the steps that it has learned already. `learns_in_text` tells that the text encoders have to be run with
    gradients at every step. `embeddings` are textual inversions that prompts may name beside those of the folders.
    """

    path: Path
    start: int

    @property
    def learns_in_text(self) -> bool: ...

    @property
    def embeddings(self) -> Sequence[TextualInversion]: ...

    @property
    def groups(self) -> Sequence[ParameterGroup]: ...

    def in_place(self) -> AbstractContextManager[None]:
        """Act on the model within the block; no weight of the model is touched."""
        ...

    def save(self, path: Path, trained: Trained) -> None:
        """Write the file. Raises OSError; a file that was there before is then still whole."""
        ...


def tensors_of(trainee: Trainee) -> dict[str, Tensor]:
    """Every learned tensor by its name, as it is now."""
    return {name: each.detach() for group in trainee.groups for name, each in group.parameters.items()}
