"""Text files that people edit by hand: read in whichever encoding an editor saved them, and never lost."""

from __future__ import annotations

import codecs
import errno
import locale
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from modules.foundation.json_text import parse_json, readable_members
from modules.foundation.plain import JsonObject

log = logging.getLogger(__name__)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the next one
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LARGEST = 64 * 2**20
"""Bytes of a text file."""

_LOOKED_AT = 4096
"""Bytes at the beginning that tell UTF-16 without a mark: half of them are 0 where the text is mostly Latin."""


def open_file(path: Path) -> BinaryIO:
    """A regular file, open for reading in binary. Raises OSError, also for pipes, devices and folders.

    Opening a pipe would wait until something writes into it, and a device never ends.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))
    return os.fdopen(descriptor, "rb")


def read_file(path: Path) -> bytes:
    """The bytes of a file as `open_file` opens it. Raises OSError, also for one that no person has written."""
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size > LARGEST:
            raise OSError(errno.EINVAL, f"it is larger than {LARGEST // 2**20} MB", str(path))
        return file.read(LARGEST)


def read_text(path: Path) -> str:
    """The text of a file, lines ended by "\\n". One that is not UTF-8 is named in a warning. Raises OSError."""
    text, encoding = decode_text(read_file(path))
    if encoding != "utf-8":
        log.warning("%s is not in UTF-8; it was read as %s. If letters are wrong, save it as UTF-8.", path, encoding)
    return text


def decode_text(data: bytes) -> tuple[str, str]:
    """The text in these bytes, with "\\n" at the ends of lines, and the encoding that it turned out to have.

    A mark at the beginning decides, else UTF-8 where that fits. Each line that does not is taken for what editors on
    this machine, or on Windows, write otherwise: it always gives some text.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None) or _unmarked_utf16(data)
    if encoding is not None:
        text = data.decode(encoding, "replace").lstrip("\ufeff")
    else:
        encoding = "utf-8"
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            encoding = _of_this_machine()
            text = "\n".join(_line(line, encoding) for line in data.split(b"\n"))
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def read_json_object(path: Path, otherwise: str, tell: Callable[[str], object] | None = None) -> JsonObject:
    """The object in a JSON file that people edit; empty where there is no file. Raises OSError.

    A damaged file is kept beside as `NAME.broken`, or under the next free name, so that writing the file again destroys
    nothing. Entries that can still be read are used; `otherwise` says in the warning what holds for the others. The
    warning goes to `tell` as well.
    """
    text = ""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST // 2**20} MB")
        text = read_text(path)
        values = parse_json(text)
        if not isinstance(values, dict):
            raise ValueError("it is not a JSON object")
    except FileNotFoundError:
        return {}
    except ValueError as error:
        try:
            kept = set_aside(path)
        except OSError:
            kept = path
        saved = readable_members(text)
        used = f"; {len(saved)} of its entries could be read and are used" if saved else ""
        warning = f"{path} is damaged ({error}). It is kept as {kept}{used}. {otherwise}"
        log.warning("%s", warning)
        if tell is not None:
            tell(warning)
        return saved
    return cast("JsonObject", values)


def set_aside(path: Path) -> Path:
    """Rename a file that cannot be used to the first free of `NAME.broken`, `NAME.broken-2`, ... Raises OSError."""
    number = 1
    while True:
        aside = path.with_name(f"{path.name}.broken" if number == 1 else f"{path.name}.broken-{number}")
        try:
            os.link(path, aside)
        except FileExistsError:
            number += 1
            continue
        except OSError:  # a file system without links
            if aside.exists():
                number += 1
                continue
            path.replace(aside)
            return aside
        path.unlink()
        return aside


def _unmarked_utf16(data: bytes) -> str | None:
    start = data[:_LOOKED_AT]
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if len(start) < 2 or max(even, odd) * 4 < len(start):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _of_this_machine() -> str:
    """The encoding of editors that know no other: the machine's own, where that is not UTF-8, else Windows' Western."""
    own = locale.getencoding()
    return "cp1252" if codecs.lookup(own).name in ("utf-8", "ascii") else own


def _line(line: bytes, encoding: str) -> str:
    for name in ("utf-8", encoding):
        try:
            return line.decode(name)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")


def behind_latin1(text: str) -> str:
    """What `text`, read as Latin-1, says if its bytes are UTF-8; otherwise itself."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
