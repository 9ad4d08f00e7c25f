"""The forms in which textual inversions are kept: torch files, safetensors, and pictures that carry one."""

from __future__ import annotations

import base64
import binascii
import json
import pickle
import struct
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from safetensors import SafetensorError
from torch import Tensor

from modules.checkpoints.pickle_header import read_pickle
from modules.foundation.errors import CheckpointError, PromptError
from modules.text_encoders.embeddings import IMAGE_SUFFIXES, TextualInversion

PNG_KEY = "sd-ti-embedding"
"""The name of the PNG text chunk that holds an embedding."""


# What torch and safetensors raise on damaged files: whatever the damaged byte runs into.
_DAMAGE = (SafetensorError, RuntimeError, ValueError, LookupError, EOFError, TypeError, AttributeError, struct.error)


def read_embedding(path: Path) -> TextualInversion | None:
    """Read the embedding in a file; None for a picture without one.

    Nothing in the file is executed. Raises PromptError that says what is wrong with the file.
    """
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        data = _read_picture(path)
        return None if data is None else _interpret(data, str(data.get("name", path.stem)))
    try:
        data = _read_safetensors(path) if suffix == ".safetensors" else _read_torch(path)
    except _DAMAGE as error:
        raise PromptError(f"{path.name} cannot be read as an embedding ({error}).") from error
    return _interpret(data, path.stem)


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    return dict(load_file(path))


def _read_torch(path: Path) -> dict[str, Any]:
    # Training scripts save a ParameterDict, which is a plain container of tensors.
    # torch warns of pickles that others wrote with newer protocols, before it reads them all the same.
    with torch.serialization.safe_globals([torch.nn.ParameterDict]), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            # Tells what it wants to import, and finds what would unpack to absurd sizes, before torch reads it.
            read_pickle(path)
            data = torch.load(path, map_location="cpu", weights_only=True)
        except CheckpointError as error:
            raise PromptError(str(error)) from error
        except pickle.UnpicklingError as error:
            reason = "it is damaged, or holds program code besides tensors, which is never run"
            raise PromptError(f"{path.name} is not used: {reason}. Look for a safetensors file of it.") from error
    return {"": data} if isinstance(data, Tensor) else data


def _interpret(data: object, name: str) -> TextualInversion:
    """Make sense of any of the customary layouts."""
    if not isinstance(data, Mapping):
        raise PromptError(f"Embedding {name!r} has a layout that is not known ({type(data).__name__}).")
    content = cast("Mapping[str, Any]", data)
    parameters = content.get("string_to_param")
    if parameters is not None:  # A1111 and the paper's own training script
        step = content.get("step")
        return TextualInversion(
            name=name,
            tensors={"": _vectors(next(iter(_items(parameters).values()), None), name)},
            step=step if isinstance(step, int) else None,
            checkpoint_hash=_text_or_none(content.get("sd_checkpoint")),
            checkpoint_name=_text_or_none(content.get("sd_checkpoint_name")),
        )
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    if {"clip_l", "clip_g"} <= tensors.keys():
        return TextualInversion(name=name, tensors={key: _vectors(tensors[key], name) for key in ("clip_l", "clip_g")})
    if len(tensors) != 1:
        raise PromptError(f"Embedding {name!r} has {len(tensors)} entries; exactly one is expected.")
    return TextualInversion(name=name, tensors={"": _vectors(next(iter(tensors.values())), name)})


def _items(parameters: object) -> Mapping[str, Any]:
    if isinstance(parameters, torch.nn.ParameterDict):
        return dict(parameters.items())
    return cast("Mapping[str, Any]", parameters) if isinstance(parameters, Mapping) else {}


def _vectors(tensor: object, name: str) -> Tensor:
    if not isinstance(tensor, Tensor) or tensor.ndim not in (1, 2) or not tensor.numel():
        raise PromptError(f"Embedding {name!r} holds no vectors.")
    return tensor.detach().reshape(-1, tensor.shape[-1]).float()


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _read_picture(path: Path) -> dict[str, Any] | None:
    try:
        with Image.open(path) as picture:
            packed = picture.info.get(PNG_KEY)
            if packed is not None:
                return _decode_json(base64.b64decode(packed), path)
            return _decode_pixels(np.asarray(picture.convert("RGB")), path)
    except (UnidentifiedImageError, OSError, SyntaxError, binascii.Error) as error:
        raise PromptError(f"{path.name} cannot be read as a picture with an embedding ({error}).") from error


def _decode_json(text: bytes, path: Path) -> dict[str, Any]:
    """JSON in which {"TORCHTENSOR": nested lists} is a tensor."""

    def convert(value: dict[str, Any]) -> Any:
        return torch.tensor(value["TORCHTENSOR"]) if "TORCHTENSOR" in value else value

    try:
        data = json.loads(text, object_hook=convert)
    except (ValueError, TypeError) as error:
        raise PromptError(f"The embedding in {path.name} is damaged ({error}).") from error
    if not isinstance(data, dict):
        raise PromptError(f"The embedding in {path.name} is damaged (it is no table of values).")
    return cast("dict[str, Any]", data)


def _decode_pixels(pixels: np.ndarray[Any, np.dtype[np.uint8]], path: Path) -> dict[str, Any] | None:
    """An embedding in the low four bits of a picture [height, width, 3].

    A block at the left holds the low half of each byte and one at the right the high half, both masked by a fixed
    sequence; between them, and only there, all low bits are zero. None if the picture has no such blocks.
    """
    low = pixels & 0x0F
    rows = np.flatnonzero((low > 0).any(axis=(1, 2)))
    columns = np.flatnonzero((low > 0).any(axis=(0, 2)))
    if not rows.size:
        return None
    low = low[: rows[-1] + 1, : columns[-1] + 1]
    gaps = np.flatnonzero(~low.any(axis=(0, 2)))
    if gaps.size < 2:
        return None
    left, right = low[:, : gaps[0]], low[:, gaps[-1] + 1 :]
    if left.shape != right.shape:
        return None
    mask = _mask(left.size).reshape(left.shape)
    data = ((right ^ mask) << 4 | (left ^ mask)).tobytes()
    try:
        return _decode_json(zlib.decompress(data), path)
    except zlib.error:
        return None


def _mask(length: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The low bits of the "quick and dirty" linear congruential generator of Numerical Recipes, started at 0."""
    values = np.empty(length, np.uint8)
    state = 0
    for index in range(length):
        state = (1664525 * state + 1013904223) % 2**32
        values[index] = state % 255 & 0x0F
    return values
