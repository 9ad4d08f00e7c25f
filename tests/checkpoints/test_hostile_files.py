"""Malicious model files: reading one gives an error that says so, and nothing else happens."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from modules.checkpoints.describe import describe_checkpoint, describe_vae
from modules.checkpoints.image_networks import load_network
from modules.checkpoints.pickle_header import pickle_shapes, read_pickle
from modules.checkpoints.pickle_program import MAX_INSTRUCTIONS, check_program
from modules.checkpoints.pickles import read_pickled_table
from modules.checkpoints.safetensors_header import MAX_TENSORS, read_header
from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import CheckpointError, EaselError
from modules.networks.describe import describe_hypernetwork, describe_lora
from modules.networks.file import read_network
from modules.networks.hypernetwork import read_hypernetwork
from modules.networks.info import NetworkInfo
from modules.text_encoders.describe import describe_embedding
from modules.text_encoders.embedding_files import read_embedding
from modules.upscalers.file_check import problem_of

EVERY_CHECK = cast("list[HealthCheck]", list(HealthCheck))


def _network(path: Path) -> NetworkInfo:
    return NetworkInfo(path=path, folder=path.parent, kind="lora")


READERS: dict[str, Callable[[Path], object]] = {
    "header": read_header,
    "checkpoint": describe_checkpoint,
    "VAE": describe_vae,
    "LoRA in the list": describe_lora,
    "LoRA": lambda path: read_network(_network(path)),
    "embedding in the list": describe_embedding,
    "embedding": read_embedding,
    "upscaler in the list": problem_of,
    "upscaler": load_network,
    "hypernetwork in the list": describe_hypernetwork,
    "hypernetwork": lambda path: read_hypernetwork(_network(path)),
}


def _read_with_all(path: Path) -> None:
    for reader in READERS.values():
        with contextlib.suppress(EaselError):
            reader(path)


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
    _read_with_all(path)


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


@given(tensors=st.dictionaries(names, entries, max_size=4), metadata=st.none() | said, data=st.binary(max_size=24))
@settings(max_examples=150, deadline=None, suppress_health_check=EVERY_CHECK)
def test_a_header_of_anything_raises_only_what_is_meant_for_people(
    tmp_path: Path, tensors: dict[str, Any], metadata: Any, data: bytes
) -> None:
    path = tmp_path / "random.safetensors"
    header = {"__metadata__": metadata, **tensors} if metadata is not None else tensors
    path.write_bytes(_safetensors(json.dumps(header), data))
    _read_with_all(path)


@given(where=st.integers(0, 200), replacement=st.binary(max_size=6), cut=st.integers(0, 6))
@settings(max_examples=150, deadline=None, suppress_health_check=EVERY_CHECK)
def test_a_sound_file_with_some_bytes_changed_raises_only_what_is_meant_for_people(
    tmp_path: Path, where: int, replacement: bytes, cut: int
) -> None:
    sound_file = save({"clip_l": torch.zeros(2, 4), "clip_g": torch.zeros(2, 4)}, metadata={"ss_v2": "True"})
    path = tmp_path / "mutated.safetensors"
    path.write_bytes(sound_file[:where] + replacement + sound_file[where + cut :])
    _read_with_all(path)


# Pickles


def torch_zip(program: bytes, storages: dict[str, bytes] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/version", b"3\n")
        for name, data in (storages or {}).items():
            archive.writestr(f"archive/data/{name}", data)
    return buffer.getvalue()


def _tensor(count: int, shape: str, stride: str, *, kind: str = "HalfStorage", offset: int = 0) -> bytes:
    """The program of a tensor, by hand: torch itself would not write these."""
    storage = f"(Vstorage\nctorch\n{kind}\nV0\nVcpu\nL{count}L\ntQ".encode()
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + f"L{offset}L\n{shape}{stride}I00\n".encode()
        + b"ccollections\nOrderedDict\n)RtR"
    )


def _table(value: bytes, name: str = "w") -> bytes:
    return b"\x80\x02}V" + name.encode() + b"\n" + value + b"s."


def _numbers(*values: int) -> str:
    return "(" + "".join(f"L{value}L\n" for value in values) + "t"


class _Refers(dict[str, Any]):
    pass


def _refers_to_itself() -> bytes:
    table: dict[str, Any] = {"w": 1}
    table["state_dict"] = table
    return pickle.dumps(table, protocol=2)


def _deep_tuple(levels: int, *, twice: bool = False) -> bytes:
    """{tuple in tuple in tuple: 1}."""
    step = b"2\x86" if twice else b"\x85"
    return b"\x80\x02})" + step * levels + b"K\x01s."


PROGRAMS = {
    "a table that holds itself": _refers_to_itself(),
    "a stride of 0": _table(_tensor(1, _numbers(1_000_000, 768), _numbers(0, 0))),
    "more numbers than there are": _table(_tensor(8, _numbers(1_000), _numbers(1))),
    "a storage larger than the file": _table(_tensor(10**12, _numbers(4), _numbers(1))),
    "a storage of an absurd size": _table(_tensor(10**30, _numbers(4), _numbers(1))),
    "a negative storage": _table(_tensor(-5, _numbers(4), _numbers(1))),
    "a negative side": _table(_tensor(8, _numbers(-4), _numbers(1))),
    "a negative stride": _table(_tensor(8, _numbers(4), _numbers(-1))),
    "a beginning beyond the end": _table(_tensor(8, _numbers(4), _numbers(1), offset=100)),
    "fewer strides than sides": _table(_tensor(8, _numbers(2, 2), _numbers(1))),
    "thousands of sides": _table(_tensor(8, _numbers(*[1] * 5000), _numbers(*[1] * 5000))),
    "an order for memory": _table(b"c__builtin__\nbytearray\n(L9000000000L\ntR"),
    "an order for a tensor": _table(b"ctorch\nTensor\n(L9000000000L\ntR"),
    "an order for a storage": _table(b"ctorch\nFloatStorage\n(L9000000000L\ntR"),
    "an order behind a type": _table(
        b"ctorch._tensor\n_rebuild_from_type_v2\n(c__builtin__\nbytearray\nctorch\nTensor\n(L9000000000L\nt}tR"
    ),
    "a tensor that is changed afterwards": _table(_tensor(8, _numbers(4), _numbers(1)) + b"(L9L\ntb"),
    "tuples in tuples": _deep_tuple(400_000),
    "tuples of two in tuples of two": _deep_tuple(100, twice=True),
    "a text in an encoding that takes for ever": _table(
        b"c_codecs\nencode\n(V" + b"\\u1234" * 1000 + b"\nVpunycode\ntR"
    ),
    "a number of too many digits": _table(b"L" + b"9" * 5000 + b"L\n"),
    "more instructions than any model has": b"\x80\x02" + b"N0" * (MAX_INSTRUCTIONS // 2 + 1) + b"N.",
    "500,000 names": b"\x80\x02}(" + b"".join(b"V%d\nK\x01" % number for number in range(500_000)) + b"u.",
    "marks without end": b"\x80\x02" + b"(" * 100_000 + b".",
    "nothing on the stack": b"\x80\x02s.",
    "no end": b"\x80\x02}",
    "a name that is a table": b"\x80\x02}}K\x01s.",
    "a half of a character": _table(_tensor(4, _numbers(4), _numbers(1)), "a\\ud800"),
    "tables in tables": b"\x80\x02}" + b"Va\n}" * 30_000 + b"s" * 30_000 + b".",
    "the same list twice, and again": b"\x80\x02}Vstep\n]"
    + b"".join(b"q%c](h%ch%ce" % (level, level, level) for level in range(1, 60))
    + b"s.",
}


LONG = ("500,000 names", "more instructions than any model has", "marks without end")


@pytest.mark.parametrize("kind", [kind for kind in PROGRAMS if kind not in LONG])
def test_a_malicious_pickle_is_refused_or_read_in_bounds(tmp_path: Path, kind: str) -> None:
    for name, content in (
        ("new.pt", torch_zip(PROGRAMS[kind], {"0": bytes(16)})),
        ("old.pt", PROGRAMS[kind] + bytes(16)),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        _read_with_all(path)
        for reader in (open_tensors, read_pickled_table):
            with contextlib.suppress(CheckpointError):
                reader(path)


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in PROGRAMS
        if kind.startswith(("a stride", "more", "marks", "a storage", "a neg", "an order", "tuples", "500", "a tensor"))
    ],
)
def test_what_would_take_more_than_its_own_size_is_refused_before_torch_sees_it(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(torch_zip(PROGRAMS[kind], {"0": bytes(16)}))
    with pytest.raises(CheckpointError, match=r"a\.pt is not a usable model file"):
        read_pickle(path)


def test_views_tied_weights_and_expanded_sides_of_one_are_read(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    tensors = {
        "whole": whole,
        "tied": whole,
        "row": whole[1],
        "turned": whole.t(),
        "scalar": torch.tensor(1.0),
        "none": torch.zeros(0, 5),
        "positions": torch.arange(5).expand(1, -1),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "half": torch.ones(3).half(),
    }
    for name, is_new in (("new.pt", True), ("old.pt", False)):
        path = tmp_path / name
        torch.save({"state_dict": tensors}, path, _use_new_zipfile_serialization=is_new)
        assert pickle_shapes(read_pickle(path)) == {key: tuple(tensor.shape) for key, tensor in tensors.items()}
        with open_tensors(path) as source:
            for key, tensor in tensors.items():
                assert torch.equal(source.read(key), tensor), key


@given(st.binary(max_size=60), st.binary(max_size=20))
@settings(max_examples=200, deadline=None, suppress_health_check=EVERY_CHECK)
def test_a_pickle_of_anything_raises_only_what_is_meant_for_people(tmp_path: Path, program: bytes, end: bytes) -> None:
    path = tmp_path / "random.pt"
    for content in (torch_zip(b"\x80\x02" + program + b"."), b"\x80\x02" + program + b"." + end):
        path.write_bytes(content)
        _read_with_all(path)


@given(where=st.integers(0, 900), replacement=st.binary(max_size=4), cut=st.integers(0, 4), new=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=EVERY_CHECK)
def test_a_sound_torch_file_with_some_bytes_changed_raises_only_what_is_meant_for_people(
    tmp_path: Path, where: int, replacement: bytes, cut: int, new: bool
) -> None:
    buffer = io.BytesIO()
    content = {"string_to_param": {"*": torch.zeros(2, 4)}, "step": 3, "sd_checkpoint": "abc"}
    torch.save(content, buffer, _use_new_zipfile_serialization=new)
    sound_file = buffer.getvalue()
    path = tmp_path / "mutated.pt"
    path.write_bytes(sound_file[:where] + replacement + sound_file[where + cut :])
    _read_with_all(path)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary()),
        lambda inner: st.one_of(st.lists(inner), st.tuples(inner, inner), st.dictionaries(st.text(), inner)),
        max_leaves=20,
    ),
    st.integers(0, 4),
)
@settings(max_examples=100, deadline=None)
def test_the_end_of_every_sound_program_is_found(value: object, protocol: int) -> None:
    program = pickle.dumps(value, protocol=protocol)
    assert check_program(program + b"more", 0) == len(program)
