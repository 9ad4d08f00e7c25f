"""Doorway: `launch`, as extensions import it: what `modules.launch_utils` has."""

from __future__ import annotations

from typing import Any

from modules import launch_utils


def __getattr__(name: str) -> Any:
    return getattr(launch_utils, name)


if __name__ == "__main__":
    import sys

    from webui import main

    sys.exit(main())
