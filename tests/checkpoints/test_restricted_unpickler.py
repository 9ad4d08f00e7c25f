"""Malicious pickles: refused with a clear error, or read within bounds, and no code in them is run."""

from __future__ import annotations

import contextlib
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.checkpoints.pickle_bounds import MAX_INSTRUCTIONS
from modules.checkpoints.pickles import read_pickled_table
from modules.checkpoints.restricted_unpickler import pickle_shapes, read_pickle
from modules.checkpoints.tensors import open_tensors
from modules.foundation.errors import CheckpointError
from tests.checkpoints.hostile import EVERY_CHECK, read_with_all


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
        read_with_all(path)
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
        read_with_all(path)


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
    read_with_all(path)
