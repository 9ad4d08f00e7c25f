"""Malicious model files: reading one gives an error that says so, and nothing else happens."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from modules.checkpoints.describe import describe_checkpoint, describe_vae
from modules.checkpoints.safetensors_header import MAX_TENSORS, read_header
from modules.foundation.errors import CheckpointError
from modules.networks.describe import describe_lora
from modules.text_encoders.describe import describe_embedding
from modules.upscalers.file_check import problem_of
from tests.checkpoints.hostile import EVERY_CHECK, read_with_all


def _safetensors(text: str | bytes, data: bytes = bytes(16)) -> bytes:
    encoded = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(encoded)) + encoded + data


def _with(entry: str) -> str:
    return f'{{"w": {entry}}}'


GOOD = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
HEADERS = {
    "free text that is a text": '{"__metadata__": "hello"}',
    "free text that is a list": '{"__metadata__": [1]}',
    "free text in free text": f'{{"__metadata__": {{"a": {{"b": "c"}}}}, "w": {GOOD}}}',
    "an offset that is null": _with('{"dtype":"F32","shape":[1],"data_offsets":[null,4]}'),
    "three offsets": _with('{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}'),
    "offsets backwards": _with('{"dtype":"F32","shape":[1],"data_offsets":[8,4]}'),
    "negative offsets": _with('{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}'),
    "an infinite shape": _with('{"dtype":"F32","shape":[Infinity],"data_offsets":[0,4]}'),
    "a shape that is NaN": _with('{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}'),
    "a shape of a fraction": _with('{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}'),
    "a shape of a text": _with('{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}'),
    "a shape that is true": _with('{"dtype":"F32","shape":[true],"data_offsets":[0,4]}'),
    "a shape of many sides": _with('{"dtype":"F32","shape":[%s1],"data_offsets":[0,4]}' % ("1," * 10_000)),
    "a huge number": _with('{"dtype":"F32","shape":[1%s],"data_offsets":[0,4]}' % ("0" * 4000)),
    "a number of too many digits": _with('{"dtype":"F32","shape":[1%s],"data_offsets":[0,4]}' % ("0" * 5000)),
    "nothing with absurd sides": _with(
        '{"dtype":"F32","shape":[0,HUGE,HUGE],"data_offsets":[0,0]}'.replace("HUGE", str(2**62))
    ),
    "a type that is a list": _with('{"dtype":["F32"],"shape":[1],"data_offsets":[0,4]}'),
    "an entry that is a number": '{"w": 3}',
    "an entry that is null": '{"w": null}',
    "nested": '{{"w": {}{}}}'.format("[" * 5000, "]" * 5000),
    "nested less": '{{"w": {}{}}}'.format("[" * 500, "]" * 500),
    "nested tables": '{{"w": {}1{}}}'.format('{"a":' * 5000, "}" * 5000),
    "overlapping tensors": f'{{"a": {GOOD}, "b": {{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}}}',
    "a long name": '{{"{}": {}}}'.format("n" * 100_000, GOOD),
    "too many entries": '{"__metadata__": {%s"z": ""}}' % ('"a": "[",' * (5 * MAX_TENSORS)),
    "bytes that are no UTF-8": b'{"\xff\xfe": {}}',
}


@pytest.mark.parametrize("kind", HEADERS)
def test_a_malformed_header_is_no_usable_model_file_and_nothing_worse(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(_safetensors(HEADERS[kind]))
    with pytest.raises(CheckpointError, match=r"bad\.safetensors is not a usable model file: "):
        read_header(path)
    for describe in (describe_checkpoint, describe_vae, describe_lora, describe_embedding):
        assert "not a usable model file" in (describe(path).problem or ""), describe.__name__
    assert "not a usable model file" in (problem_of(path) or "")
    read_with_all(path)


def test_halves_of_characters_in_a_header_become_whole_ones(tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    text = rf'{{"__metadata__": {{"ss_output_name": "a\ud800"}}, "w\udc00": {GOOD}}}'
    path.write_bytes(_safetensors(text))
    header = read_header(path)
    assert dict(header.metadata) == {"ss_output_name": "a\ufffd"}
    assert list(header.shapes) == ["w\ufffd"]
    json.dumps(describe_lora(path).alias, ensure_ascii=False).encode()


def test_tensors_that_touch_and_empty_ones_inside_others_are_sound(tmp_path: Path) -> None:
    path = tmp_path / "good.safetensors"
    text = '{"a": GOOD, "none": {"dtype":"F32","shape":[0],"data_offsets":[4,4]}, "b": LAST}'
    text = text.replace("GOOD", GOOD).replace("LAST", GOOD.replace("0,8", "8,16"))
    path.write_bytes(_safetensors(text))
    assert set(read_header(path).shapes) == {"a", "none", "b"}


numbers = st.one_of(
    st.integers(-3, 20), st.integers(), st.floats(), st.sampled_from([2**31, 2**63, -(2**63), 10**30, True, None])
)
texts = st.one_of(
    st.sampled_from(["F32", "F16", "BOOL", "F99", ""]), st.text(st.characters(exclude_categories=()), max_size=5)
)
anything = st.recursive(
    st.one_of(numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=6,
)
sound = st.fixed_dictionaries(
    {"dtype": st.just("F32"), "shape": st.just([2]), "data_offsets": st.sampled_from([[0, 8], [8, 16]])}
)
entries = st.one_of(
    sound,
    anything,
    st.fixed_dictionaries({"dtype": anything, "shape": anything, "data_offsets": anything}),
    st.fixed_dictionaries(
        {
            "dtype": texts,
            "shape": st.lists(numbers, max_size=4),
            "data_offsets": st.lists(numbers, min_size=1, max_size=3),
        }
    ),
)
names = st.one_of(
    texts,
    st.sampled_from(
        ["w", "clip_l", "clip_g", "emb_params", "bundle_emb.a.string_to_param.*", "decoder.conv_in.weight"]
        + [
            f"lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.{part}"
            for part in ("alpha", "lora_up.weight")
        ]
    ),
)
said = st.one_of(
    anything,
    st.dictionaries(
        st.sampled_from(["ss_tag_frequency", "easel.architecture", "ss_output_name", "ssmd_cover_images", "x"]),
        st.one_of(anything, anything.map(json.dumps), st.sampled_from(["[" * 300 + "]" * 300, '{"a":' * 2000])),
        max_size=3,
    ),
)


def test_long_numbers_and_emoji_in_free_text_are_no_reason_to_refuse(tmp_path: Path) -> None:
    words = {"hash": "1" * 64, "id": "a, b" + "2" * 40, "tags": json.dumps({"\N{GRINNING FACE}": 3, "3" * 30: 1})}
    path = tmp_path / "words.safetensors"
    path.write_bytes(_safetensors(json.dumps({"__metadata__": words, "w": json.loads(GOOD)})))
    assert read_header(path).metadata["hash"] == "1" * 64


@given(tensors=st.dictionaries(names, entries, max_size=4), metadata=st.none() | said, data=st.binary(max_size=24))
@settings(max_examples=150, deadline=None, suppress_health_check=EVERY_CHECK)
def test_a_header_of_anything_raises_only_what_is_meant_for_people(
    tmp_path: Path, tensors: dict[str, Any], metadata: Any, data: bytes
) -> None:
    path = tmp_path / "random.safetensors"
    header = {"__metadata__": metadata, **tensors} if metadata is not None else tensors
    path.write_bytes(_safetensors(json.dumps(header), data))
    read_with_all(path)


@given(where=st.integers(0, 200), replacement=st.binary(max_size=6), cut=st.integers(0, 6))
@settings(max_examples=150, deadline=None, suppress_health_check=EVERY_CHECK)
def test_a_sound_file_with_some_bytes_changed_raises_only_what_is_meant_for_people(
    tmp_path: Path, where: int, replacement: bytes, cut: int
) -> None:
    sound_file = save({"clip_l": torch.zeros(2, 4), "clip_g": torch.zeros(2, 4)}, metadata={"ss_v2": "True"})
    path = tmp_path / "mutated.safetensors"
    path.write_bytes(sound_file[:where] + replacement + sound_file[where + cut :])
    read_with_all(path)
