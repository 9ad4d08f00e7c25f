from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from modules.checkpoints.read_ahead import ReadAhead

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the bytes that a process reads")
SIZE = 20_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model" / "unet" / "weights.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(SIZE))
    return path


def _read_so_far() -> int:
    return psutil.Process().io_counters().read_chars  # type: ignore[attr-defined]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_file_or_a_folder_of_files_is_read_once(path: Path, level: int) -> None:
    wanted, reader = (path, *path.parents)[level], ReadAhead()
    before = _read_so_far()
    for _ in range(2):
        reader.want(lambda: wanted).result(60)
    assert SIZE <= _read_so_far() - before < 2 * SIZE
    reader.close()


def test_a_file_that_changed_is_read_again(path: Path) -> None:
    reader = ReadAhead()
    reader.want(lambda: path).result(60)
    path.write_bytes(bytes(SIZE + 1))
    before = _read_so_far()
    reader.want(lambda: path).result(60)
    assert _read_so_far() - before >= SIZE
    reader.close()


def test_files_that_are_gone_and_wishes_after_the_end_do_no_harm(tmp_path: Path) -> None:
    reader = ReadAhead()
    reader.want(lambda: tmp_path / "gone.safetensors").result(60)
    reader.want(lambda: None).result(60)
    reader.close()
    assert reader.want(lambda: tmp_path).cancelled()
