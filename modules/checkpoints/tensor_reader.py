"""Reading tensors from known places in a file, for every format of model files."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from modules.checkpoints.safetensors_header import TensorPlace, broken
from modules.foundation.errors import CheckpointError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class TensorReader:
    """Reads tensors from their places in a file, one after another and with no page of the file kept.

    Nothing is mapped: a mapped file counts as memory of the process for as long as it is open, which at the end of a
    load is once more the whole checkpoint.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = io.FileIO(path)
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        self._scratch: Tensor | None = None

    def read(self, place: TensorPlace) -> Tensor:
        """The tensor at `place` in memory of its own. Raises CheckpointError when the file ends before it does."""
        import torch

        return self._filled(torch.empty(place.size, dtype=torch.uint8), place)

    def borrow(self, place: TensorPlace) -> Tensor:
        """The tensor at `place` in memory that the next call uses again."""
        import torch

        if self._scratch is None or self._scratch.numel() < place.size:
            self._scratch = torch.empty(place.size, dtype=torch.uint8)
        return self._filled(self._scratch[: place.size], place)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        self._scratch = None

    def _filled(self, raw: Tensor, place: TensorPlace) -> Tensor:
        import torch

        dtype: torch.dtype = getattr(torch, place.dtype)
        if place.size:
            buffer: Any = raw.numpy()
            self._read_into(memoryview(buffer), place.offset)
        return raw.view(dtype).view(place.shape)

    def _read_into(self, target: memoryview, offset: int) -> None:
        try:
            self._file.seek(offset)
            done = 0
            while done < len(target):
                count = self._file.readinto(target[done:])
                if not count:
                    raise broken(self._path, "it is cut off; download or copy it again")
                done += count
        except OSError as error:
            raise CheckpointError(f"{self._path} cannot be read: {error.strerror}.") from error


class OnDisk:
    """A file whose tensors are read when they are wanted: opened for the first of them, closed with the block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: TensorReader | None = None

    @property
    def _open(self) -> TensorReader:
        if self._reader is None:
            self._reader = TensorReader(self._path)
        return self._reader

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
