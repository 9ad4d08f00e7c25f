"""Files that are not what their names say, by what is the matter with them."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save


class RunsCode:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


TENSORS = {"w": torch.arange(100.0)}


def torch_file(content: object, **options: bool) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def header(entry: object) -> bytes:
    """A safetensors file with this entry and eight bytes of data."""
    text = json.dumps({"w": entry}).encode()
    return struct.pack("<Q", len(text)) + text + bytes(8)


def zip_bomb() -> bytes:
    """A small torch file whose table of contents unpacks to a gigabyte of nothing, almost."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + bytes(40_000_000))
        archive.writestr("archive/version", b"3\n")
    return buffer.getvalue()


def absurd_memo() -> bytes:
    """A torch file whose pickle wants a table of four thousand million references."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}r\xff\xff\xff\xff.")
    return buffer.getvalue()


Content = Callable[[Path], bytes]

BAD: Mapping[str, tuple[str, Content, str]] = {
    "a cut safetensors file": ("a.safetensors", lambda folder: save(TENSORS)[:-40], "cut off"),
    "one that ends in its header": ("a.safetensors", lambda folder: save(TENSORS)[:20], "cut off"),
    "a cut torch file": ("a.ckpt", lambda folder: torch_file(TENSORS)[:-100], "cut off"),
    "a cut old torch file": (
        "a.ckpt",
        lambda folder: torch_file(TENSORS, _use_new_zipfile_serialization=False)[:60],
        "cut off or damaged",
    ),
    "an empty file": ("a.safetensors", lambda folder: b"", "empty"),
    "a text": ("a.safetensors", lambda folder: b"this is no model, although somebody named it so", "text file"),
    "a web page": ("a.ckpt", lambda folder: b"\n<!DOCTYPE html><title>Not found</title>", "web page"),
    "a pointer": ("a.safetensors", lambda folder: b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    "a GGUF file": ("a.ckpt", lambda folder: b"GGUF\x03\x00\x00\x00" + bytes(50), "GGUF"),
    "a torch file called safetensors": ("a.safetensors", lambda folder: torch_file(TENSORS), "rename it to a.ckpt"),
    "a safetensors file called ckpt": ("a.ckpt", lambda folder: save(TENSORS), "rename it to a.safetensors"),
    "offsets beyond the file": (
        "a.safetensors",
        lambda folder: header({"dtype": "F32", "shape": [2], "data_offsets": [0, 2**60]}),
        "cut off",
    ),
    "offsets before the file": (
        "a.safetensors",
        lambda folder: header({"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}),
        "impossible offsets",
    ),
    "a shape that does not fit": (
        "a.safetensors",
        lambda folder: header({"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}),
        "does not fit",
    ),
    "a zip bomb": ("a.ckpt", lambda folder: zip_bomb(), "zip bomb"),
    "an absurd table of references": ("a.ckpt", lambda folder: absurd_memo(), "absurd"),
    "a zip of something else": ("a.ckpt", lambda folder: _plain_zip(), "not one that torch wrote"),
    "a pickle that runs code": (
        "a.ckpt",
        lambda folder: torch_file({"state_dict": TENSORS, "x": RunsCode(folder)}),
        "wants to import posix.mkdir",
    ),
    "an old one that runs code": (
        "a.ckpt",
        lambda folder: torch_file({"x": RunsCode(folder)}, _use_new_zipfile_serialization=False),
        "wants to import posix.mkdir",
    ),
    "a bare pickle that runs code": ("a.ckpt", lambda folder: pickle.dumps(RunsCode(folder)), "posix.mkdir"),
}
"""Suffix, content (given a folder that must never be made) and a part of the reason."""


def _plain_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", b"hello")
    return buffer.getvalue()
