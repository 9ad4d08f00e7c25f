"""params.txt: the parameters of the last run, in the data folder, where the page finds them after a restart."""

from __future__ import annotations

import logging
from pathlib import Path

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import reason_of
from modules.foundation.text_files import read_text
from modules.generation.result import GenerationResult

log = logging.getLogger(__name__)

FILE = "params.txt"


def keep_parameters(data: Path, result: GenerationResult) -> None:
    """Write the parameters of the first picture of a run. A folder without write permission costs a warning."""
    image = next(iter(result.samples or result.images), None)
    if image is None or not image.infotext:
        return
    try:
        with atomic_write(data / FILE, durable=False) as file:
            file.write(image.infotext.encode("utf-8", "replace"))
    except OSError as error:
        log.warning("The parameters of the last run are not kept in %s: %s.", data / FILE, reason_of(error))


def kept_parameters(data: Path) -> str:
    """The parameters of the last run; "" when there are none."""
    try:
        return read_text(data / FILE).strip()
    except (OSError, ValueError):
        return ""
