"""The tree of errors that Easel raises on purpose.

    EaselError                  anything a person can do something about; its text is shown as it is
    ├── SettingsError           a setting, flag or settings file has a value that cannot be used
    ├── CheckpointError         a model file cannot be found, read or used
    │   └── UnknownArchitecture     the file is sound, but no family of models here claims it
    ├── PromptError             a prompt cannot be turned into conditioning
    ├── RequestError            a request asks for something impossible (size, steps, counts)
    │   ├── UnknownName             a name (sampler, schedule, checkpoint, ...) matches nothing; says what comes near
    │   ├── Refused                 a hook does not let the request pass
    │   ├── Forbidden               the way Easel was started does not allow it
    │   └── IdTaken                 the id that a job was to have belongs to another one
    ├── NetworkError            an extra network (LoRA, ...) cannot be applied
    ├── OutOfMemory             a device ran out of memory
    ├── StorageError            jobs or history cannot be written now: no room, no permission; later they may be
    │   └── StorageBusy             another program holds them
    ├── DownloadError           a model file could not be fetched
    ├── SaveError               a finished picture could not be written; the picture is kept in memory
    ├── ExtensionError          an extension failed
    └── StartupError            the program cannot start; the process ends with the error's exit code

    Interrupted                 a client asked to stop; not an error, and therefore outside the tree

Every message says what happened, to which file or field, and what to do next, in one or two plain sentences.
"""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable

_OBJECT = re.compile(r"\s*<[\w.]+(?: object)? at 0x[0-9a-fA-F]+>")


def reason_of(error: BaseException) -> str:
    """What an exception of a library says, without the addresses of objects that mean nothing to a person.

    >>> reason_of(OSError("cannot identify image file <_io.BytesIO object at 0x7f00>"))
    'cannot identify image file'
    """
    return _OBJECT.sub("", str(error)).strip() or type(error).__name__


NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The system's error numbers for a full disk or an exhausted quota."""


NO_NAME = frozenset({errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})
"""System errors of names that do not exist, whether a request or a setting chose them."""


def is_full(error: BaseException) -> bool:
    """Whether `error` was raised because a disk is full."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_ROOM


class EaselError(Exception):
    """Base of everything that is reported to a person without a traceback."""


class SettingsError(EaselError):
    """A setting, a flag or a settings file has a value that cannot be used."""


class CheckpointError(EaselError):
    """A model file cannot be found, read or used."""


class UnknownArchitecture(CheckpointError):  # noqa: N818 - says what is unknown
    """A model file was read, and every family of models refused it; the message carries their reasons."""


class PromptError(EaselError):
    """A prompt cannot be turned into conditioning."""


class RequestError(EaselError):
    """A request asks for something impossible; `field` names what to change."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


MAX_SHOWN = 200
"""Characters of an unknown name that a message repeats."""


class UnknownName(RequestError):  # noqa: N818 - says what is unknown
    """A name matches nothing. The message lists the nearest known names."""

    def __init__(self, kind: str, name: str, known: Iterable[str], field: str | None = None) -> None:
        known = list(known)
        folded = {candidate.casefold(): candidate for candidate in known}
        near = [
            folded[match] for match in difflib.get_close_matches(name[:MAX_SHOWN].casefold(), folded, n=4, cutoff=0.5)
        ]
        if near:
            hint = "Did you mean " + " or ".join(repr(candidate) for candidate in near) + "?"
        elif known:
            hint = "Known: " + ", ".join(known[:12]) + (", ..." if len(known) > 12 else "") + "."
        else:
            hint = f"There is no {kind} at all."
        shown = repr(name if len(name) <= MAX_SHOWN else name[:MAX_SHOWN] + "...")
        super().__init__(f"Unknown {kind} {shown}. {hint}", field)
        self.kind, self.name, self.near = kind, name, near


class Refused(RequestError):  # noqa: N818 - what happened to the request, not what went wrong
    """A hook does not let a request pass. Unlike other errors in hooks it ends the run."""


class Forbidden(RequestError):  # noqa: N818 - what the request is, not what went wrong
    """The way Easel was started does not allow what was asked; the message names the flag that would."""


class IdTaken(RequestError):  # noqa: N818 - what the id is
    """The id that a client wants for its job is that of another job, which is not touched."""


class NetworkError(EaselError):
    """An extra network (LoRA, ...) cannot be applied."""


class OutOfMemory(EaselError):  # noqa: N818 - "out of memory" names the condition
    """A device ran out of memory while it was making a picture."""


class StorageError(EaselError):
    """Jobs or history cannot be written or read at the moment; what has to be kept is tried again."""


class StorageBusy(StorageError):  # noqa: N818 - the state of the file, not what went wrong with it
    """Another program holds the file of jobs and history."""


class DownloadError(EaselError):
    """A model file could not be fetched from where it was said to be."""


class SaveError(EaselError):
    """A finished picture could not be written to disk. The picture itself is still in memory."""


class ExtensionError(EaselError):
    """An extension failed; the message names it."""


class StartupError(EaselError):
    """The program cannot start."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Interrupted(Exception):  # noqa: N818 - a request that was granted, not an error
    """The running job was asked to stop, and has stopped."""
