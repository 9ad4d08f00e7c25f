"""Pictures in base64, as clients write it."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping

import pytest

from modules.api import pictures

DATA = random.Random(1).randbytes(1000)
WRITTEN: Mapping[str, Callable[[str], str]] = {
    "in one line": lambda text: text,
    "in lines": lambda text: "\n".join(text[start : start + 76] for start in range(0, len(text), 76)),
    "in lines as of Windows": lambda text: "\r\n".join(text[start : start + 64] for start in range(0, len(text), 64)),
    "with a last line break": lambda text: text + "\n",
    "as an address": lambda text: "data:image/png;base64," + text,
    "of the other alphabet": lambda text: text.replace("+", "-").replace("/", "_"),
    "with its end left open": lambda text: text.rstrip("="),
}


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("length", [996, 999, 1000])
def test_a_long_picture_is_unpacked_a_piece_at_a_time(how: str, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    decode = base64.b64decode

    def counting(text: str) -> bytes:
        lengths.append(len(text))
        return decode(text)

    monkeypatch.setattr(pictures, "_PIECE", 100)
    monkeypatch.setattr(base64, "b64decode", counting)
    written = WRITTEN[how](base64.b64encode(DATA[:length]).decode())
    assert pictures.unpacked(written) == DATA[:length]
    assert max(lengths) <= 100
