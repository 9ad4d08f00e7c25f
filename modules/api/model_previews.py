"""Pictures that lie beside model files: where clients fetch them."""

from __future__ import annotations

import os
from urllib.parse import quote

from modules.application.model_list import Listed


def preview_address(item: Listed) -> str | None:
    """Where the item's picture can be fetched, below the program's own address."""
    if item.preview is None:
        return None
    try:
        changed = os.stat(item.preview).st_mtime  # noqa: PTH116
    except OSError:
        return None
    return f"./sd_extra_networks/thumb?filename={quote(item.preview.replace(os.sep, '/'))}&mtime={changed:.0f}"
