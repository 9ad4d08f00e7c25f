"""Files that are either whole or not there: written under a temporary name, flushed to disk, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Generator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def atomic_write(path: Path, *, durable: bool = True) -> Generator[IO[bytes]]:
    """Open a binary file that appears as `path`, complete, when the block ends, and not at all when it raises.

    The temporary file lies in the same folder (a rename across file systems is not atomic). With `durable` the bytes
    are on the disk before the name is. An existing file is replaced. Raises OSError as the file system does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_beside(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            _keep_names(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def atomic_create(path: Path, data: bytes) -> bool:
    """Write `data` as `path` only if no such file exists yet; else return False and change nothing.

    The name is taken by a hard link, which fails when it exists: two processes that number their pictures in one
    folder cannot overwrite each other. File systems without hard links fall back to an exclusive open.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_beside(path)
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            return _exclusive_copy(path, data)
        _keep_names(path.parent)
        return True
    finally:
        temporary.unlink(missing_ok=True)


def _exclusive_copy(path: Path, data: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return True


def _keep_names(folder: Path) -> None:
    """Have the names in `folder` on the disk, so that a power cut does not take a file that others were told of."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # some network file systems cannot; the bytes are safe all the same
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON, atomically."""
    with atomic_write(path) as file:
        file.write(json.dumps(value, indent=4, ensure_ascii=False).encode())


def _temporary_beside(path: Path) -> Path:
    """An unused name in the same folder. Opened plainly, so the file gets the umask's permissions."""
    return path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.part")
