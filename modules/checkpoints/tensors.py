"""Reading model files: names and shapes first, tensors one by one when they are wanted."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from modules.checkpoints.safetensors_header import Shapes, TensorPlace, broken, read_header
from modules.checkpoints.sniff import mismatch
from modules.foundation.errors import CheckpointError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class TensorSource(Protocol):
    """An open model file."""

    @property
    def shapes(self) -> Shapes:
        """The shape of each tensor by its name."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """Free text that came with the tensors; empty where the format has no place for it."""
        ...

    def dtype(self, key: str) -> torch.dtype:
        """The number type in which one tensor is stored."""
        ...

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Some of the names in the order in which their tensors lie in the file."""
        ...

    def read(self, key: str) -> Tensor:
        """One tensor in memory of its own, on the CPU, in the type it is stored in."""
        ...

    def borrow(self, key: str) -> Tensor:
        """Like `read`, but in memory that the next call of `borrow` uses again: to be converted at once."""
        ...

    def __enter__(self) -> TensorSource: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_tensors(path: Path) -> TensorSource:
    """Open a .safetensors or a .ckpt/.pt/.pth/.bin file. Raises CheckpointError naming the file and the reason."""
    is_safetensors = path.suffix.casefold() == ".safetensors"
    try:
        reason = mismatch(path, "safetensors" if is_safetensors else "torch")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    if reason is not None:
        raise broken(path, reason)
    if is_safetensors:
        return SafetensorsFile(path)
    from modules.checkpoints.pickles import PickleFile

    return PickleFile(path)


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


class SafetensorsFile(OnDisk):
    """A safetensors file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._header = read_header(path)

    @property
    def shapes(self) -> Shapes:
        """The shape of each tensor by its name."""
        return self._header.shapes

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's free text."""
        return self._header.metadata

    def dtype(self, key: str) -> torch.dtype:
        """The number type in which one tensor is stored."""
        import torch

        return getattr(torch, self._header.places[key].dtype)

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Some of the names in the order in which their tensors lie in the file."""
        return sorted(keys, key=lambda key: self._header.places[key].offset)

    def read(self, key: str) -> Tensor:
        """One tensor in memory of its own."""
        return self._open.read(self._header.places[key])

    def borrow(self, key: str) -> Tensor:
        """One tensor in memory that the next call uses again."""
        return self._open.borrow(self._header.places[key])


def read_weights(path: Path) -> dict[str, Any]:
    """Everything in a model file of either format, nested as it was saved. No code of the file is run.

    Raises CheckpointError naming the file and the reason.
    """
    if path.suffix.casefold() != ".safetensors":
        from modules.checkpoints.pickles import read_pickled_table

        return read_pickled_table(path)
    with SafetensorsFile(path) as source:
        return {key: source.read(key) for key in source.shapes}


def parameter_count(shapes: Shapes, prefix: str = "") -> int:
    """Numbers in all tensors whose name begins with `prefix`."""
    return sum(math.prod(shape) for key, shape in shapes.items() if key.startswith(prefix))
