"""One Easel per data folder: a file lock that the system releases when the process ends, even in a crash."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Generator
from pathlib import Path
from typing import IO

from modules.foundation.errors import StartupError
from modules.foundation.json_text import parse_json

NAME = "easel.lock"


class InstanceLock:
    """The right to write to what `path` stands for. The file stays: who has it open and locked has the right.

    Two programs over one folder would number pictures alike, take each other's jobs and undo each other's settings.
    """

    def __init__(self, path: Path, file: IO[bytes] | None) -> None:
        self.path, self._file = path, file

    def close(self) -> None:
        """Release the lock."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


def take_instance_lock(path: Path, what: str, instead: str) -> InstanceLock:
    """Take the lock file `path`. Raises StartupError with who has it, and what to do `instead`.

    Where a file system knows no locks, nothing is locked: better than an Easel that never starts there.
    """
    try:
        file = path.open("ab+")
    except OSError as error:
        raise StartupError(f"{path} cannot be written ({error.strerror}). {instead}") from error
    try:
        _lock(file)
    except BlockingIOError as error:
        file.close()
        raise StartupError(f"{what} is in use by another Easel{_owner(path)}. Close that one, or {instead}") from error
    except OSError:
        return InstanceLock(path, file)
    with contextlib.suppress(OSError):  # a full disk: who has the lock is then not told
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
        file.flush()
    return InstanceLock(path, file)


@contextlib.contextmanager
def instance_locks(data: Path, settings_file: Path) -> Generator[list[InstanceLock]]:
    """The locks of a data folder and of a settings file outside of it; let go of when the block raises."""
    taken: list[InstanceLock] = []
    try:
        taken.append(
            take_instance_lock(data / NAME, f"The data folder {data}", "give this one another folder with --data-dir.")
        )
        if settings_file.parent != data:
            lock = settings_file.with_name(f".{settings_file.name}.lock")
            lock.parent.mkdir(parents=True, exist_ok=True)
            taken.append(
                take_instance_lock(
                    lock,
                    f"The settings file {settings_file}",
                    "give this one another file with --ui-settings-file.",
                )
            )
        yield taken
    except BaseException:
        for lease in taken:
            lease.close()
        raise


def _owner(path: Path) -> str:
    """Who has the lock, as far as the file tells."""
    try:
        lock = parse_json(path.read_bytes())
        return f" (process {int(lock['pid'])} on {str(lock['host'])[:100]})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _lock(file: IO[bytes]) -> None:
    """Raise BlockingIOError where another process has the lock, another OSError where there are no locks."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(1 << 30)  # far behind what is written there, which others may read
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(str(error)) from error
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
