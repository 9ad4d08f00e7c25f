"""Answers with files in them: piece by piece, and the same text as if they were made at once."""

from __future__ import annotations

import base64
import json

import pytest
from fastapi.responses import StreamingResponse
from hypothesis import given
from hypothesis import strategies as st

from modules.api import large_json
from modules.api.large_json import LargeJson, PackedFile, base64_text


@given(files=st.lists(st.binary(max_size=40), max_size=4), note=st.text(max_size=10), piece=st.sampled_from([3, 6, 12]))
def test_the_text_is_that_of_the_whole(files: list[bytes], note: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(large_json, "PIECE", piece)
        packed = [PackedFile(file) for file in files]
        answer = LargeJson.of({"images": packed, "note": note, "first": packed[0] if packed else None, "kind": list})
        text = b"".join(answer.pieces())
        assert [base64_text(file) for file in files] == [base64.b64encode(file).decode() for file in files]
    texts = [base64.b64encode(file).decode() for file in files]
    whole = {"images": texts, "note": note, "first": texts[0] if texts else None, "kind": str(list)}
    assert text == json.dumps(whole).encode()
    assert answer.length == len(text)


def test_a_large_answer_is_sent_in_pieces_and_says_how_long_it_is() -> None:
    answer = LargeJson.of({"images": [PackedFile(bytes(large_json.SMALL))]})
    response = answer.response()
    assert isinstance(response, StreamingResponse)
    assert response.headers["content-length"] == str(answer.length)
    assert max(map(len, answer.pieces())) <= large_json.PIECE * 4 // 3
    assert not isinstance(LargeJson.of({"images": [PackedFile(b"small")]}).response(), StreamingResponse)
