"""What was typed and chosen, kept on the server for each session of a browser."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from modules.foundation.atomic import write_json
from modules.foundation.errors import reason_of
from modules.foundation.json_text import parse_json

log = logging.getLogger(__name__)

MOST_SESSIONS = 64
"""Sessions that are kept, the last used ones."""

_NAME = re.compile(r"[0-9a-f]{32}")


class KeptInputs:
    """Values of controls by tab and name, one folder a session.

    A session is a tab of a browser; a new one begins with what the browser's last one had. Pictures are copied beside
    the values: uploads do not survive a restart.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, session: str | None, tab: str, values: Mapping[str, object], pictures: Mapping[str, str]) -> str:
        """Keep the values of the controls of `tab`; `pictures` are those whose value is the path of a file.

        Answers why that was not possible, "" when all is kept: a folder without write permission costs a warning, no
        more.
        """
        folder = self._folder_of((session or "").partition(" ")[0])
        if folder is None:
            return "The browser did not say whose inputs they are. Reload the page."
        try:
            folder.mkdir(parents=True, exist_ok=True)
            kept = {name: _copied(Path(path), folder, f"{tab}-{name}") for name, path in pictures.items()}
            write_json(folder / f"{tab}.json", {**values, **kept})
            self._forget_old()
        except OSError as error:
            log.warning("The inputs of the page could not be kept in %s: %s.", folder, error.strerror)
            return (
                f"What is typed here stays in this browser alone: {self._folder} cannot be written "
                f"({reason_of(error)}). Give Easel the right to write there."
            )
        return ""

    def kept(self, session: str | None, tab: str) -> dict[str, object]:
        """What was kept of `tab`, of this session or else of the browser's last one; empty when there is nothing."""
        for name in (session or "").split(" "):
            folder = self._folder_of(name)
            if folder is None or not (file := folder / f"{tab}.json").is_file():
                continue
            try:
                values = parse_json(file.read_bytes())
            except (OSError, ValueError) as error:
                log.warning("%s cannot be read (%s); the page begins with its defaults.", file, error)
                continue
            return values if isinstance(values, dict) else {}
        return {}

    def _folder_of(self, session: str) -> Path | None:
        return self._folder / session if _NAME.fullmatch(session) else None

    def _forget_old(self) -> None:
        sessions = [each for each in self._folder.iterdir() if _NAME.fullmatch(each.name)]
        if len(sessions) > MOST_SESSIONS:
            sessions.sort(key=lambda each: max((file.stat().st_mtime_ns for file in each.iterdir()), default=0))
            for each in sessions[:-MOST_SESSIONS]:
                shutil.rmtree(each, ignore_errors=True)


def _copied(source: Path, folder: Path, stem: str) -> str:
    """The path of the copy of a picture; "" where there is none any more."""
    target = folder / f"{stem}{source.suffix}"
    if source == target or not source.is_file():
        return str(source) if source.is_file() else ""
    stamp = source.stat()
    if not target.is_file() or (target.stat().st_size, target.stat().st_mtime_ns) != (stamp.st_size, stamp.st_mtime_ns):
        shutil.copy2(source, target)
    return str(target)
