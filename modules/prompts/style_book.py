"""The styles of a user's files, read again whenever a file changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import SettingsError
from modules.prompts.styles import Style, read_styles, write_styles

log = logging.getLogger(__name__)


class StyleBook:
    """The styles in some CSV files, which need not exist. Of several with one name the first file's holds."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = tuple(files)
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[tuple[int, int], tuple[Style, ...]]] = {}

    def all(self) -> tuple[Style, ...]:
        """Every style, in the order of the files."""
        with self._lock:
            found: dict[str, Style] = {}
            for path in self.files:
                for style in self._styles_of(path):
                    found.setdefault(style.name, style)
            return tuple(found.values())

    def replace(self, styles: Sequence[Style]) -> None:
        """Write `styles` as the whole content of the first file. Raises OSError as the file system does."""
        with self._lock, atomic_write(self.files[0]) as file:
            file.write(write_styles(styles).encode("utf-8-sig"))

    def _styles_of(self, path: Path) -> tuple[Style, ...]:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._read.get(path)
            if known is None or known[0] != stamp:
                known = self._read[path] = (stamp, tuple(read_styles(path.read_text(encoding="utf-8-sig"))))
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError, SettingsError) as error:
            log.warning("The styles file %s cannot be read: %s", path, error)
            return ()
        return known[1]
