"""The matrix that leads from CLIP's text encoder to the space it shares with pictures, which checkpoints leave out."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import CheckpointError
from modules.interrogate.torchscript import is_torchscript, read_torchscript

IN_TRANSFORMERS, IN_OPENAI = "text_projection.weight", "text_projection"
"""The tensor in files of transformers, [projection, width], and in those of OpenAI, [width, projection]."""


def text_projection(path: Path) -> Tensor:
    """The projection [width, projection] in a file of CLIP, and nothing else of it.

    Raises CheckpointError naming the file where there is none.
    """
    if path.suffix.casefold() != ".safetensors" and is_torchscript(path):
        tensors = read_torchscript(path)
        found = tensors.get(IN_OPENAI)
    else:
        with open_tensors(path) as source:
            if IN_TRANSFORMERS in source.shapes:
                return _matrix(source.read(IN_TRANSFORMERS).T, path)
            found = source.read(IN_OPENAI) if IN_OPENAI in source.shapes else None
    if found is None:
        raise CheckpointError(f"{path} is no whole CLIP: it lacks {IN_TRANSFORMERS}. Download it again.")
    return _matrix(found, path)


def _matrix(tensor: Tensor, path: Path) -> Tensor:
    if tensor.ndim != 2:
        raise CheckpointError(f"{path} is no CLIP: its {IN_OPENAI} has the shape {tuple(tensor.shape)}.")
    return tensor.float().contiguous()
