"""Reading model files: names and shapes first, tensors one by one when they are wanted."""

from __future__ import annotations

import json
import math
import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from modules.foundation.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

MAX_HEADER = 100_000_000
"""Bytes; the safetensors format's own limit."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a safetensors file says of itself: the shape of each tensor, and free text."""

    shapes: Shapes
    metadata: Mapping[str, str]


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

    def read(self, key: str) -> Tensor:
        """One tensor, on the CPU, in the type it is stored in."""
        ...

    def __enter__(self) -> TensorSource: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def read_header(path: Path) -> Header:
    """Names, shapes and metadata of a safetensors file, without reading a tensor.

    Raises CheckpointError, naming the file and the reason, for anything that is not a whole safetensors file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(MAX_HEADER, size - 8):
                raise _broken(path, "it does not begin like a safetensors file (is it another format, or cut off?)")
            entries = json.loads(file.read(length))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise _broken(path, "its header is not valid JSON") from error
    if not isinstance(entries, dict):
        raise _broken(path, "its header is not a table of tensors")
    return _checked_header(path, entries, size - 8 - length)


def _checked_header(path: Path, entries: dict[str, Any], available: int) -> Header:
    metadata = entries.pop("__metadata__", None) or {}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, entry in entries.items():
        try:
            begin, end = entry["data_offsets"]
            shapes[name] = tuple(int(size) for size in entry["shape"])
        except (KeyError, TypeError, ValueError) as error:
            raise _broken(path, f"the header's entry for {name!r} is malformed") from error
        if not 0 <= begin <= end:
            raise _broken(path, f"the header places {name!r} at impossible offsets")
        if end > available:
            raise _broken(path, "it is cut off; download or copy it again")
    return Header(shapes=shapes, metadata={str(key): str(value) for key, value in metadata.items()})


def _broken(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{path} is not a usable model file: {reason}.")


def open_tensors(path: Path) -> TensorSource:
    """Open a .safetensors or a .ckpt/.pt/.pth/.bin file. Raises CheckpointError naming the file and the reason."""
    if path.suffix == ".safetensors":
        return SafetensorsFile(path)
    return PickleFile(path)


class SafetensorsFile:
    """A safetensors file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header = read_header(path)
        self._file: Any = None

    @property
    def shapes(self) -> Shapes:
        """The shape of each tensor by its name."""
        return self._header.shapes

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's free text."""
        return self._header.metadata

    def read(self, key: str) -> Tensor:
        """One tensor, backed by the file's pages."""
        return self._file.get_tensor(key)

    def __enter__(self) -> TensorSource:
        from safetensors import SafetensorError, safe_open

        try:
            self._file = safe_open(self._path, framework="pt").__enter__()
        except (SafetensorError, OSError) as error:
            raise _broken(self._path, str(error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)
        self._file = None


class PickleFile:
    """A torch.save file, read with torch's weights-only loader: tensors and plain containers, no code."""

    def __init__(self, path: Path) -> None:
        self._tensors = _load_weights_only(path)
        self.metadata: Mapping[str, str] = {}

    @property
    def shapes(self) -> Shapes:
        """The shape of each tensor by its name."""
        return {key: tuple(tensor.shape) for key, tensor in self._tensors.items()}

    def read(self, key: str) -> Tensor:
        """One tensor, backed by the file's pages."""
        return self._tensors[key]

    def __enter__(self) -> TensorSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tensors = {}


def read_weights(path: Path) -> dict[str, Any]:
    """Everything in a model file of either format, nested as it was saved. No code of the file is run.

    Raises CheckpointError naming the file and the reason.
    """
    if path.suffix.casefold() != ".safetensors":
        return _unpickled(path)
    with SafetensorsFile(path) as source:
        return {key: source.read(key) for key in source.shapes}


def _load_weights_only(path: Path) -> dict[str, Tensor]:
    import torch

    content = _unpickled(path)
    while isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    return {key: value for key, value in content.items() if isinstance(value, torch.Tensor)}


def _unpickled(path: Path) -> dict[str, Any]:
    import torch

    try:
        with warnings.catch_warnings():
            # torch remarks on pickle protocols that other programs write; the reader refuses what it cannot read.
            warnings.filterwarnings("ignore", message="Detected pickle protocol", category=UserWarning)
            try:
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            except RuntimeError:
                # The format before torch 1.6 is no zip file and cannot be mapped.
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        refused = re.search(r"(?:GLOBAL|class) ([\w.]+)", str(error))
        wanted = f"it wants to import {refused[1]}" if refused else "it holds more than tensors"
        raise CheckpointError(
            f"{path} was refused: {wanted}, and a model file must not run code. Use a .safetensors version of it."
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _broken(path, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    if not isinstance(content, dict):
        raise _broken(path, "it holds no table of tensors")
    return content


def parameter_count(shapes: Shapes, prefix: str = "") -> int:
    """Numbers in all tensors whose name begins with `prefix`."""
    return sum(math.prod(shape) for key, shape in shapes.items() if key.startswith(prefix))
