"""Textual inversion (Gal et al. 2022): the vectors of a word are learned, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from pathlib import Path

import torch
from torch import nn

from modules.foundation.errors import RequestError
from modules.text_encoders.create_embedding import write_embedding
from modules.text_encoders.textual_inversion import TextualInversion
from modules.training.trainee import ParameterGroup, Trained

_SUFFIXES = (".pt", ".safetensors")


class EmbeddingTrainee:
    """An embedding from a file, which goes on from where it is. Raises RequestError for a form that is not written."""

    def __init__(self, embedding: TextualInversion, widths: dict[str, int], device: torch.device) -> None:
        if embedding.path is None or embedding.path.suffix.lower() not in _SUFFIXES:
            raise RequestError(
                f"The embedding {embedding.name!r} is in a file that cannot be trained further. Create one on the "
                "Train tab; it is written as .pt, or as .safetensors for SDXL.",
                "embedding_name",
            )
        if not embedding.fits(widths):
            raise RequestError(
                f"The embedding {embedding.name!r} was made for another kind of model. Choose a checkpoint of its "
                "kind, or create an embedding for this one.",
                "embedding_name",
            )
        self.path: Path = embedding.path
        self.start = embedding.step or 0
        self.parameters = {
            encoder: nn.Parameter(embedding.vectors_for(encoder).detach().clone().float().to(device))
            for encoder in widths
        }
        self.name = embedding.name
        self._embedding = TextualInversion(name=embedding.name, tensors=self.parameters)

    @property
    def learns_in_text(self) -> bool:
        """Always: the vectors enter the text encoders."""
        return True

    @property
    def embeddings(self) -> Sequence[TextualInversion]:
        """The embedding itself, with the parameters that learn as its vectors."""
        return (self._embedding,)

    @property
    def groups(self) -> Sequence[ParameterGroup]:
        """One: the vectors."""
        return (ParameterGroup(part="unet", parameters=self.parameters),)

    @contextlib.contextmanager
    def in_place(self) -> Generator[None]:
        """Nothing to do: prompts name the embedding."""
        yield

    def save(self, path: Path, trained: Trained) -> None:
        """Write the vectors in the form of the file they came from."""
        write_embedding(
            path,
            {encoder: vectors.detach().cpu() for encoder, vectors in self.parameters.items()},
            name=self.name,
            step=trained.step,
            checkpoint_hash=trained.checkpoint_hash,
            checkpoint_name=trained.checkpoint_name,
        )
