"""Files of aesthetic embeddings: vectors that CLIP gives for pictures, in a .pt or .safetensors file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from modules.checkpoints.pickles import load_pickle
from modules.checkpoints.restricted_unpickler import DAMAGE, first_line
from modules.checkpoints.tensors import read_weights
from modules.foundation.errors import CheckpointError, RequestError, UnknownName

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".pt", ".safetensors")
WIDEST = 1 << 14
"""Numbers of a vector; those of the largest CLIP are 1280."""


class AestheticFolder:
    """The embeddings in some folders, read from there each time; the first of a name counts."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)

    def all(self) -> dict[str, Path]:
        """The files by their names without suffix."""
        found: dict[str, Path] = {}
        for folder in self.folders:
            if folder.is_dir():
                for path in sorted(folder.iterdir()):
                    if path.suffix.lower() in SUFFIXES and path.is_file():
                        found.setdefault(path.stem, path)
        return found

    def find(self, name: str, field: str | None = None) -> Path:
        """The file called `name`. Raises RequestError naming the folder where there is none at all, UnknownName."""
        found = self.all()
        wanted = name.removesuffix(".pt").removesuffix(".safetensors").casefold()
        path = next((path for stem, path in found.items() if stem.casefold() == wanted), None)
        if path is not None:
            return path
        if not found:
            raise RequestError(
                f"There is no aesthetic embedding {name!r}: put files like sac_8plus.pt "
                "(https://github.com/vicgalle/stable-diffusion-aesthetic-gradients, folder aesthetic_embeddings) into "
                f"{self.folders[0]}, or make one from a folder of pictures.",
                field,
            )
        raise UnknownName("aesthetic embedding", name, found, field)


def read_aesthetic(path: Path) -> Tensor:
    """The mean vector in a file, [width], of length 1. Nothing in the file is executed.

    Raises CheckpointError naming the file for one that holds no vectors.
    """
    import torch

    try:
        data: Any = read_weights(path) if path.suffix.lower() == ".safetensors" else load_pickle(path)
    except (*DAMAGE, MemoryError) as error:
        raise CheckpointError(f"{path} cannot be read as an aesthetic embedding ({first_line(error)}).") from error
    if isinstance(data, Mapping):
        tensors = [value for value in cast("Mapping[object, object]", data).values() if isinstance(value, torch.Tensor)]
        data = tensors[0] if len(tensors) == 1 else data
    if not isinstance(data, torch.Tensor):
        raise CheckpointError(f"{path} is no aesthetic embedding: it holds {type(data).__name__}, not one tensor.")
    whole = data.ndim in (1, 2) and data.is_floating_point() and 0 < data.shape[-1] <= WIDEST and data.numel() > 0
    if not whole or not torch.isfinite(data.float()).all():
        raise CheckpointError(
            f"{path} is no aesthetic embedding: a tensor of the shape {tuple(data.shape)} holds no vectors of pictures."
        )
    return mean_vector(data.detach().reshape(-1, data.shape[-1]).float(), path)


def mean_vector(vectors: Tensor, path: Path) -> Tensor:
    """The mean of vectors [n, width], each taken at length 1, itself of length 1. Raises CheckpointError for none."""
    from torch.nn.functional import normalize

    mean = normalize(vectors, dim=-1).mean(dim=0)
    if not mean.norm() > 0:
        raise CheckpointError(f"{path} is no aesthetic embedding: its vectors point nowhere.")
    return mean / mean.norm()
