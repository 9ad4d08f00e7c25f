"""Embeddings in pictures: a card that shows what an embedding draws and carries it, in a text and in its pixels."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from modules.foundation.atomic import atomic_write
from modules.text_encoders.embedding_files import PNG_KEY, pixel_mask

GAP = 2
"""Columns without a bit of the embedding beside each block of them."""


def card_json(content: Mapping[str, Any]) -> bytes:
    """An embedding's table as JSON in which {"TORCHTENSOR": nested lists} is a tensor."""

    def plain(value: object) -> object:
        if isinstance(value, Tensor):
            return {"TORCHTENSOR": value.detach().cpu().float().tolist()}
        raise TypeError(f"{type(value).__name__} has no place in an embedding")

    return json.dumps(dict(content), default=plain).encode()


def write_card(
    path: Path, picture: Image.Image, content: Mapping[str, Any], caption: tuple[str, str, str], infotext: str = ""
) -> None:
    """Write `picture` as a PNG that carries the embedding; `caption` stands at its foot: name, checkpoint, step.

    The text chunk is lost where a site unpacks and packs pictures again; the bits in the pixels stay. Raises OSError.
    """
    data = card_json(content)
    card = with_bits(_captioned(picture, caption), zlib.compress(data, 9))
    texts = PngInfo()
    texts.add_text(PNG_KEY, base64.b64encode(data).decode())
    if infotext:
        texts.add_text("parameters", infotext)
    with atomic_write(path) as file:
        card.save(file, "PNG", pnginfo=texts)


def save_png(path: Path, picture: Image.Image, infotext: str) -> None:
    """Write a picture with its parameters. Raises OSError."""
    texts = PngInfo()
    texts.add_text("parameters", infotext)
    with atomic_write(path) as file:
        picture.save(file, "PNG", pnginfo=texts)


def with_bits(picture: Image.Image, data: bytes) -> Image.Image:
    """The picture with `data` in the low four bits of a block of columns on each side, which are added to it.

    The left one has the low halves of the bytes and the right one the high halves, both masked; all other low bits are
    zero. See `embedding_files` for what reads it.
    """
    pixels = np.asarray(picture.convert("RGB"))
    height = pixels.shape[0]
    columns = -(-len(data) // (height * 3))
    padded = np.frombuffer(data.ljust(height * columns * 3, b"\0"), np.uint8).reshape(height, columns, 3)
    mask = pixel_mask(padded.size).reshape(padded.shape)
    # Bits that say nothing: what is beside the data is taken from the edges of the picture.
    sides = [np.repeat(pixels[:, edge : edge + 1], columns, axis=1) & 0xF0 for edge in (0, pixels.shape[1] - 1)]
    low, high = sides[0] | ((padded & 0x0F) ^ mask), sides[1] | ((padded >> 4) ^ mask)
    gap = np.zeros((height, GAP, 3), np.uint8)
    return Image.fromarray(np.concatenate([low, gap, pixels & 0xF0, gap, high], axis=1).astype(np.uint8))


def _captioned(picture: Image.Image, caption: tuple[str, str, str]) -> Image.Image:
    """The picture with a dark foot in which three words stand."""
    shown = picture.convert("RGB")
    height = max(shown.height // 12, 16)
    foot = Image.new("L", (1, height))
    foot.putdata([round(200 * (row + 1) / height) for row in range(height)])
    shade = foot.resize((shown.width, height))
    shown.paste((0, 0, 0), (0, shown.height - height), shade)
    pen = ImageDraw.Draw(shown)
    font = cast(ImageFont.FreeTypeFont, ImageFont.load_default(max(height // 2, 10)))
    line = shown.height - height // 4
    places = ((height // 4, "ls"), (shown.width // 2, "ms"), (shown.width - height // 4, "rs"))
    for text, (x, anchor) in zip(caption, places, strict=True):
        pen.text((x, line), text, fill=(255, 255, 255), font=font, anchor=anchor)
    return shown
