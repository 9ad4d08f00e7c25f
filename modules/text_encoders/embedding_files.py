"""The forms in which textual inversions are kept: torch files, safetensors, and pictures that carry one."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from modules.checkpoints.pickles import load_pickle
from modules.checkpoints.restricted_unpickler import DAMAGE, first_line, scalar_text
from modules.checkpoints.tensors import read_weights
from modules.foundation.errors import CheckpointError, PromptError, reason_of
from modules.foundation.json_text import parse_json, whole_text
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.foundation.plain import JsonMapping, JsonObject
from modules.text_encoders.textual_inversion import IMAGE_SUFFIXES, TextualInversion

PNG_KEY = "sd-ti-embedding"
"""The name of the PNG text chunk that holds an embedding."""


MAX_TEXT = 16 * 1024 * 1024
"""Bytes of an embedding as JSON; one of 75 vectors takes two million."""

MAX_PIXELS = 16 * 1024 * 1024
"""Pixels of a picture that carries an embedding; what is larger was not made to carry one."""


def read_embedding(path: Path) -> TextualInversion | None:
    """Read the embedding in a file; None for a picture without one.

    Nothing in the file is executed. Raises PromptError that says what is wrong with the file.
    """
    try:
        if path.suffix.lower() in IMAGE_SUFFIXES:
            data = _read_picture(path)
            return None if data is None else _interpret(data, scalar_text(data.get("name")) or path.stem)
        # Training scripts save a ParameterDict, which is a plain container of tensors.
        data = read_weights(path) if path.suffix.lower() == ".safetensors" else load_pickle(path, more=_CONTAINERS)
        return _interpret({"": data} if isinstance(data, Tensor) else data, path.stem)
    except CheckpointError as error:
        raise PromptError(str(error)) from error
    except (*DAMAGE, MemoryError) as error:
        raise PromptError(f"{path.name} cannot be read as an embedding ({first_line(error)}).") from error


_CONTAINERS = (torch.nn.ParameterDict,)


def _interpret(data: object, name: str) -> TextualInversion:
    """Make sense of any of the customary layouts."""
    if not isinstance(data, Mapping):
        raise PromptError(f"Embedding {name!r} has a layout that is not known ({type(data).__name__}).")
    content = cast("JsonMapping", data)
    parameters = content.get("string_to_param")
    if parameters is not None:  # A1111 and the paper's own training script
        step = content.get("step")
        return TextualInversion(
            name=name,
            tensors={"": _vectors(next(iter(_items(parameters).values()), None), name)},
            step=step if type(step) is int else None,
            checkpoint_hash=_text_or_none(content.get("sd_checkpoint")),
            checkpoint_name=_text_or_none(content.get("sd_checkpoint_name")),
        )
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    if {"clip_l", "clip_g"} <= tensors.keys():
        return TextualInversion(name=name, tensors={key: _vectors(tensors[key], name) for key in ("clip_l", "clip_g")})
    if len(tensors) != 1:
        raise PromptError(f"Embedding {name!r} has {len(tensors)} entries; exactly one is expected.")
    return TextualInversion(name=name, tensors={"": _vectors(next(iter(tensors.values())), name)})


def _items(parameters: object) -> JsonMapping:
    if isinstance(parameters, torch.nn.ParameterDict):
        return dict(parameters.items())
    return cast("JsonMapping", parameters) if isinstance(parameters, Mapping) else {}


def _vectors(tensor: object, name: str) -> Tensor:
    if not isinstance(tensor, Tensor) or tensor.ndim not in (1, 2) or not tensor.numel() or tensor.is_complex():
        raise PromptError(f"Embedding {name!r} holds no vectors.")
    return tensor.detach().reshape(-1, tensor.shape[-1]).float()


def _text_or_none(value: object) -> str | None:
    return whole_text(value) if isinstance(value, str) else None


def _read_picture(path: Path) -> JsonObject | None:
    try:
        with open_picture(path, MAX_PIXELS) as picture:
            packed = picture.info.get(PNG_KEY)
            if packed is not None:
                return _decode_json(base64.b64decode(packed), path)
            return _decode_pixels(np.asarray(picture.convert("RGB")), path)
    except UNREADABLE as error:
        raise PromptError(f"{path.name} cannot be read as a picture with an embedding ({reason_of(error)}).") from error


def _decode_json(text: bytes, path: Path) -> JsonObject:
    """JSON in which {"TORCHTENSOR": nested lists} is a tensor."""
    try:
        data = parse_json(text)
        if not isinstance(data, dict):
            raise ValueError("it is no table of values")
        return {key: _with_tensors(value) for key, value in cast("JsonObject", data).items()}
    except (ValueError, TypeError, RuntimeError) as error:
        raise PromptError(f"The embedding in {path.name} is damaged ({first_line(error)}).") from error


def _with_tensors(value: object) -> Any:
    if not isinstance(value, dict):
        return value
    table = cast("JsonObject", value)
    if "TORCHTENSOR" in table:
        return torch.tensor(table["TORCHTENSOR"])
    return {key: _with_tensors(inner) for key, inner in table.items()}


def _decode_pixels(pixels: np.ndarray[Any, np.dtype[np.uint8]], path: Path) -> JsonObject | None:
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
    mask = pixel_mask(left.size).reshape(left.shape)
    data = ((right ^ mask) << 4 | (left ^ mask)).tobytes()
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, MAX_TEXT)
        return _decode_json(text, path) if unpacker.eof else None
    except zlib.error:
        return None


def pixel_mask(length: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The low bits of the "quick and dirty" linear congruential generator of Numerical Recipes, started at 0."""
    # The state after n steps is the increment times the sum of the multiplier's first n powers.
    powers = np.full(length, 1664525, np.uint32)
    powers[:1] = 1
    states = np.cumsum(np.cumprod(powers, dtype=np.uint32), dtype=np.uint32) * np.uint32(1013904223)
    return (states % 255 & 0x0F).astype(np.uint8)
